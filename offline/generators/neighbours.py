"""Maps between neighbouring real ones: SMOTE and ADASYN, as imbalanced-learn has them."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import numpy as np
from pydantic import Field

from offline.extras import require
from offline.generators.average import OfRealMaps
from offline.generators.generator import Floats
from offline.generators.scaling import Scale
from rtbci.configuration import Settings
from rtbci.recipe import Recipe

if TYPE_CHECKING:
    from imblearn.over_sampling.base import BaseOverSampler

_log = logging.getLogger(__name__)


class NeighbourSettings(Settings):
    """What counts as near.

    Attributes
    ----------
    neighbours : int
        How many of the nearest maps; in a class that has fewer others, as many as it has.
    """

    neighbours: Annotated[int, Field(ge=1)] = 5


class SmoteSettings(NeighbourSettings):
    """What counts as near."""

    kind: Literal["smote"] = "smote"


class AdasynSettings(NeighbourSettings):
    """What counts as near."""

    kind: Literal["adasyn"] = "adasyn"


N = TypeVar("N", bound=NeighbourSettings)


class BetweenNeighbours(OfRealMaps[N]):
    """Base of what makes maps on the way from a real one to a near one of the same class.

    Which are near is told by the Euclidean distance of standardised maps.

    Raises
    ------
    ConfigError
        If imbalanced-learn is not installed.
    """

    def __init__(self, recipe: Recipe, settings: N, sfreq: float = 200.0) -> None:
        require(f"{self.kind} needs imbalanced-learn", "generators", "imblearn")
        super().__init__(recipe, settings, sfreq)

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        from imblearn.over_sampling import SMOTE

        return self._made(SMOTE(k_neighbors=self._nearest(label)), n, label, rng)

    def _nearest(self, label: int) -> int:
        return min(self.settings.neighbours, len(self._of(label)) - 1)

    def _made(
        self, sampler: BaseOverSampler, n: int, label: int, rng: np.random.Generator
    ) -> Floats:
        """Return what imbalanced-learn adds to a class when asked for so many."""
        real, scale = self._real, Scale.of(self._real.x)
        flat = scale.standardised(real.x).reshape(len(real), -1)
        wanted = {label: len(self._of(label)) + n}
        sampler.set_params(sampling_strategy=wanted, random_state=int(rng.integers(2**31)))
        with warnings.catch_warnings():
            # That the class will be the largest is meant.
            warnings.filterwarnings("ignore", "After over-sampling", UserWarning)
            x, _ = sampler.fit_resample(flat, real.labels)
        return scale.back(x[len(real) :].reshape(-1, *self.recipe.stacked_shape))


class Smote(BetweenNeighbours[SmoteSettings]):
    r"""Maps between any of a class and one of its nearest.

    .. math:: x' = x_i + \lambda (x_j - x_i), \qquad \lambda \sim U(0, 1),

    with :math:`x_i` any map of the class, and :math:`x_j` any of its nearest neighbours in the
    class (Chawla et al. 2002, doi 10.1613/jair.953, section 4.2).
    """

    kind = "smote"


class Adasyn(BetweenNeighbours[AdasynSettings]):
    r"""Maps between neighbours as SMOTE's, more of them where other classes are near.

    A map :math:`x_i` is begun at with the probability

    .. math:: \hat r_i = r_i / \textstyle\sum_l r_l, \qquad r_i = \Delta_i / k,

    where :math:`\Delta_i` of its :math:`k` nearest neighbours of any class are of another (He et
    al. 2008, doi 10.1109/IJCNN.2008.4633969, equations 3-5). imbalanced-learn rounds how many each
    map gets, so what it makes is more or less than asked for. It is asked for so many more that
    each map with such a neighbour gets one at least, and those that are wanted are drawn from all.

    No :math:`\hat r` is defined for a class that lies apart from all others. Of such a one maps are
    made as by SMOTE, and a warning says so.
    """

    kind = "adasyn"

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        from imblearn.over_sampling import ADASYN

        nearest = self._nearest(label)
        # r is 1/k at least where it is not nought, and the sum of all r the class's size at most.
        enough = n + nearest * len(self._of(label))
        try:
            made = self._made(ADASYN(n_neighbors=nearest), enough, label, rng)
        except RuntimeError:
            _log.warning(
                "adasyn: no map of class %s has a neighbour of another class; made as by smote",
                self.classes[label],
            )
            return super()._sample(n, label, rng)
        return made[rng.choice(len(made), size=n, replace=False)]
