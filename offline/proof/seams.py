"""Whether an endless signal has seams where a generator goes on from one piece to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offline.generators.generator import Floats
from offline.proof.sets import LEAST_EXAMPLES

_LEAST_STEP = 1e-9  # microvolts: a flat channel has no steps


def seam_ratio(windows: Floats, stretches: Sequence[Floats]) -> float:
    r"""Return how much steeper a stream's steepest steps are than those of single windows.

    With the mean step over channels, each in terms of its own median one,

    .. math:: s(t) = \frac1C \sum_c \frac{|x_c(t + 1) - x_c(t)|}
        {\mathrm{median}_t |x_c(t + 1) - x_c(t)|},

    a window's crest factor is :math:`\max_t s(t) / \mathrm{median}_t\, s(t)`. What is returned is
    the median of it over the stream, cut into as long pieces, divided by that over the windows. A
    window is made in one go and has no seam in it, whereas a stream has one wherever a generator
    begins anew, and there all channels jump together. So nobody needs to know where a generator's
    seams are, as long as there is one in every other piece.

    Parameters
    ----------
    windows : array, shape (windows, channels, samples)
        Sampled one by one, microvolts.
    stretches : sequence of array, shape (channels, samples)
        Of streams of the same generator, each of one class from its first sample to its last.

    Returns
    -------
    float
        Without a unit. 1 is best; windows put in a row have 1.3 to 1.5. NaN where there are fewer
        than ten windows, or as many pieces.
    """
    steps = windows.shape[-1] - 1
    pieces = np.concatenate([_pieces(each, steps) for each in stretches])
    if min(len(pieces), len(windows)) < LEAST_EXAMPLES:
        return math.nan
    return _crest(pieces) / _crest(_steps(windows))


def _pieces(stretch: Floats, steps: int) -> NDArray[np.float64]:
    """Cut all steps of a stretch into pieces (pieces, channels, steps); none is left between."""
    found = _steps(stretch)
    count = found.shape[1] // steps
    cut = found[:, : count * steps].reshape(len(found), count, steps)
    return cut.swapaxes(0, 1)


def _steps(x: Floats) -> NDArray[np.float64]:
    return np.asarray(np.abs(np.diff(x.astype(np.float64), axis=-1)))


def _crest(steps: NDArray[np.float64]) -> float:
    """Return the median crest factor of pieces (pieces, channels, steps)."""
    usual = np.maximum(np.median(steps, axis=(0, 2), keepdims=True), _LEAST_STEP)
    joint = (steps / usual).mean(axis=1)
    return float(np.median(joint.max(axis=1) / np.median(joint, axis=1)))
