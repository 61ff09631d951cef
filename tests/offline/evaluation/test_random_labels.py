from __future__ import annotations

import numpy as np
import pytest

from offline.evaluation.protocols import Sessions, make_folds
from offline.evaluation.random_labels import with_random_labels
from tests.offline.cohort import cohort


def labels(recordings) -> list[list[int]]:
    return [[trial.label for trial in recording.trials] for recording in recordings]


def test_a_draw_is_fixed_by_its_number_and_touches_labels_only():
    people = cohort(5, 2)
    first, again = with_random_labels(people, 3, 4), with_random_labels(people, 3, 4)
    assert labels(first) == labels(again)
    assert labels(first) != labels(with_random_labels(people, 3, 5))
    assert labels(first) != labels(people)
    for before, after in zip(people, first, strict=True):
        assert [(t.start, t.stop) for t in before.trials] == [
            (t.start, t.stop) for t in after.trials
        ]


def test_trials_without_a_label_keep_none():
    drawn = with_random_labels(cohort(3, 1, (-1, 0, 1, -1, 2)), 3, 0)
    assert all([label < 0 for label in each] == [1, 0, 0, 1, 0] for each in labels(drawn))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_classes_are_alike_likely_whatever_the_true_one(n_classes):
    people = cohort(60, 3, (0, 1, 1, 1, 1))
    drawn = [with_random_labels(people, n_classes, draw) for draw in range(10)]
    found = np.array([labels(each) for each in drawn])
    for true in (found[..., 0], found[..., 1:]):
        shares = np.bincount(true.ravel(), minlength=n_classes) / true.size
        np.testing.assert_allclose(shares, 1 / n_classes, atol=0.05)


def test_every_fold_can_be_fitted_however_few_its_trials():
    people = cohort(12, 2, (0, 1, 1, 0))
    folds = make_folds(Sessions(validation_share=0.5), people, ("a", "b"), 0)
    for draw in range(5):
        drawn = labels(with_random_labels(people, 2, draw, folds))
        for fold in folds:
            taught = {drawn[r][t] for r, t in fold.train}
            assert len(taught) == 2
            assert taught & {drawn[r][t] for r, t in fold.validation}
    assert any(
        len({each[t] for t in range(2)}) == 1 for each in labels(with_random_labels(people, 2, 0))
    )
