"""Figures of real and generated maps on the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.report.heads import heads_figure, limit_of
from offline.evaluation.report.panels import shortened
from offline.evaluation.report.pictures import class_means
from offline.proof.fidelity import REAL, TEST, Compared
from offline.proof.sets import ExampleSet
from rtbci.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def band_figure(compared: Sequence[Compared], recipe: Recipe, plane: int) -> Figure:
    """Draw one plane of the classes' maps: a row a class, a column for the real and each other.

    Parameters
    ----------
    compared : sequence of Compared
        Fold by fold.
    recipe : Recipe
        Channels and classes.
    plane : int
        Index among the recipe's planes; of several segments the newest one's is drawn.
    """
    drawn = effects(compared, len(recipe.classes))
    newest = plane - len(recipe.planes)  # from the end
    return compared_heads({name: each[:, newest] for name, each in drawn.items()}, recipe, "SD")


def compared_heads(maps: Mapping[str, NDArray[np.float64]], recipe: Recipe, unit: str) -> Figure:
    """Draw maps on one scale, the real ones'; what all are compared with leads each row of heads.

    Parameters
    ----------
    maps : mapping of str to array, shape (classes, channels)
        By name, what all are compared with first.
    recipe : Recipe
        Channels and classes.
    unit : str
        Of the maps.
    """
    limit = max(limit_of(maps[name]) for name in (TEST, REAL))
    names = shortened(maps, 18)
    abreast, limits = np.stack(list(maps.values()), axis=1), [limit] * len(names)
    return heads_figure(recipe.classes, recipe.channels, names, abreast, limits, unit, leading=1)


def effects(compared: Sequence[Compared], n_classes: int) -> dict[str, NDArray[np.float64]]:
    """Return each class's mean map less the mean over classes, mean over folds.

    Returns
    -------
    dict of str to array, shape (classes, planes, channels)
        By name, what all are compared with first. NaN for a class without maps.
    """

    def mean(sets: Sequence[ExampleSet]) -> NDArray[np.float64]:
        parts = ((each.x.astype(np.float64), each.labels) for each in sets)
        return class_means(parts, range(len(sets)), n_classes)

    found = {TEST: mean([each.test for each in compared])}
    for name in compared[0].made:
        found[name] = mean([each.made[name] for each in compared])
    return found
