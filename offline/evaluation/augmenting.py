"""Training parts with less of a class, or with generated maps beside the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from offline.examples import MapExamples
from offline.features.extract import Features
from offline.generators import GeneratorSettings, Real
from offline.generators.kept import supplemented
from offline.recognisers.inputs import Inputs, Needs, thinned
from offline.recognisers.seeing import WindowsOf
from rtbci.configuration import Settings
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe


class Augmentation(Settings):
    """What is put beside the real training windows.

    Every class gets as many windows as the largest has, times ``times``: where a generator makes
    fewer that it finds good, real windows are repeated. So all that is compared learns from equally
    many windows, in equally many steps.

    Attributes
    ----------
    generator : GeneratorSettings or None
        What makes them, from the training part alone; without one, real windows are repeated.
    times : float
        How many times the largest class's real windows each class has in the end.
    """

    generator: GeneratorSettings | None = None
    times: Annotated[float, Field(ge=1, le=100)] = 2.0


class Scarce(Settings):
    """The hard case: one class of which there is little to learn from.

    Attributes
    ----------
    label : str
        Name of the class.
    kept : float
        Share of its training windows that is kept, spread evenly over trials.
    """

    label: str
    kept: Annotated[float, Field(gt=0, lt=1)]


def without_most(
    chosen: WindowsOf, features: Sequence[Features], scarce: Scarce, recipe: Recipe
) -> dict[int, NDArray[np.intp]]:
    """Return training windows of which one class's are few.

    Raises
    ------
    ConfigError
        If there is no such class.
    """
    label = scarce_label(scarce.label, recipe)
    whose = np.concatenate([features[r].label[w] for r, w in chosen.items()]) == label
    kept = ~whose
    rows = np.flatnonzero(whose)
    some = thinned(np.zeros(len(rows), np.int64), max(round(scarce.kept * len(rows)), 1))
    kept[rows[some]] = True
    parts = np.split(kept, np.cumsum([len(w) for w in chosen.values()])[:-1])
    return {r: chosen[r][part] for r, part in zip(chosen, parts, strict=True)}


def scarce_label(name: str, recipe: Recipe) -> int:
    """Return the index of the class of which there is to be little.

    Raises
    ------
    ConfigError
        If there is no such class.
    """
    if name not in recipe.classes:
        raise ConfigError(f"scarce.label: no class {name!r}; there are {', '.join(recipe.classes)}")
    return recipe.classes.index(name)


def augmented(
    inputs: Inputs,
    labels: NDArray[np.int64],
    trials: NDArray[np.int64],
    needs: Needs,
    recipe: Recipe,
    augmentation: Augmentation,
    seed: int,
) -> tuple[Inputs, NDArray[np.int64]]:
    """Return a training part with more windows, as many of each class.

    Parameters
    ----------
    inputs : Inputs
        What the recogniser sees of the real ones.
    labels, trials : arrays of int, shape (windows,)
        Their classes and trials.
    needs : {"maps", "covariances", "segments", "signal"}
        What it looks at.
    recipe : Recipe
        Classes and channels.
    augmentation : Augmentation
        What is wanted.
    seed : int
        Fixes the generator and what it makes.

    Raises
    ------
    ConfigError
        If the recogniser looks at something that the generator does not make.
    GeneratorError
        If a class has too few trials, or training fails.
    """
    counts = np.bincount(labels, minlength=len(recipe.classes))
    each = round(augmentation.times * counts.max())
    wanted = {k: int(each - count) for k, count in enumerate(counts) if count}
    if augmentation.generator is None or not any(wanted.values()):
        rows = _repeated(labels, wanted, seed)
        return _rows_of(inputs, needs, rows), labels[rows]
    if needs == "maps":  # who looks at maps one by one
        recipe = recipe.model_copy(update={"segments": 1})
    # One precision, so that all who learn from the same windows share what is generated.
    real = Real(_maps_of(inputs, needs).astype(np.float32), labels, trials)
    made, made_labels = supplemented(recipe, augmentation.generator, real, wanted, seed)
    lacking = {k: n - int((made_labels == k).sum()) for k, n in wanted.items()}
    rows = _repeated(labels, lacking, seed)
    seen = _with(_rows_of(inputs, needs, rows), needs, made, recipe)
    return seen, np.concatenate([labels[rows], made_labels])


def _repeated(labels: NDArray[np.int64], wanted: dict[int, int], seed: int) -> NDArray[np.intp]:
    """Return all rows, and as many again of each class as are wanted."""
    rng = np.random.default_rng(seed)
    again = [
        rng.permutation(np.resize(rng.permutation(np.flatnonzero(labels == k)), n))
        for k, n in wanted.items()
    ]
    return np.concatenate([np.arange(len(labels)), *again])


def _maps_of(inputs: Inputs, needs: Needs) -> NDArray[np.floating]:
    """Return the maps (windows, planes, channels) that a recogniser sees."""
    if needs == "maps" and inputs.maps is not None:
        return inputs.maps
    if needs == "segments" and inputs.segments is not None:
        return inputs.segments.stacked()
    raise ConfigError("augmentation: generators make maps; compare recognisers of maps")


def _rows_of(inputs: Inputs, needs: Needs, rows: NDArray[np.intp]) -> Inputs:
    return Inputs(**{needs: getattr(inputs, needs)[rows]})


def _with(inputs: Inputs, needs: Needs, made: NDArray[np.float32], recipe: Recipe) -> Inputs:
    if needs == "maps":
        assert inputs.maps is not None
        return Inputs(maps=np.concatenate([inputs.maps, made]))
    assert inputs.segments is not None
    added = MapExamples.of_stacked(made, recipe.segments)
    return Inputs(segments=MapExamples.joined([inputs.segments, added]))
