"""What a recogniser sees of a set of windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Needs = Literal["maps", "covariances"]
"""Which of the inputs a recogniser looks at."""


@dataclass(frozen=True)
class Inputs:
    """Windows, one after the other.

    Attributes
    ----------
    maps : array, shape (windows, planes, channels)
        Features, standardised causally.
    covariances : array, shape (windows, bands, channels, channels), or None
        Covariance of the band-passed channels, square microvolts; None where no recogniser needs
        them.
    """

    maps: NDArray[np.float64]
    covariances: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.maps)

    def array(self, needs: Needs) -> NDArray[np.float64]:
        """Return what an estimator is given as ``X``.

        Parameters
        ----------
        needs : {"maps", "covariances"}
            Which.

        Returns
        -------
        array, shape (windows, planes * channels) or (windows, bands, channels, channels)
            Maps flattened plane by plane, as estimators want them; covariances as they are.

        Raises
        ------
        ValueError
            If covariances are asked for and were not computed.
        """
        if needs == "maps":
            return self.maps.reshape(len(self.maps), -1)
        if self.covariances is None:
            raise ValueError("this recogniser needs covariances, and there are none")
        return self.covariances


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
