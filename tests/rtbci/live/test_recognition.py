"""Several models' word on one sample."""

from __future__ import annotations

import numpy as np
import pytest

from rtbci.live.recognition import Recognition, average
from rtbci.publish.wire import Quality


def recognition(probabilities=(0.2, 0.3, 0.5), state="ok", **quality) -> Recognition:
    return Recognition(np.array(probabilities), 12.5, state, Quality(**quality))


def test_probabilities_are_averaged_each_model_counting_alike():
    members = [recognition(p) for p in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.25, 0.25, 0.5))]
    joint = average(members)
    np.testing.assert_allclose(joint.probabilities, [5 / 12, 5 / 12, 1 / 6], rtol=1e-15)
    assert joint.lsl_time == 12.5


def test_one_model_s_word_is_left_as_it_is():
    alone = recognition((0.1, 0.2, 0.7), "degraded", gap_ms=3.0)
    assert average([alone]) is alone


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (("ok", "ok"), "ok"),
        (("ok", "degraded", "ok"), "degraded"),
        (("degraded", "warming-up"), "warming-up"),
        (("warming-up", "ok", "degraded"), "warming-up"),
    ],
)
def test_the_worst_state_counts(states, worst):
    assert average([recognition(state=state) for state in states]).state == worst


def test_quality_names_what_any_model_complains_of():
    joint = average(
        [
            recognition(bad_channels=("FP1", "OZ"), interpolated=("CB1",)),
            recognition(bad_channels=("OZ", "T7"), interpolated=("CB1", "CB2"), gap_ms=40.0),
            recognition(gap_ms=12.0),
        ]
    )
    assert joint.quality == Quality(
        bad_channels=("FP1", "OZ", "T7"), interpolated=("CB1", "CB2"), gap_ms=40.0
    )
