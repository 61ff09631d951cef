"""Means over regions of the head."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from rtbci.errors import ConfigError
from rtbci.recipe import Recipe

# What an electrode's name begins with says where it lies; the first that fits counts.
_PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("prefrontal", ("FP", "AF")),
    ("left temporal", ("F7", "FT7", "FT9", "T7", "T9", "TP7", "TP9")),
    ("right temporal", ("F8", "FT8", "FT10", "T8", "T10", "TP8", "TP10")),
    ("central", ("FC", "C", "CP")),
    ("frontal", ("F",)),
    ("occipital", ("PO", "O", "CB", "I")),
    ("parietal", ("P",)),
)


def region_of(electrode: str) -> str:
    """Return the region in which an electrode lies.

    Parameters
    ----------
    electrode : str
        Its name in the one spelling.

    Raises
    ------
    ConfigError
        If no region is known for it.
    """
    letters = electrode.rstrip("0123456789Z")
    for region, beginnings in _PLACES:
        if electrode in beginnings or letters in beginnings:
            return region
    raise ConfigError(f"no region of the head is known for electrode {electrode}")


class RegionMeans(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of each plane over the electrodes of each region.

    Rhythms spread over neighbouring electrodes, and what a single one picks up by itself (its
    contact, a muscle, an eye) is averaged out. Fewer numbers also fit few people better.

    Parameters
    ----------
    recipe : Recipe
        Its planes and channels.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> Self:
        """Sort the electrodes; nothing is learned from windows."""
        planes = self.recipe.map_shape[0]
        found = [region_of(name) for name in self.recipe.channels]
        self.regions_ = tuple(dict.fromkeys(found))
        mean = np.array([[name == region for name in found] for region in self.regions_], float)
        mean /= mean.sum(axis=1, keepdims=True)
        self.weights_ = np.kron(np.eye(planes), mean)
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return windows (windows, planes * regions) of maps (windows, planes * channels)."""
        means: NDArray[np.float64] = X @ self.weights_.T
        return means
