"""Standardising maps with what is known at the time, and nothing from later."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecipeError
from rtbci.recipe import Recipe
from rtbci.signal.compiled import compiled

# Planes are natural logarithms. A channel that never changed in training must not blow up later.
_LEAST_STD = 1e-3
# Square microvolts, likewise.
_LEAST_POWER = 1e-6


@dataclass(frozen=True)
class Statistics:
    """What is known of the training windows.

    Attributes
    ----------
    mean, std : arrays, shape (planes, channels)
        Of the maps, in their units.
    power : array, shape (channels,), or None
        Mean square of the signal that a network sees, square microvolts; None where it sees none.
    reference : array, shape (bands, channels, channels), or None
        Riemannian mean of the covariances, regularised; None where none is needed.

    Of a recipe with a calibration, all this is relative to each person's own block: to its mean, in
    its standard deviations, over its power; a reference is the person's own.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    power: NDArray[np.float64] | None = None
    reference: NDArray[np.float64] | None = None

    @classmethod
    def fit(cls, maps: NDArray[np.float64]) -> Statistics:
        """Compute the statistics of maps (n, planes, channels).

        Raises
        ------
        RecipeError
            If there is no map.
        """
        if not len(maps):
            raise RecipeError("there are no training maps to take statistics from")
        return cls(maps.mean(axis=0), np.maximum(maps.std(axis=0), _LEAST_STD))


class Normaliser:
    """Brings maps to zero mean and unit variance, causally.

    With ``kind="adaptive"`` mean and variance follow the maps with exponentially fading memory,
    seeded with the training statistics and updated before each map is standardised (West 1979)::

        d = x - m;  m += a d;  v = (1 - a) (v + a d^2);  z = (x - m) / sqrt(v)

    where a = 1 - exp(-hop / time constant). A channel that is bad in a window leaves its memory as
    it was.

    Parameters
    ----------
    recipe : Recipe
        Kind of normalisation, time constant and hop.
    statistics : Statistics
        The training set's, where the memory starts.

    Raises
    ------
    RecipeError
        If the statistics' shape is not that of the recipe's maps.
    """

    def __init__(self, recipe: Recipe, statistics: Statistics) -> None:
        for array in (statistics.mean, statistics.std):
            if array.shape != recipe.map_shape:
                raise RecipeError(
                    f"statistics of shape {array.shape} do not fit the recipe's maps "
                    f"{recipe.map_shape}"
                )
        self._statistics = statistics
        self._rate = _rate(recipe)
        self.reset()

    def reset(self) -> None:
        """Go back to the training statistics."""
        self._mean = self._statistics.mean.copy()
        self._variance = np.square(self._statistics.std)

    def apply(
        self, maps: NDArray[np.float64], bad: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Standardise the next maps in order of time.

        Parameters
        ----------
        maps : array, shape (hops, planes, channels)
            As they leave the signal path.
        bad : array of bool, shape (hops, channels), optional
            Channels to learn nothing from.

        Returns
        -------
        array, shape (hops, planes, channels)
            Standardised maps; the same however many are given at a time.

        Raises
        ------
        RecipeError
            If the maps' shape is not that of the recipe's.
        """
        hops, channels = len(maps), self._mean.shape[1]
        ignored = np.zeros((hops, channels), np.bool_) if bad is None else bad
        if maps.shape[1:] != self._mean.shape or ignored.shape != (hops, channels):
            raise RecipeError(
                f"maps of shape {maps.shape} and bad channels of shape {ignored.shape} do not fit "
                f"the recipe's maps {self._mean.shape}"
            )
        standardised = np.empty(maps.shape)
        _standardise(
            np.ascontiguousarray(maps, np.float64),
            np.ascontiguousarray(ignored),
            self._rate,
            self._mean,
            self._variance,
            standardised,
        )
        return standardised


@compiled
def _standardise(
    maps: NDArray[np.float64],
    bad: NDArray[np.bool_],
    rate: float,
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Learn from each map, unless ``rate`` is 0, and standardise it."""
    for k in range(maps.shape[0]):
        for b in range(maps.shape[1]):
            x, m, v, z, ignored = maps[k, b], mean[b], variance[b], out[k, b], bad[k]
            if rate > 0:
                for c in range(x.shape[0]):
                    a = 0.0 if ignored[c] else rate
                    difference = x[c] - m[c]
                    m[c] += a * difference
                    v[c] = max((1 - a) * (v[c] + a * (difference * difference)), _LEAST_STD**2)
            for c in range(x.shape[0]):
                z[c] = (x[c] - m[c]) / math.sqrt(v[c])


class SignalScaler:
    """Brings windows of the signal to unit power, causally.

    What a channel is divided by is the root of a power p that starts as the training windows' and,
    with ``kind="adaptive"``, follows each window's mean square q before the window is scaled:
    p += a (q - p), with a as in :class:`Normaliser`. A channel that is bad in a window leaves it as
    it was.

    Parameters
    ----------
    recipe : Recipe
        Kind of normalisation, time constant and hop.
    power : array, shape (channels,)
        Mean square of the training windows, square microvolts.
    """

    def __init__(self, recipe: Recipe, power: NDArray[np.float64]) -> None:
        self._initial = np.maximum(power, _LEAST_POWER)
        self._rate = _rate(recipe)
        self.reset()

    def reset(self) -> None:
        """Go back to the training windows' power."""
        self._power = self._initial.copy()

    def scales(self, windows: NDArray[np.float32], bad: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return what the next windows are to be divided by.

        Parameters
        ----------
        windows : array, shape (hops, channels, points)
            Microvolts.
        bad : array of bool, shape (hops, channels)
            Channels to learn nothing from.

        Returns
        -------
        array, shape (hops, channels)
            Microvolts; the same however many windows are given at a time.
        """
        scales = np.empty(windows.shape[:2], np.float32)
        _follow_power(np.ascontiguousarray(windows), bad, self._rate, self._power, scales)
        return scales


def mean_squares(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean square of windows (hops, channels, points), shape (hops, channels)."""
    squares: NDArray[np.float64] = np.square(windows, dtype=np.float64).mean(axis=2)
    return squares


def _rate(recipe: Recipe) -> float:
    """Return how much of a new window enters what follows the wearer."""
    if recipe.normalisation.kind != "adaptive":
        return 0.0
    return -math.expm1(-recipe.hop_s / recipe.normalisation.time_constant_s)


@compiled
def _follow_power(
    windows: NDArray[np.float32],
    bad: NDArray[np.bool_],
    rate: float,
    power: NDArray[np.float64],
    scales: NDArray[np.float32],
) -> None:
    hops, channels, points = windows.shape
    for k in range(hops):
        for c in range(channels):
            if rate > 0 and not bad[k, c]:
                total = 0.0
                for p in range(points):
                    value = float(windows[k, c, p])
                    total += value * value
                power[c] = max(power[c] + rate * (total / points - power[c]), _LEAST_POWER)
            scales[k, c] = math.sqrt(power[c])
