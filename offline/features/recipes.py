"""The recipe that a data set is worked on with."""

from __future__ import annotations

from offline.datasets.config import DatasetSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe


def recipe_for(recipe: Recipe, dataset: DatasetSettings) -> Recipe:
    """Fill in what a recipe leaves to the data set: classes and channels.

    Parameters
    ----------
    recipe : Recipe
        As a person wrote it; keys that were not given are the data set's, or the defaults.
    dataset : DatasetSettings
        Names its classes and channels.

    Raises
    ------
    ConfigError
        If the classes are not the data set's, or a channel has no place on the grid.
    """
    given = recipe.model_dump(exclude_unset=True)
    defaults = {"classes": dataset.classes, "channels": dataset.channels}
    filled = validate(Recipe, defaults | given, source=f"recipe for {dataset.name}")
    if filled.classes != dataset.classes:
        raise ConfigError(
            f"recipe.classes = {', '.join(filled.classes)}: the data set's labels mean "
            f"{', '.join(dataset.classes)}; leave the key out"
        )
    return filled
