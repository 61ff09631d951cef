"""Mixtures of two real maps of a class: what mixup alone is worth."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from offline.generators.average import OfRealMaps
from offline.generators.generator import Floats
from rtbci.configuration import Settings


class MixupSettings(Settings):
    """How maps are mixed.

    Attributes
    ----------
    alpha : float
        Well below 1, most mixtures are nearly one map; at 1, any share is as likely.
    """

    kind: Literal["mixup"] = "mixup"
    alpha: Annotated[float, Field(gt=0)] = 0.2


class Mixup(OfRealMaps[MixupSettings]):
    r"""Mixtures of two different real maps of the same class.

    .. math:: x' = \lambda x_i + (1 - \lambda) x_j, \qquad \lambda \sim \mathrm{Beta}(\alpha,
        \alpha), \qquad y_i = y_j, \quad i \neq j

    (Zhang et al. 2018, arXiv 1710.09412, section 2). Theirs mixes classes, and labels with them; a
    made map has one class, as recognisers are trained with indices of classes, so only maps of one
    class are mixed here. Labels are mixed where a network is trained
    (:func:`offline.augmentation.mixed`).
    """

    kind = "mixup"

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        x = self._of(label).x.astype(np.float64)
        first = rng.integers(len(x), size=n)
        second = (first + rng.integers(1, len(x), size=n)) % len(x)
        share = rng.beta(self.settings.alpha, self.settings.alpha, size=(n, 1, 1))
        mixed: Floats = share * x[first] + (1 - share) * x[second]
        return mixed
