"""What is gained where a recogniser would rather not say than be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline import scores
from offline.evaluation.pooled import tally
from offline.evaluation.summary import Abstaining

POINTS = 50
"""Most points of a curve."""

LEAST_COVERAGE = 0.05
"""Least share of windows that a threshold has to leave an answer."""

_ROUNDING = 1e-9  # a mean of recalls that are all exactly what is wanted reaches it


@dataclass(frozen=True)
class Answered:
    """How good the answers are that one threshold leaves.

    Attributes
    ----------
    coverage : float
        Share of windows that are answered.
    balanced_accuracy : float
        Of these; NaN where a class of the windows has no answered one.
    """

    coverage: float
    balanced_accuracy: float


def abstaining_of(
    probabilities: NDArray[np.float64], label: NDArray[np.int64], points: int = POINTS
) -> Abstaining:
    """Trace accuracy against the share of windows that are answered.

    All windows count alike, as in :func:`~offline.evaluation.calibration.calibration_of`: one
    threshold holds for everyone, and at a high one many a subject has no answered window of some
    class.

    Parameters
    ----------
    probabilities : array, shape (windows, classes)
        What was said; each row sums to 1.
    label : array of int, shape (windows,)
        The true classes; at least one window.
    points : int
        The most thresholds, chosen so that they answer the 1st, 2nd, ... of so many equal parts
        of the windows, the surest first; equal probabilities share one.

    Notes
    -----
    A window is answered where its greatest probability is not below the threshold, which is when
    live does not abstain. Coverage and the risk of what is answered are those of Geifman and
    El-Yaniv 2017 (arXiv 1705.08500), with the share of wrong answers as the risk. The
    area under the one over the other is the mean risk of the 1, 2, ... surest windows (Geifman et
    al. 2019, arXiv 1805.08206), of all windows and not of ``points``; windows that are
    equally sure come in any order, and their expected risk counts.
    """
    confidence = probabilities.max(axis=1)
    windows = len(confidence)
    counts = np.ceil(np.arange(1, points + 1) * windows / points).astype(np.intp)
    thresholds = np.unique(np.sort(confidence)[windows - counts])
    coverage, accuracy, balanced = _curve(thresholds, probabilities, label)
    return Abstaining(
        threshold=thresholds,
        coverage=coverage,
        accuracy=accuracy,
        balanced_accuracy=balanced,
        risk_area=_risk_area(confidence, probabilities.argmax(axis=1) != label),
    )


def answered_at(
    threshold: float, probabilities: NDArray[np.float64], label: NDArray[np.int64]
) -> Answered:
    """Return how good the answers are with one threshold; arrays as in :func:`abstaining_of`."""
    coverage, _, balanced = _curve(np.array([threshold]), probabilities, label)
    return Answered(float(coverage[0]), float(balanced[0]))


def threshold_for(
    accuracy: float, probabilities: NDArray[np.float64], label: NDArray[np.int64]
) -> float | None:
    """Return the least threshold whose answers are good enough.

    Parameters
    ----------
    accuracy : float
        Balanced accuracy that the answers shall have.
    probabilities, label : arrays
        As in :func:`abstaining_of`.

    Returns
    -------
    float or None
        0 where all windows may be answered. None if no threshold that leaves
        :data:`LEAST_COVERAGE` of the windows, and windows of each class, is good enough.
    """
    thresholds = np.unique(probabilities.max(axis=1))
    coverage, _, balanced = _curve(thresholds, probabilities, label)
    enough = (balanced >= accuracy - _ROUNDING) & (coverage >= LEAST_COVERAGE)
    if not enough.any():
        return None
    least = int(enough.argmax())
    return float(thresholds[least]) if least else 0.0


def _curve(
    thresholds: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    label: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage, accuracy and balanced accuracy at thresholds in ascending order."""
    n_classes = probabilities.shape[1]
    # The last threshold at which each window is answered; none for -1.
    until = np.searchsorted(thresholds, probabilities.max(axis=1), side="right") - 1
    kept = until >= 0
    counts = tally(
        (until[kept], label[kept], probabilities.argmax(axis=1)[kept]),
        (len(thresholds), n_classes, n_classes),
    )
    confusions = counts[::-1].cumsum(axis=0)[::-1]
    recalls = scores.recalls(confusions)[:, np.unique(label)]
    return (
        confusions.sum(axis=(1, 2)) / len(label),
        scores.accuracy(confusions),
        recalls.mean(axis=1),
    )


def _risk_area(confidence: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    _, group = np.unique(-confidence, return_inverse=True)
    risk_of_group = np.bincount(group, wrong) / np.bincount(group)
    expected = risk_of_group[np.sort(group)].cumsum()
    return float((expected / np.arange(1, len(wrong) + 1)).mean())
