"""Predictions held against a marker stream's trials."""

from __future__ import annotations

import numpy as np
import pytest

from rtbci.cli.scoring import percentiles, tally
from rtbci.publish.wire import Prediction
from rtbci.stream.markers import Timeline
from tests.rtbci.stream.test_markers import TWO_TRIALS, heard

CLASSES = ("negative", "neutral", "positive")


def prediction(lsl_time: float, label: str = "positive", state: str = "ok") -> Prediction:
    return Prediction(
        stream="eeg",
        seq=0,
        label=label,
        probabilities=dict.fromkeys(CLASSES, 1 / 3),
        lsl_time=lsl_time,
        unix_time=0.0,
        latency_ms=1.0,
        state=state,
        model="m",
    )


def test_right_and_wrong_predictions_are_counted_by_true_class():
    predictions = [
        prediction(102.0, "positive"),
        prediction(103.0, "negative"),
        prediction(104.0, "positive", "degraded"),
        prediction(105.0, "positive", "warming-up"),  # the filters had not settled
        prediction(110.5, "positive"),  # half of its window lies after the trial
        prediction(111.5, "negative"),  # between trials
        prediction(115.0, "negative"),
        prediction(116.0, "neutral"),
    ]
    counted = tally(predictions, heard(*TWO_TRIALS), CLASSES, window=200, step=0.005)
    assert counted.total == {"negative": 2, "neutral": 0, "positive": 3}
    assert counted.right == {"negative": 1, "neutral": 0, "positive": 2}
    assert counted.accuracy == pytest.approx(3 / 5)


@pytest.mark.parametrize("rounded", [-0.4, 0.0, 0.4])
def test_a_trial_s_first_and_last_whole_windows_count_whatever_is_rounded(rounded):
    # The trial's first sample has the marker's own stamp, and its last is the 2000th.
    step, window = 0.005, 200
    stamps = 100.0 + step * np.arange(-300, 2300)
    predictions = [prediction(t + rounded * step) for t in stamps.tolist()]
    truth = heard(("trial 1 positive", 100.0), ("trial 1 end", 100.0 + 2000 * step))
    counted = tally(predictions, truth, CLASSES, window, step)
    assert counted.total["positive"] == 2000 - window + 1


def test_a_trial_of_an_unknown_class_or_none_at_all_is_not_scored():
    truth = heard(("trial 1 surprised", 100.0))
    for told in (truth, Timeline()):
        counted = tally([prediction(105.0)], told, CLASSES, window=200, step=0.005)
        assert sum(counted.total.values()) == 0
        assert counted.accuracy == 0


def test_percentiles_are_median_99th_and_maximum():
    assert percentiles(range(101)) == (50.0, 99.0, 100.0)
    assert percentiles([3.0]) == (3.0, 3.0, 3.0)
