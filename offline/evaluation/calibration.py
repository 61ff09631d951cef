"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.summary import Calibration, CalibrationBin

BINS = 15  # as in Guo et al. 2017


def calibration_of(
    probabilities: NDArray[np.float64], label: NDArray[np.int64], bins: int = BINS
) -> Calibration:
    """Compare the greatest probability of windows with how often its class is the true one.

    Parameters
    ----------
    probabilities : array, shape (windows, classes)
        What was said; each row sums to 1.
    label : array of int, shape (windows,)
        The true classes.
    bins : int
        Number of bins of equal width between 1 / classes, below which no greatest probability can
        lie, and 1. A bin holds its upper edge and not its lower one.

    Notes
    -----
    The expected calibration error is equation 3 of Guo et al. 2017 (arXiv 1706.04599): the sum over
    bins of the share of windows times the distance of accuracy and mean confidence. Its bins span
    0 to 1; those below 1 / classes are empty, so here all of them lie where windows can.
    The Brier score is that of Brier 1950 (Monthly Weather Review 78, 1), over all classes: 0 at
    best, 2 at worst.
    """
    windows, n_classes = probabilities.shape
    confidence = probabilities.max(axis=1)
    hit = probabilities.argmax(axis=1) == label
    position = (confidence - 1 / n_classes) / (1 - 1 / n_classes) * bins
    index = np.clip(np.ceil(position).astype(np.intp) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = np.flatnonzero(count)
    said = np.bincount(index, confidence, bins)[filled] / count[filled]
    true = np.bincount(index, hit, bins)[filled] / count[filled]
    of_true_class = probabilities[np.arange(windows), label]
    # |p - e_y|^2 = |p|^2 - 2 p_y + 1
    squares = np.einsum("wc,wc->w", probabilities, probabilities) - 2 * of_true_class + 1
    return Calibration(
        bins=tuple(
            CalibrationBin(float(s), float(t), int(n))
            for s, t, n in zip(said, true, count[filled], strict=True)
        ),
        expected_error=float(np.abs(said - true) @ count[filled] / windows),
        brier=float(squares.mean()),
    )
