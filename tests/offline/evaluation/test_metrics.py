from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from offline.evaluation.metrics import summarise
from offline.evaluation.outcome import Predictions
from offline.evaluation.report.metrics_file import plain
from tests.offline.evaluation.predicted import outcome, predictions, rows

CLASSES = ("negative", "neutral", "positive")
SUBJECTS = ("zoe", "zoe", "adam", "eve")  # of four recordings
QUICK = {"permutations": 199, "bootstraps": 200}


def session(recording, labels, rng, skill=1.0):
    windows = [(recording, t, label, 10 + 3 * t) for t, label in enumerate(labels)]
    return predictions(windows, rng, skill)


def study(seeds=(0, 1), skill=1.0):
    """Four recordings of three subjects, each recording a fold, with two seeds."""
    rng = np.random.default_rng(5)
    labels = ([0, 1, 2, 1, 0, 2], [2, 2, 1, 0, 0, 1], [0, 1, 0, 1, 0, 1], [2, 1, 0, 2, 1, 0])
    return [
        outcome(session(r, labels[r], rng, skill), fold=str(r), seed=seed)
        for seed in seeds
        for r in range(4)
    ]


def subject_by_subject(outcomes, score):
    """Mean over seeds of a score of each subject's windows, folds put together."""
    found = {}
    for name in dict.fromkeys(SUBJECTS):
        of_seeds = []
        for seed in sorted({each.task.seed for each in outcomes}):
            mine = [
                each.predictions
                for each in outcomes
                if each.task.seed == seed and SUBJECTS[each.predictions.recording[0]] == name
            ]
            true = np.concatenate([each.label for each in mine])
            named = np.concatenate([each.probabilities.argmax(axis=1) for each in mine])
            of_seeds.append(score(true, named))
        found[name] = np.mean(of_seeds)
    return found


def recall_of_present(true, named):
    present = np.unique(true)
    return metrics.recall_score(true, named, labels=present, average="macro")


def f1_of_present(true, named):
    return metrics.f1_score(true, named, labels=np.unique(true), average="macro")


def test_figures_are_those_of_each_subjects_windows_of_all_folds():
    outcomes = study()
    found = summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)
    expected = subject_by_subject(outcomes, recall_of_present)
    assert list(found.per_subject) == ["zoe", "adam", "eve"]
    assert found.per_subject == pytest.approx(expected)
    values = list(expected.values())
    assert found.balanced_accuracy.mean == pytest.approx(np.mean(values))
    assert found.balanced_accuracy.sd == pytest.approx(np.std(values, ddof=1))
    accuracies = subject_by_subject(outcomes, metrics.accuracy_score)
    assert found.accuracy.mean == pytest.approx(np.mean(list(accuracies.values())))
    assert found.accuracy_by_subject == pytest.approx(accuracies)
    f1 = subject_by_subject(outcomes, f1_of_present)
    assert found.macro_f1.mean == pytest.approx(np.mean(list(f1.values())))
    assert found.balanced_accuracy.low <= found.balanced_accuracy.mean


def test_the_spread_over_seeds_is_that_of_the_seeds_by_themselves():
    outcomes = study(seeds=(3, 1, 8))
    found = summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)
    alone = [
        summarise(
            "svm",
            [each for each in outcomes if each.task.seed == seed],
            SUBJECTS,
            CLASSES,
            0,
            **QUICK,
        )
        for seed in (3, 1, 8)
    ]
    for score in ("accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy"):
        means = [getattr(each, score).mean for each in alone]
        assert getattr(found, score).seeds_sd == pytest.approx(np.std(means, ddof=1))
        assert getattr(found, score).mean == pytest.approx(np.mean(means))
    assert (found.seeds, found.windows, found.trials) == (3, alone[0].windows, 24)
    assert found.windows == sum(len(each.predictions) for each in outcomes[:4])
    assert np.array_equal(found.confusion, sum(each.confusion for each in alone))


def test_confusion_has_the_true_class_in_rows():
    outcomes = study()
    found = summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)
    true = np.concatenate([each.predictions.label for each in outcomes])
    named = np.concatenate([each.predictions.probabilities.argmax(1) for each in outcomes])
    assert np.array_equal(found.confusion, metrics.confusion_matrix(true, named))


def test_a_trial_is_named_by_all_its_windows():
    outcomes = study()

    def of_trials(made):
        true, named = [], []
        for t in np.unique(made.trial):
            own = made.trial == t
            true.append(made.label[own][0])
            named.append(np.log(made.probabilities[own]).mean(axis=0).argmax())
        return true, named

    expected = {}
    for name, numbers in (("zoe", (0, 1)), ("adam", (2,)), ("eve", (3,))):
        of_seeds = []
        for seed in (0, 1):
            pairs = [of_trials(outcomes[4 * seed + r].predictions) for r in numbers]
            true, named = (np.concatenate(column) for column in zip(*pairs, strict=True))
            of_seeds.append(recall_of_present(true, named))
        expected[name] = np.mean(of_seeds)
    found = summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)
    assert found.trial_accuracy.mean == pytest.approx(np.mean(list(expected.values())))


def test_it_makes_no_difference_how_folds_cut_the_windows():
    """Not even trials: dealt at random, a trial's windows come from several folds."""
    whole = study(seeds=(0,))
    rng = np.random.default_rng(0)
    torn = [
        outcome(rows(each.predictions, place == k), fold=f"{each.task.fold} {k}")
        for each in whole
        for place in [rng.integers(3, size=len(each.predictions))]
        for k in (2, 0, 1)
    ]
    found, expected = (
        plain(summarise("svm", each, SUBJECTS, CLASSES, seed=0, **QUICK)) for each in (torn, whole)
    )
    # Sums in another order may differ in the last digit.
    assert found.pop("calibration")["brier"] == pytest.approx(expected.pop("calibration")["brier"])
    assert found == expected


def test_other_people_with_other_seeds_are_all_in():
    rng = np.random.default_rng(0)
    outcomes = [
        outcome(session(2, [0, 1, 2, 0], rng), "subjects", seed=0),
        outcome(session(3, [0, 1, 2, 0], rng), "subjects", seed=1),
    ]
    found = summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)
    expected = [
        recall_of_present(each.predictions.label, each.predictions.probabilities.argmax(1))
        for each in outcomes
    ]
    assert list(found.per_subject.values()) == pytest.approx(expected)
    assert found.balanced_accuracy.seeds_sd == pytest.approx(np.std(expected, ddof=1))
    assert (found.seeds, found.trials) == (2, 4)


def test_skill_shows_in_the_permutation_test_and_guessing_does_not():
    skilled, guessing = (
        summarise("svm", study(skill=skill), SUBJECTS, CLASSES, seed=0, **QUICK)
        for skill in (3.0, 0.0)
    )
    assert skilled.permutation_p == 1 / 200
    assert guessing.permutation_p > 0.05
    assert skilled.chance == pytest.approx(1 / 3)


def test_one_subject_alone_has_no_made_up_interval():
    found = summarise("svm", study()[:1], SUBJECTS, CLASSES, seed=0, **QUICK)
    score = found.balanced_accuracy
    assert (score.sd, score.low, score.high, score.seeds_sd) == (0, score.mean, score.mean, 0)


def test_the_seed_fixes_a_summary():
    found = [
        plain(summarise("svm", study(), SUBJECTS, CLASSES, seed=seed, **QUICK))
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_outcomes_that_cannot_be_scored_are_refused():
    outcomes = study(seeds=(0,))
    redrawn = outcome(outcomes[0].predictions, seed=0, draw=1)
    with pytest.raises(ValueError, match="several draws"):
        summarise("svm", [*outcomes, redrawn], SUBJECTS, CLASSES, seed=0, **QUICK)
    made = outcomes[0].predictions
    other = Predictions(
        made.recording, made.trial, made.seconds, (made.label + 1) % 3, made.probabilities
    )
    with pytest.raises(ValueError, match="two labels"):
        summarise("svm", [*outcomes, outcome(other, seed=1)], SUBJECTS, CLASSES, 0, **QUICK)
    with pytest.raises(ValueError, match="no window"):
        summarise("svm", [outcome(rows(made, []))], SUBJECTS, CLASSES, seed=0, **QUICK)
    made.probabilities[2, 1] = np.nan
    with pytest.raises(ValueError, match="fold='0'.* not a number"):
        summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)


@pytest.mark.parametrize(
    ("lags", "lag_s", "told"),
    [
        ((0.0, 0.0), 0.0, 1.0),
        ((1.0, 3.0, 8.0, np.nan), 3.0, 1.0),
        ((1.0, np.inf, np.inf, 2.0), 1.5, 0.5),
        ((np.inf, np.inf), np.inf, 0.0),
        ((np.nan,), np.nan, np.nan),
    ],
)
def test_the_lag_is_that_of_a_typical_fold_that_tells_changes(lags, lag_s, told):
    rng = np.random.default_rng(0)
    outcomes = [
        outcome(session(0, [0, 1, 2], rng), fold=f"{k}", seed=k, lag_s=lag)
        for k, lag in enumerate(lags)
    ]
    found = summarise("svm", outcomes, SUBJECTS, CLASSES, seed=0, **QUICK)
    np.testing.assert_equal((found.lag_s, found.lag_told), (lag_s, told))
