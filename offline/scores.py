"""How well predictions agree with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_PROBABILITY = 1e-12
"""No class is held for less likely than this: logarithms stay finite, and one certain error does
not outweigh all other windows for ever."""


def recalls(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each class's windows that were recognised.

    Parameters
    ----------
    confusion : array of int, shape (..., classes, classes)
        Windows by their true class (row) and the predicted one (column).

    Returns
    -------
    array, shape (..., classes)
        NaN for a class that has no window.
    """
    return _ratio(_hits(confusion), confusion.sum(axis=-1))


def accuracy(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of windows that were recognised, shape (...); NaN without windows."""
    return _ratio(_hits(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def balanced_accuracy(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean recall of the classes that have windows, shape (...); NaN without windows."""
    return _over_present(recalls(confusion), confusion)


def macro_f1(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean F1 of the classes that have windows, shape (...); NaN without windows.

    A class's F1 is 2 TP / (2 TP + FP + FN). A class that has no window counts by the windows that
    were wrongly given to it, as false negatives of the others, but has no F1 of its own.
    """
    named_or_true = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return _over_present(_ratio(2 * _hits(confusion), named_or_true), confusion)


def _hits(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _over_present(score: NDArray[np.float64], confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average a score (..., classes) over the classes that have windows."""
    present = confusion.sum(axis=-1) > 0
    return _ratio(np.where(present, score, 0).sum(axis=-1), present.sum(axis=-1))


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    ratio = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=np.asarray(whole) > 0)
    return ratio


@dataclass(frozen=True)
class Scores:
    """Agreement on one part of a data set.

    Attributes
    ----------
    classes : tuple of str
        Class names.
    confusion : array of int, shape (classes, classes)
        Windows counted by their true class (row) and the predicted one (column).
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @classmethod
    def of(
        cls, true: NDArray[np.int64], predicted: NDArray[np.int64], classes: Sequence[str]
    ) -> Scores:
        """Count true against predicted labels, each of shape (windows,)."""
        confusion = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(confusion, (true, predicted), 1)
        return cls(tuple(classes), confusion)

    @property
    def windows(self) -> int:
        """Number of windows that were scored."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of windows that were recognised; 0 without windows."""
        return float(np.nan_to_num(accuracy(self.confusion)))

    @property
    def recalls(self) -> tuple[float | None, ...]:
        """Share of each class's windows that were recognised; None where it has no window."""
        found = recalls(self.confusion).tolist()
        return tuple(None if np.isnan(recall) else recall for recall in found)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have windows; 0 without windows."""
        return float(np.nan_to_num(balanced_accuracy(self.confusion)))

    def summary(self) -> dict[str, Any]:
        """Return the scores as plain data, for a model file or a report."""
        return {
            "windows": self.windows,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "recall": dict(zip(self.classes, self.recalls, strict=True)),
            "confusion": self.confusion.tolist(),
        }
