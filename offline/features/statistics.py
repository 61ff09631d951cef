"""Training statistics of more maps than fit into memory twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from offline.features.extract import Features
from rtbci.errors import RecipeError
from rtbci.signal.normalisation import Statistics, mean_squares

_BLOCK = 1024  # windows of the signal that are in memory at once


def training_statistics(
    features: Sequence[Features], chosen: Mapping[int, NDArray[np.intp]]
) -> Statistics:
    """Return the mean and standard deviation of chosen windows, plane by plane.

    The numbers are those of :meth:`Statistics.fit` on all windows at once; memory holds one plane.

    Parameters
    ----------
    features : sequence of Features
        Of each recording.
    chosen : mapping of int to array of int
        Indices of each training recording's training windows.

    Raises
    ------
    RecipeError
        If no window is chosen.
    """
    used = {index: windows for index, windows in chosen.items() if len(windows)}
    if not used:
        raise RecipeError("there are no training maps to take statistics from")
    n_planes = features[next(iter(used))].maps.shape[1]
    planes = [
        Statistics.fit(
            np.concatenate(
                [features[index].maps[windows, k : k + 1] for index, windows in used.items()]
            )
        )
        for k in range(n_planes)
    ]
    return Statistics(
        np.concatenate([plane.mean for plane in planes]),
        np.concatenate([plane.std for plane in planes]),
        _power(features, used),
    )


def _power(
    features: Sequence[Features], used: Mapping[int, NDArray[np.intp]]
) -> NDArray[np.float64] | None:
    """Return the mean square of the chosen windows' signal, where there is one, by channel."""
    if any(features[index].first_point is None for index in used):
        return None
    blocks = (
        mean_squares(features[index].signal_windows(block)).sum(axis=0)
        for index, windows in used.items()
        for block in np.array_split(windows, len(windows) // _BLOCK + 1)
    )
    total: NDArray[np.float64] = np.sum(list(blocks), axis=0)
    return total / sum(map(len, used.values()))
