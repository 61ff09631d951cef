"""Predictions held against a marker stream's trials."""

from __future__ import annotations

import numpy as np
import pytest

from rtbci.cli.scoring import Truth, percentiles, tally
from rtbci.publish.wire import Prediction

CLASSES = ("negative", "neutral", "positive")


def heard(*markers: tuple[str, float]) -> Truth:
    truth = Truth()
    for text, when in markers:
        truth.hear(text, when)
    return truth


TWO_TRIALS = (
    ("trial 1 positive", 100.0),
    ("trial 1 end", 110.0),
    ("trial 2 negative", 112.0),
    ("trial 2 end", 120.0),
)


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


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        (100.0, 101.0, "positive"),
        (105.0, 109.9, "positive"),
        (112.0, 119.9, "negative"),
        (99.9, 101.0, None),  # began before the trial
        (109.0, 110.5, None),  # ended after it
        (110.5, 111.5, None),  # between trials
        (109.0, 113.0, None),  # from one into the other
        (10.0, 11.0, None),
        (121.0, 122.0, None),
        (90.0, 130.0, None),
    ],
)
def test_a_window_has_a_label_where_one_trial_holds_it(first, last, label):
    assert heard(*TWO_TRIALS).label(first, last) == label


def test_a_trial_that_still_runs_counts():
    truth = heard(*TWO_TRIALS, ("trial 3 neutral", 130.0))
    assert truth.label(500.0, 501.0) == "neutral"
    truth.hear("trial 3 end", 140.0)
    assert truth.label(500.0, 501.0) is None
    assert truth.label(131.0, 132.0) == "neutral"


def test_a_trial_ends_at_the_latest_where_the_next_begins():
    truth = heard(("trial 1 positive", 100.0), ("trial 2 negative", 110.0))
    assert truth.label(105.0, 109.0) == "positive"
    assert truth.label(109.0, 111.0) is None
    assert truth.label(110.0, 111.0) == "negative"


def test_labels_may_hold_spaces_and_other_markers_are_ignored():
    truth = heard(
        ("blink", 99.0),
        ("trial 1 very calm", 100.0),
        ("T0", 105.0),
        ("trial", 106.0),
        ("trial x end", 107.0),
    )
    assert truth.label(101.0, 108.0) == "very calm"


def test_an_end_without_a_beginning_is_ignored():
    truth = heard(("trial 7 end", 90.0), *TWO_TRIALS)
    assert truth.label(80.0, 85.0) is None
    assert truth.label(101.0, 102.0) == "positive"


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
    for told in (truth, Truth()):
        counted = tally([prediction(105.0)], told, CLASSES, window=200, step=0.005)
        assert sum(counted.total.values()) == 0
        assert counted.accuracy == 0


def test_percentiles_are_median_99th_and_maximum():
    assert percentiles(range(101)) == (50.0, 99.0, 100.0)
    assert percentiles([3.0]) == (3.0, 3.0, 3.0)
