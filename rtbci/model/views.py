"""What a network sees at each hop, made of what the signal path says: the same live and offline."""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecipeError
from rtbci.recipe import Recipe
from rtbci.signal.geometry import recentred, regularised, roots_of, stepped
from rtbci.signal.normalisation import Normaliser, SignalScaler, Statistics
from rtbci.signal.path import Maps
from rtbci.signal.raw import PointWindows, window_points

_FOLLOW_S = 1.0  # two eigenvalue problems a band: more often would cost much and add little

Sees = Literal["maps", "signal", "covariances"]
"""Which view a network is made for."""


class View(Protocol):
    """Turns what the signal path completes into a network's inputs; one for each stream."""

    def apply(self, maps: Maps) -> NDArray[np.floating]:
        """Return the inputs of the next hops, shape (hops, ...), however many come at a time."""


class MapView:
    """Standardised maps, each with those before it.

    Parameters
    ----------
    recipe : Recipe
        How maps are standardised, how many a network sees and how far apart they are.
    statistics : Statistics
        The training set's.
    """

    def __init__(self, recipe: Recipe, statistics: Statistics) -> None:
        self._recipe = recipe
        self._normaliser = Normaliser(recipe, statistics)
        self._before: NDArray[np.float32] | None = None

    def apply(self, maps: Maps) -> NDArray[np.float32]:
        """Return the next hops' maps, shape (hops, segments, planes, channels), the newest last.

        Before the stream's beginning lies its first map.
        """
        recipe = self._recipe
        standardised = self._normaliser.apply(maps.values, maps.bad).astype(np.float32)
        if not len(standardised):
            return np.empty((0, recipe.segments, *recipe.map_shape), np.float32)
        history = recipe.history_hops
        if self._before is None:
            self._before = np.repeat(standardised[:1], history, axis=0)
        known = np.concatenate([self._before, standardised])
        self._before = known[len(known) - history :]
        rows = segment_rows(np.arange(history, len(known)), recipe)
        seen: NDArray[np.float32] = known[rows]
        return seen


def segment_rows(newest: NDArray[np.intp], recipe: Recipe) -> NDArray[np.intp]:
    """Return which maps a network sees at each hop, shape (hops, segments).

    Parameters
    ----------
    newest : array of int, shape (hops,)
        Index of each hop's own map.
    recipe : Recipe
        How many it sees, and how far apart they are.
    """
    back = np.arange(recipe.segments - 1, -1, -1) * recipe.segment_hops
    rows: NDArray[np.intp] = np.maximum(newest[:, None] - back, 0)
    return rows


class SignalView:
    """Windows of the signal, each channel at about unit power.

    Parameters
    ----------
    recipe : Recipe
        Which signal, and how it is scaled.
    power : array, shape (channels,)
        The training windows', square microvolts.
    """

    def __init__(self, recipe: Recipe, power: NDArray[np.float64]) -> None:
        self._scaler = SignalScaler(recipe, power)
        self._windows = PointWindows(window_points(recipe), len(recipe.channels))

    def apply(self, maps: Maps) -> NDArray[np.float32]:
        """Return the next hops' windows, shape (hops, channels, points), the oldest point first."""
        assert maps.points is not None  # the recipe asks for them
        assert maps.first_point is not None
        windows = self._windows.push(maps.points, maps.first_point)
        scaled: NDArray[np.float32] = windows / self._scaler.scales(windows, maps.bad)[:, :, None]
        return scaled


class CovarianceView:
    """The channels' covariances in each band, regularised, and seen from a reference if any.

    With ``kind="adaptive"`` the reference follows the wearer before a covariance is seen from it:
    once a second it goes a share of the way to the newest one on the geodesic, with the time
    constant of the normalisation.

    Parameters
    ----------
    recipe : Recipe
        How covariances are regularised, and whether the reference follows.
    reference : array, shape (bands, channels, channels), or None
        What becomes the identity; without one, covariances stay where they are.
    """

    def __init__(self, recipe: Recipe, reference: NDArray[np.float64] | None) -> None:
        self._recipe = recipe
        self._roots = None if reference is None else roots_of(reference)
        normalisation = recipe.normalisation
        self._every = max(round(_FOLLOW_S / recipe.hop_s), 1)
        follows = normalisation.kind == "adaptive" and reference is not None
        seconds = self._every * recipe.hop_s
        self._share = -math.expm1(-seconds / normalisation.time_constant_s) if follows else 0.0
        self._hops = 0

    @property
    def follows(self) -> bool:
        """Whether what is seen depends on what was seen before."""
        return self._share > 0

    def apply(self, maps: Maps) -> NDArray[np.float64]:
        """Return the next hops' covariances, shape (hops, bands, channels, channels)."""
        assert maps.covariances is not None  # the recipe asks for them
        recipe = self._recipe
        seen = regularised(maps.covariances, recipe.shrinkage, recipe.variance_floor)
        if self._roots is None:
            return seen
        if not self._share:
            return recentred(seen, self._roots[1])
        for k, trusted in enumerate(np.logical_not(maps.bad.any(axis=1)).tolist()):
            if self._hops % self._every == 0 and trusted:
                self._roots = roots_of(stepped(*self._roots, seen[k], self._share))
            seen[k] = recentred(seen[k], self._roots[1])
            self._hops += 1
        return seen


def view_of(sees: Sees, recipe: Recipe, statistics: Statistics) -> View:
    """Return the view that a network is made for.

    Raises
    ------
    RecipeError
        If the recipe does not ask for what it sees.
    """
    if sees == "signal" and recipe.signal is not None and statistics.power is not None:
        return SignalView(recipe, statistics.power)
    if sees == "covariances" and recipe.covariance:
        return CovarianceView(recipe, statistics.reference)
    if sees == "maps":
        return MapView(recipe, statistics)
    raise RecipeError(f"the network sees {sees}, which the recipe does not ask for")
