"""Training statistics of more maps than fit into memory twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from offline.features.extract import Features
from rtbci.errors import RecipeError
from rtbci.model.person import Person
from rtbci.signal.normalisation import Statistics, mean_squares

_BLOCK = 1024  # windows of the signal that are in memory at once


def training_statistics(
    features: Sequence[Features],
    chosen: Mapping[int, NDArray[np.intp]],
    persons: Mapping[int, Person] | None = None,
) -> Statistics:
    """Return the mean and standard deviation of chosen windows, plane by plane.

    The numbers are those of :meth:`Statistics.fit` on all windows at once; memory holds one plane.

    Parameters
    ----------
    features : sequence of Features
        Of each recording.
    chosen : mapping of int to array of int
        Indices of each training recording's training windows.
    persons : mapping of int to Person, optional
        Whose calibration each recording is relative to, if there is one.

    Raises
    ------
    RecipeError
        If no window is chosen.
    """
    used = {index: windows for index, windows in chosen.items() if len(windows)}
    if not used:
        raise RecipeError("there are no training maps to take statistics from")
    known = persons or {}
    n_planes = features[next(iter(used))].maps.shape[1]

    def plane(index: int, k: int) -> NDArray[np.float64]:
        maps = features[index].maps[used[index], k : k + 1]
        if index not in known:
            return maps
        return (maps - known[index].mean[k : k + 1]) / known[index].std[k : k + 1]

    planes = [
        Statistics.fit(np.concatenate([plane(index, k) for index in used])) for k in range(n_planes)
    ]
    return Statistics(
        np.concatenate([each.mean for each in planes]),
        np.concatenate([each.std for each in planes]),
        _power(features, used, known),
    )


def _power(
    features: Sequence[Features],
    used: Mapping[int, NDArray[np.intp]],
    persons: Mapping[int, Person],
) -> NDArray[np.float64] | None:
    """Return the mean square of the chosen windows' signal, where there is one, by channel."""
    if any(features[index].first_point is None for index in used):
        return None
    total = np.zeros(features[next(iter(used))].bad.shape[1])
    for index, windows in used.items():
        own = persons[index].power if index in persons else 1.0
        for block in np.array_split(windows, len(windows) // _BLOCK + 1):
            total += mean_squares(features[index].signal_windows(block)).sum(axis=0) / own
    return total / sum(map(len, used.values()))
