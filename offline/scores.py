"""How well predictions agree with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
        """Share of windows that were recognised."""
        return float(np.trace(self.confusion) / max(self.windows, 1))

    @property
    def recalls(self) -> tuple[float | None, ...]:
        """Share of each class's windows that were recognised; None where it has no window."""
        counts = self.confusion.sum(axis=1)
        hits = np.diag(self.confusion)
        return tuple(
            float(hit / count) if count else None for hit, count in zip(hits, counts, strict=True)
        )

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have windows."""
        found = [recall for recall in self.recalls if recall is not None]
        return float(np.mean(found)) if found else 0.0

    def summary(self) -> dict[str, Any]:
        """Return the scores as plain data, for a model file or a report."""
        return {
            "windows": self.windows,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "recall": dict(zip(self.classes, self.recalls, strict=True)),
            "confusion": self.confusion.tolist(),
        }
