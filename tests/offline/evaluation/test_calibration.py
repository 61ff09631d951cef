from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from offline.evaluation.calibration import calibration_of


def said(rng, windows, n_classes):
    return rng.dirichlet(np.full(n_classes, 0.5), windows)


def expected_error_by_the_book(probabilities, label, bins):
    """Equation 3 of Guo et al. 2017, one bin after the other."""
    n_classes = probabilities.shape[1]
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    edges = np.linspace(1 / n_classes, 1, bins + 1)
    error = 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            error += inside.sum() / len(label) * gap
    return error


@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(1, 200), st.integers(1, 20))
def test_error_and_brier_score_are_the_papers(seed, n_classes, windows, bins):
    rng = np.random.default_rng(seed)
    probabilities = said(rng, windows, n_classes)
    label = rng.integers(n_classes, size=windows)
    found = calibration_of(probabilities, label, bins)
    assert found.expected_error == pytest.approx(
        expected_error_by_the_book(probabilities, label, bins)
    )
    expected = brier_score_loss(label, probabilities, labels=range(n_classes), scale_by_half=False)
    assert found.brier == pytest.approx(expected)
    assert sum(each.windows for each in found.bins) == windows
    assert [each.confidence for each in found.bins] == sorted(
        each.confidence for each in found.bins
    )


def test_who_means_what_he_says_has_no_error():
    rng = np.random.default_rng(0)
    probabilities = said(rng, 200_000, 3)
    label = (probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))).sum(axis=1)
    assert calibration_of(probabilities, np.minimum(label, 2)).expected_error < 0.01


def test_who_is_certain_and_wrong_has_all_of_it():
    found = calibration_of(np.eye(3)[[0, 0, 1]], np.array([1, 2, 0]))
    assert (found.expected_error, found.brier) == (1.0, 2.0)
    assert len(found.bins) == 1


def test_who_never_decides_is_in_the_first_bin():
    found = calibration_of(np.full((6, 3), 1 / 3), np.array([0, 0, 1, 1, 2, 2]))
    assert found.expected_error == pytest.approx(0)
    assert found.brier == pytest.approx(2 / 3)
    assert [(each.windows, each.accuracy) for each in found.bins] == [(6, pytest.approx(1 / 3))]


def test_a_bin_holds_its_upper_edge():
    certainty = np.array([0.7, 0.75, 0.8])  # of two classes in four bins: up to 0.75, from there
    found = calibration_of(np.stack([certainty, 1 - certainty], axis=1), np.zeros(3, int), bins=4)
    assert [each.windows for each in found.bins] == [2, 1]
