from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from pydantic import ValidationError

from offline.evaluation.calibration import calibration_of
from offline.held_out import Abstain, HeldOut

CLASSES = ("calm", "tense")


def held_out(windows: int = 400, seed: int = 0) -> HeldOut:
    """Return what an honest recogniser said: surer windows are right more often."""
    rng = np.random.default_rng(seed)
    calm = rng.uniform(0, 1, windows)
    label = (rng.random(windows) > calm).astype(np.int64)
    return HeldOut(CLASSES, np.stack([calm, 1 - calm], axis=1), label)


def test_the_model_abstains_as_seldom_as_the_wanted_accuracy_allows():
    found = held_out()
    assert found.scores.balanced_accuracy < 0.9
    thresholds = [found.abstain_below(Abstain(accuracy=share)) for share in (0.5, 0.85, 0.9)]
    assert thresholds[0] == 0
    assert 0.5 < thresholds[1] < thresholds[2] < 1
    answered = found.summary(thresholds[2])["answered"]
    assert answered["balanced_accuracy"] >= 0.9
    assert 0.01 <= answered["coverage"] < 1


def test_who_does_not_ask_for_it_gets_a_model_that_always_answers():
    found = held_out()
    assert found.abstain_below(None) == 0
    told = found.summary(0.0)["answered"]
    assert told == {"coverage": 1, "balanced_accuracy": found.scores.balanced_accuracy}


def test_what_no_threshold_reaches_is_told_and_the_model_always_answers(caplog):
    found = held_out(20_000)
    guessing = HeldOut(CLASSES, found.probabilities, np.arange(20_000) % 2)
    with caplog.at_level(logging.WARNING):
        assert guessing.abstain_below(Abstain(accuracy=0.95)) == 0
    (record,) = caplog.records
    assert "abstain.accuracy = 0.95" in record.getMessage()
    assert "never abstains" in record.getMessage()


def test_the_summary_says_whether_probabilities_mean_what_they_say():
    found = held_out()
    told = json.loads(json.dumps(found.summary(0.0), allow_nan=False))
    expected = calibration_of(found.probabilities, found.label)
    assert told["expected_calibration_error"] == expected.expected_error
    assert told["brier"] == expected.brier
    assert told["windows"] == 400
    curve = json.loads(json.dumps(found.curve(), allow_nan=False))
    assert 10 <= len(curve["threshold"]) <= 20


def test_a_part_without_windows_has_scores_and_no_made_up_figures():
    empty = HeldOut.of([], [], {}, CLASSES)
    told = empty.summary(0.5)
    assert told["windows"] == 0
    assert "brier" not in told


@pytest.mark.parametrize("accuracy", [0, 1.5])
def test_an_accuracy_that_is_none_is_refused(accuracy):
    with pytest.raises(ValidationError):
        Abstain(accuracy=accuracy)
