"""Estimators that scikit-learn cannot balance by itself: each class counts alike in the fit.

What these, and all other recognisers but ``trivial``, say is the posterior under equal priors.
"""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_sample_weight


class BalancedNaiveBayes(GaussianNB):  # type: ignore[misc]  # scikit-learn carries no types
    """Gaussian naive Bayes whose classes are equally likely beforehand."""

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> Self:
        """Fit to windows (windows, features) and their classes."""
        super().fit(X, y, compute_sample_weight("balanced", y))
        return self


class BalancedMlp(MLPClassifier):  # type: ignore[misc]
    """Multilayer perceptron whose loss weighs each class alike."""

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> Self:
        """Fit to windows (windows, features) and their classes."""
        with warnings.catch_warnings():
            # The number of passes is a hyper-parameter here, so that ending on it is no failure.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, compute_sample_weight("balanced", y))
        return self


class BalancedNeighbours(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""k nearest neighbours, each voting with the inverse of its class's share in training.

    With :math:`k_c` of the neighbours in class :math:`c`, whose share of the training windows is
    :math:`\pi_c`,

    .. math:: p(c \mid x) \propto k_c / \pi_c + 1

    which is the k-nearest-neighbour density estimate under equal priors (Fukunaga 1990, section
    7.3), with one more neighbour that is spread over the classes as the training part is: without
    it, a class without a vote would be impossible.

    Parameters
    ----------
    n_neighbors : int
        How many vote, at most all windows.
    """

    def __init__(self, n_neighbors: int = 15) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> Self:
        """Keep windows (windows, features) and their classes."""
        self.classes_, self._index = np.unique(y, return_inverse=True)
        count = min(self.n_neighbors, len(X))
        self._neighbours = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(X)
        return self

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each class's probability, shape (windows, classes)."""
        voters = self._index[self._neighbours.kneighbors(X, return_distance=False)]
        shares = np.bincount(self._index) / len(self._index)
        odds = np.stack(
            [(voters == k).sum(axis=1) / share + 1 for k, share in enumerate(shares)], axis=1
        )
        probabilities: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.integer]:
        """Return the likeliest class of each window."""
        named: NDArray[np.integer] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return named
