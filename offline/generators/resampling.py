"""Generators as samplers of imbalanced-learn, so that they drop into its pipelines.

It is imported by whoever needs it: imbalanced-learn takes a while to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray

from offline.generators.generator import Real, class_index
from offline.generators.registry import GeneratorSettings, build_generator
from rtbci.errors import GeneratorError
from rtbci.recipe import Recipe

Strategy = float | str | Mapping[Any, int] | Callable[[Any], Mapping[Any, int]]


class GeneratorSampler(BaseOverSampler):  # type: ignore[misc]  # imblearn has no types
    """Adds generated maps to the classes that have too few.

    The generator learns from what :meth:`fit_resample` is given, and nothing else. In a pipeline of
    imbalanced-learn that is each time the training part, and nothing is added to what is tested.

    Parameters
    ----------
    recipe : Recipe
        Channels, classes and bands of the maps.
    settings : GeneratorSettings
        The generator's kind, one that makes maps, and its settings.
    sampling_strategy : float, str, mapping or callable
        Which classes are added to, as imbalanced-learn has it; ``auto`` brings all classes up to
        the largest one.
    seed : int
        Fixes what is learned and made.

    Attributes
    ----------
    generator_ : Generator
        The generator, trained by the last :meth:`fit_resample`.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: GeneratorSettings,
        sampling_strategy: Strategy = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.recipe, self.settings, self.seed = recipe, settings, seed

    def fit_resample(self, X: Any, y: Any, trials: Any = None) -> tuple[Any, Any]:
        """Train the generator, and return the maps with those that it adds at the end.

        Parameters
        ----------
        X : array, shape (maps, planes * channels) or (maps, planes, channels)
            Maps. Flat ones hold all channels of the first plane, then of the next. Of a recipe with
            several segments all planes of the oldest segment come first, then those of the next.
        y : array, shape (maps,)
            Class of each: its index, or its name.
        trials : array, shape (maps,), optional
            Which trial each lies in, by number or name. If it is not told, each map counts as a
            trial of its own; a pipeline hands it on as ``fit(X, y, <step>__trials=trials)``.

        Returns
        -------
        X : array
            In the shape that was given. There may be fewer than wanted of a class where the
            generator finds not enough of what it makes good.
        y : array
            In the form that was given.

        Raises
        ------
        GeneratorError
            If the generator makes no maps, or they are of another montage or class than the
            recipe's, or a class has too few trials.
        """
        shape = np.shape(X)[1:]
        if len(shape) != 2:
            resampled, labels = super().fit_resample(X, y, trials=trials)
            return resampled, labels
        self._refuse_other(shape)
        flat = np.reshape(X, (len(X), -1))
        resampled, labels = super().fit_resample(flat, y, trials=trials)
        return resampled.reshape(-1, *shape), labels

    def _check_X_y(self, X: Any, y: Any) -> Any:  # noqa: N802  # imbalanced-learn's name
        return super()._check_X_y(X, y, accept_sparse=False)

    def _fit_resample(
        self, X: NDArray[Any], y: NDArray[Any], trials: Any
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        planes, channels = self.recipe.stacked_shape
        if X.shape[1] != planes * channels:
            self._refuse_other(X.shape[1:])
        classes, where = np.unique(y, return_inverse=True)
        index = {each: self._index(each) for each in classes.tolist()}
        labels = np.array([index[each] for each in classes.tolist()], np.int64)[where]
        real = Real(X.reshape(-1, planes, channels), labels, _trials(trials, len(X)))
        self.generator_ = build_generator(self.recipe, self.settings)
        if self.generator_.makes != "maps":
            raise GeneratorError(
                f"a generator of the kind {self.settings.kind} makes the signal; what is added to "
                "maps has to be maps"
            )
        self.generator_.fit(real, self.seed)
        wanted = {index[each]: int(n) for each, n in self.sampling_strategy_.items()}
        made, added = self.generator_.supplement(real, wanted, self.seed)
        names = {number: each for each, number in index.items()}
        told = np.array([names[number] for number in added.tolist()], dtype=y.dtype)
        flat = made.reshape(len(made), -1)
        if np.issubdtype(X.dtype, np.floating):
            flat = flat.astype(X.dtype)
        return np.concatenate([X, flat]), np.concatenate([y, told])

    def _index(self, label: Any) -> int:
        names = self.recipe.classes
        if isinstance(label, str):
            return class_index(names, label)
        if label not in range(len(names)):
            raise GeneratorError(f"there is no class {label}; the recipe has {', '.join(names)}")
        return int(label)

    def _refuse_other(self, shape: tuple[int, ...]) -> None:
        planes, channels = self.recipe.stacked_shape
        if shape != (planes, channels):
            raise GeneratorError(
                f"another montage than the recipe's: its maps have {planes} x {channels} numbers, "
                f"these {' x '.join(map(str, shape))}"
            )


def _trials(given: Any, maps: int) -> NDArray[np.int64]:
    if given is None:
        return np.arange(maps)
    trials = np.asarray(given)
    if trials.shape != (maps,):
        raise GeneratorError(f"{maps} maps, and trials of {trials.size}; each map lies in one")
    return np.unique(trials, return_inverse=True)[1].astype(np.int64)
