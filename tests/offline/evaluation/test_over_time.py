from __future__ import annotations

import numpy as np
import pytest

from offline.evaluation.outcome import Predictions
from offline.evaluation.over_time import named_so_far, over_time
from offline.evaluation.pooled import Pooled
from tests.offline.evaluation.predicted import outcome, predictions, rows


def pool(*outcomes):
    return Pooled.of(outcomes, ["a", "b"])


def scored(pooled):
    return over_time(pooled, pooled.probabilities.argmax(axis=1), named_so_far(pooled))


def test_evidence_is_the_mean_of_log_probabilities_since_the_trials_first_window():
    rng = np.random.default_rng(0)
    made = predictions([(0, 0, 0, 40), (0, 1, 2, 30), (1, 0, 1, 50)], rng, skill=0.5)
    made.probabilities[[3, 45]] = [1, 0, 0]
    pooled = pool(outcome(made))
    expected = []
    for start, stop in ((0, 40), (40, 70), (70, 120)):
        for end in range(start + 1, stop + 1):
            logs = np.log(np.clip(made.probabilities[start:end], 1e-12, None))
            expected.append(logs.mean(axis=0).argmax())
    assert named_so_far(pooled).tolist() == expected


def test_nothing_is_known_of_later_windows():
    rng = np.random.default_rng(0)
    made = predictions([(0, 0, 0, 40), (1, 0, 1, 50)], rng)
    early = made.seconds <= 10
    whole = named_so_far(pool(outcome(made)))
    assert np.array_equal(named_so_far(pool(outcome(rows(made, early)))), whole[early])


def test_a_second_counts_the_last_window_that_ended_in_it():
    label = np.array([0, 0, 0, 0, 1, 1, 1])
    named = np.array([1, 0, 0, 1, 0, 1, 1])
    made = Predictions(
        recording=np.array([0, 0, 0, 0, 1, 1, 1]),
        trial=np.zeros(7, np.int64),
        seconds=np.array([1.0, 1.5, 2 + 1e-10, 4.0, 1.0, 1.2, 1.9]),
        label=label,
        probabilities=np.eye(2)[named] * 0.8 + 0.1,
    )
    found = scored(pool(outcome(made)))
    assert found.seconds.tolist() == [1, 2, 4]
    np.testing.assert_array_equal(found.window, [0.0, 1.0, np.nan])
    # After two seconds: right two of three times in both trials; at the end, two of four is a tie.
    assert found.so_far[:2].tolist() == [0.0, 1.0]
    assert found.trials.tolist() == [2, 2, 1]


def test_seconds_in_which_a_class_has_ended_have_no_score():
    made = Predictions(
        recording=np.array([0, 0, 1]),
        trial=np.zeros(3, np.int64),
        seconds=np.array([1.0, 2.0, 1.0]),
        label=np.array([0, 0, 1]),
        probabilities=np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]]),
    )
    found = scored(pool(outcome(made)))
    np.testing.assert_array_equal(found.window, [0.5, np.nan])
    np.testing.assert_array_equal(found.so_far, [0.5, np.nan])
    assert found.trials.tolist() == [2, 1]


def test_seeds_share_the_score_and_a_trial_is_counted_once():
    rng = np.random.default_rng(0)
    trials = [(0, t, t % 3, 20) for t in range(6)] + [(1, t, t % 3, 30) for t in range(6)]
    first, second = predictions(trials, rng, skill=1), predictions(trials, rng, skill=1)
    both = scored(pool(outcome(first, seed=4), outcome(second, seed=9)))
    alone = [scored(pool(outcome(each))) for each in (first, second)]
    # Each class has as many trials in both, so the mean recall is the mean of both.
    assert both.window == pytest.approx((alone[0].window + alone[1].window) / 2)
    assert both.so_far == pytest.approx((alone[0].so_far + alone[1].so_far) / 2)
    assert both.trials.tolist() == alone[0].trials.tolist() == [12] * 11 + [6] * 5
