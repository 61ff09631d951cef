"""What a recogniser sees of a set of windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offline.examples import MapExamples, SignalExamples

Needs = Literal["maps", "covariances", "segments", "signal"]
"""Which of the inputs a recogniser looks at."""

Seen = Any
"""An array (windows, ...) or :class:`~offline.examples.Examples`; both take indices of windows."""


@dataclass(frozen=True)
class Inputs:
    """Windows, one after the other; what no recogniser needs may be None.

    Attributes
    ----------
    maps : array, shape (windows, planes, channels), or None
        Features, standardised causally.
    covariances : array, shape (windows, bands, channels, channels), or None
        Covariance of the band-passed channels, square microvolts.
    segments : MapExamples or None
        The maps, each with those before it, for networks.
    signal : SignalExamples or None
        The signal itself.
    """

    maps: NDArray[np.float64] | None = None
    covariances: NDArray[np.float64] | None = None
    segments: MapExamples | None = None
    signal: SignalExamples | None = None

    def seen_by(self, needs: Needs) -> Seen:
        """Return what an estimator is given as ``X``.

        Parameters
        ----------
        needs : {"maps", "covariances", "segments", "signal"}
            Which.

        Returns
        -------
        array or Examples
            Maps flattened plane by plane, (windows, planes * channels), as estimators want them;
            covariances as they are; for networks what makes a window when a batch asks for it.

        Raises
        ------
        ValueError
            If something is asked for that was not computed.
        """
        found = getattr(self, needs)
        if found is None:
            raise ValueError(f"this recogniser needs {needs}, which were not computed")
        return found.reshape(len(found), -1) if needs == "maps" else found


def thinned(labels: NDArray[np.integer], most: int | None) -> NDArray[np.intp]:
    """Return which windows to keep so that at most about ``most`` remain.

    Windows are left out evenly within each class, so that classes keep their shares, each at least
    one window, and all recordings and trials contribute.

    Parameters
    ----------
    labels : array of int, shape (windows,)
        Class of each window, in order of time within recordings.
    most : int or None
        How many to keep; None for all.

    Returns
    -------
    array of int
        Indices in ascending order.
    """
    if most is None or len(labels) <= most:
        return np.arange(len(labels))
    kept = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = max(len(rows) * most // len(labels), 1)
        middles = (2 * np.arange(count) + 1) * len(rows) // (2 * count)
        kept.append(rows[middles])
    return np.sort(np.concatenate(kept))
