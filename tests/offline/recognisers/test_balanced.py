from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.naive_bayes import GaussianNB

from offline.recognisers.balanced import (
    BalancedMlp,
    BalancedNaiveBayes,
    BalancedNeighbours,
)


@given(seed=st.integers(0, 1000), k=st.integers(1, 60), classes=st.integers(1, 4))
def test_neighbours_vote_with_the_inverse_of_their_classes_share(seed, k, classes):
    rng = np.random.default_rng(seed)
    X, new = rng.standard_normal((40, 3)), rng.standard_normal((7, 3))
    y = np.array([3, 5, 6, 8])[rng.integers(0, classes, 40)]
    said = BalancedNeighbours(k).fit(X, y).predict_proba(new)
    for row, distances in zip(said, cdist(new, X), strict=True):
        voters = y[np.argsort(distances)[:k]]
        odds = np.array([(voters == c).sum() / (y == c).mean() + 1 for c in np.unique(y)])
        assert row == pytest.approx(odds / odds.sum(), rel=1e-12)


def test_all_windows_as_neighbours_say_nothing():
    X, y = np.random.default_rng(0).standard_normal((50, 2)), np.repeat([0, 1], [40, 10])
    fitted = BalancedNeighbours(1000).fit(X, y)
    assert fitted.predict_proba(X[:3]) == pytest.approx(0.5)


def test_predict_agrees_with_the_probabilities():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((60, 2)), np.repeat([4, 9], [50, 10])
    fitted = BalancedNeighbours(7).fit(X, y)
    assert np.array_equal(fitted.predict(X), np.array([4, 9])[fitted.predict_proba(X).argmax(1)])


def test_naive_bayes_is_scikit_learns_with_equal_priors():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((90, 3)), np.repeat([0, 1, 2], [60, 20, 10])
    expected = GaussianNB(priors=[1 / 3] * 3).fit(X, y).predict_proba(X)
    assert BalancedNaiveBayes().fit(X, y).predict_proba(X) == pytest.approx(expected, rel=1e-9)


def test_the_perceptron_ends_on_its_passes_without_a_warning():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((60, 3)), rng.integers(0, 2, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert BalancedMlp((4,), max_iter=3, random_state=0).fit(X, y).n_iter_ == 3
