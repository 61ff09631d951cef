"""Means of a few real maps: generated maps without a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from offline.generators.generator import Floats, Generator, Real, S
from rtbci.configuration import Settings


class OfRealMaps(Generator[S]):
    """Base of what makes maps of the real maps themselves.

    It keeps all maps that it learned from. They are in its file as well: such a file is people's
    data, and not only what was learned of them.
    """

    makes = "maps"

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        self._real = Real(real.x.astype(np.float32), real.labels.copy(), real.trials.copy())

    def state(self) -> dict[str, Tensor]:
        """Return the maps, their classes and their trials."""
        return {name: torch.from_numpy(array) for name, array in vars(self._real).items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take these for the maps that were learned from."""
        self._real = Real(*(state[name].numpy() for name in ("x", "labels", "trials")))

    def _of(self, label: int) -> Real:
        return self._real[self._real.labels == label]


class AverageSettings(Settings):
    """How many maps a made one is the mean of.

    Attributes
    ----------
    maps : int
        More of them make maps that differ less: their variance is that of the real ones divided by
        as many. With one, real maps are drawn as they are.
    """

    kind: Literal["average"] = "average"
    maps: Annotated[int, Field(ge=1)] = 5


class Average(OfRealMaps[AverageSettings]):
    r"""The mean of real maps of a class, drawn from different trials as chance will have it.

    .. math:: x' = \frac{1}{m} \sum_{j=1}^{m} x_{t_j, i_j}

    with the trials :math:`t_j` drawn from all of the class with replacement, each as likely however
    long it is, and one map :math:`i_j` of each. It is the bootstrap (Efron 1979, doi
    10.1214/aos/1176344552) of a mean over trials. Editing shifts a map of another class by the
    distance of the class means,

    .. math:: x' = x + \mu_k - \frac{1}{K - 1} \sum_{l \neq k} \mu_l .

    Which class the map comes from is not told. Of two classes it is the other; of more the mean of
    the others is right on average over all of them. What is of the class already is shifted too.
    """

    kind = "average"
    edits = True

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        real = self._of(label)
        _, trial, lengths = np.unique(real.trials, return_inverse=True, return_counts=True)
        by_trial, first = np.argsort(trial, kind="stable"), np.cumsum(lengths) - lengths
        mean = np.zeros((n, *self.recipe.stacked_shape))
        for _ in range(self.settings.maps):
            drawn = rng.integers(len(lengths), size=n)
            rows = first[drawn] + rng.integers(lengths[drawn])
            mean += real.x[by_trial[rows]] / self.settings.maps
        return mean

    def _edit(self, x: Floats, to_label: int, rng: np.random.Generator) -> Floats:
        means = [self._of(k).x.mean(axis=0, dtype=np.float64) for k in range(len(self.classes))]
        target = means.pop(to_label)
        edited: Floats = x + (target - np.mean(means, axis=0))
        return edited
