"""Probabilities for estimators that have none, or exaggerate: one temperature, from validation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from offline.recognisers.inputs import Seen

Labelled = tuple[Seen, NDArray[np.integer]]
"""``X`` and ``y`` of a part."""

_LOG_BOUNDS = (-10.0, 10.0)


def fit_with(estimator: Any, train: Labelled, **offered: object) -> Any:
    """Fit an estimator, and give it of what is offered beside the training part what it takes."""
    taken = {name: value for name, value in offered.items() if has_fit_parameter(estimator, name)}
    return estimator.fit(*train, **taken)


class Tempered(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    r"""An estimator whose scores become probabilities by temperature scaling.

    .. math:: \log p = \log \mathrm{softmax}(\beta s)

    where :math:`s` is the estimator's decision function, or its log-probabilities where it has no
    decision function, and :math:`\beta`, the inverse temperature, has the least cross-entropy on
    the validation part, each class weighing alike (Guo et al. 2017, arXiv 1706.04599, section 4.2).
    Which class is likeliest does not change. Random folds of the training part would not do
    instead: windows beside each other would lie on both sides.

    Parameters
    ----------
    estimator : scikit-learn classifier
        With ``decision_function`` or ``predict_log_proba``.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(
        self,
        X: Seen,
        y: NDArray[np.integer],
        *,
        validation: Labelled,
        checkpoint: Path | None = None,
    ) -> Self:
        """Fit the estimator to ``X`` and ``y``, and the temperature to the validation part.

        Parameters
        ----------
        X : array, shape (windows, features), or Examples
            Training windows.
        y : array of int, shape (windows,)
            Their classes.
        validation : tuple of X and y
            Other windows, of classes that are in ``y``.
        checkpoint : Path, optional
            For the estimator, where its training can go on from a file.
        """
        self.estimator_ = fit_with(
            clone(self.estimator), (X, y), validation=validation, checkpoint=checkpoint
        )
        self.classes_ = self.estimator_.classes_
        held_out, labels = validation
        self.inverse_temperature_ = inverse_temperature(
            self._scores(held_out), np.searchsorted(self.classes_, labels)
        )
        return self

    @property
    def chosen_(self) -> dict[str, object]:
        """What the estimator chose on the validation part by itself."""
        return getattr(self.estimator_, "chosen_", {})

    def predict_log_proba(self, X: Seen) -> NDArray[np.float64]:
        """Return the logarithm of each class's probability, shape (windows, classes)."""
        result: NDArray[np.float64] = log_softmax(
            self.inverse_temperature_ * self._scores(X), axis=1
        )
        return result

    def predict_proba(self, X: Seen) -> NDArray[np.float64]:
        """Return each class's probability, shape (windows, classes)."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Seen) -> NDArray[np.integer]:
        """Return the likeliest class of each window."""
        named: NDArray[np.integer] = self.classes_[self._scores(X).argmax(axis=1)]
        return named

    def _scores(self, X: Seen) -> NDArray[np.float64]:
        if not hasattr(self.estimator_, "decision_function"):
            return np.asarray(self.estimator_.predict_log_proba(X))
        decision = np.asarray(self.estimator_.decision_function(X))
        # Of two classes scikit-learn gives the second one's score alone.
        return decision if decision.ndim == 2 else np.stack([-decision, decision], axis=1)


def inverse_temperature(scores: NDArray[np.float64], index: NDArray[np.intp]) -> float:
    """Return what scores (windows, classes) are best multiplied by, given the true classes."""
    weights = compute_sample_weight("balanced", index)
    rows = np.arange(len(index))

    def cross_entropy(logarithm: float) -> float:
        said = log_softmax(math.exp(logarithm) * scores, axis=1)[rows, index]
        return -float(np.average(said, weights=weights))

    found = minimize_scalar(cross_entropy, bounds=_LOG_BOUNDS, method="bounded")
    return math.exp(found.x)
