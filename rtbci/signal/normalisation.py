"""Standardising DE maps with what is known at the time, and nothing from later."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecipeError
from rtbci.recipe import Recipe

_LEAST_STD = 1e-3  # nats; a channel that never changed in training must not blow up later


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of training maps.

    Attributes
    ----------
    mean, std : arrays, shape (bands, channels)
        Nats.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(cls, maps: NDArray[np.float64]) -> Statistics:
        """Compute the statistics of maps (n, bands, channels).

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
        adaptive = recipe.normalisation.kind == "adaptive"
        time_constant = recipe.normalisation.time_constant_s
        self._rate = -math.expm1(-recipe.hop_s / time_constant) if adaptive else 0.0
        self.reset()

    def reset(self) -> None:
        """Go back to the training statistics."""
        self._mean = self._statistics.mean.copy()
        self._variance = self._statistics.std**2

    def apply(
        self, maps: NDArray[np.float64], bad: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Standardise the next maps in order of time.

        Parameters
        ----------
        maps : array, shape (hops, bands, channels)
            Nats.
        bad : array of bool, shape (hops, channels), optional
            Channels to learn nothing from.

        Returns
        -------
        array, shape (hops, bands, channels)
            Standardised maps.
        """
        standardised = np.empty_like(maps)
        for k, current in enumerate(maps):
            if self._rate:
                self._learn(current, None if bad is None else bad[k])
            standardised[k] = (current - self._mean) / np.sqrt(self._variance)
        return standardised

    def _learn(self, current: NDArray[np.float64], bad: NDArray[np.bool_] | None) -> None:
        rate = self._rate if bad is None else np.where(bad, 0.0, self._rate)
        difference = current - self._mean
        self._mean += rate * difference
        self._variance = (1 - rate) * (self._variance + rate * difference**2)
        np.maximum(self._variance, _LEAST_STD**2, out=self._variance)
