from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from offline import scores
from offline.scores import Scores

CLASSES = ("negative", "neutral", "positive", "mixed")

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(labels)
def test_figures_are_scikit_learns(pairs):
    true, named = np.array(pairs).T
    confusion = Scores.of(true, named, CLASSES).confusion
    assert np.array_equal(confusion, metrics.confusion_matrix(true, named, labels=range(4)))
    present = sorted(set(true.tolist()))
    f1 = metrics.f1_score(true, named, labels=present, average="macro", zero_division=0)
    assert scores.macro_f1(confusion) == pytest.approx(f1)
    assert scores.accuracy(confusion) == pytest.approx(metrics.accuracy_score(true, named))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes that were named only
        balanced = metrics.balanced_accuracy_score(true, named)
    assert scores.balanced_accuracy(confusion) == pytest.approx(balanced)


def test_many_confusion_matrices_are_scored_at_once():
    rng = np.random.default_rng(0)
    confusions = rng.integers(0, 5, (2, 3, 4, 4))
    for score in (scores.accuracy, scores.balanced_accuracy, scores.macro_f1):
        one_by_one = [[score(each) for each in row] for row in confusions]
        assert np.array_equal(score(confusions), one_by_one)


def test_without_windows_there_is_no_score():
    empty = np.zeros((2, 4, 4), np.int64)
    for score in (scores.accuracy, scores.balanced_accuracy, scores.macro_f1):
        assert np.isnan(score(empty)).all()
    assert Scores(CLASSES, empty[0]).balanced_accuracy == 0


def test_a_class_without_windows_is_left_out_of_the_mean_and_said_to_be_absent():
    found = Scores.of(np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1]), CLASSES)
    assert found.balanced_accuracy == 0.75
    assert found.summary() == {
        "windows": 4,
        "accuracy": 0.75,
        "balanced_accuracy": 0.75,
        "recall": {"negative": 0.5, "neutral": 1.0, "positive": None, "mixed": None},
        "confusion": [[1, 0, 0, 1], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    }
