"""How far generated maps are from real ones: level, spread, covariance, and where emotion lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.generators.generator import Floats
from offline.proof.distances import between_gaussians
from offline.proof.sets import ExampleSet, over_classes, refuse_flat, shared_classes
from rtbci.errors import GeneratorError


@dataclass(frozen=True)
class EffectPattern:
    """Whether two sets have the differences between classes in the same places.

    Attributes
    ----------
    correlation : float
        -1 to 1; 1 is best, and 0 is what a set without any emotion has on average. NaN where the
        classes of a set do not differ at all.
    gain : float
        How strong the real pattern is in the other set; 1 is best, 0 is none, above 1 it is
        exaggerated. NaN where the real classes do not differ.
    """

    correlation: float
    gain: float


@dataclass(frozen=True)
class MapDifferences:
    """What tells two sets of maps apart.

    Attributes
    ----------
    mean : tuple of float
        Of each plane; :func:`mean_difference`, 0 is best.
    std : tuple of float
        Of each plane; :func:`std_difference`, 0 is best.
    covariance : float
        :func:`map_covariance_distance`, 0 is best.
    effect : EffectPattern
        :func:`effect_pattern`.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    covariance: float
    effect: EffectPattern


def map_differences(real: ExampleSet, other: ExampleSet) -> MapDifferences:
    """Measure all that this module measures.

    Parameters
    ----------
    real, other : ExampleSet
        Maps (planes, channels), nats or standardised, both the same.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared.
    """
    return MapDifferences(
        mean=mean_difference(real, other),
        std=std_difference(real, other),
        covariance=map_covariance_distance(real, other),
        effect=effect_pattern(real, other),
    )


def mean_difference(real: ExampleSet, other: ExampleSet) -> tuple[float, ...]:
    r"""Return how far the classes' mean maps are apart in each plane.

    .. math:: \frac{1}{KC} \sum_{k,c} \left| \mu^{(k)}_{pc} - \tilde\mu^{(k)}_{pc} \right|

    for plane (a band of a feature) p, channel c, class k.

    Returns
    -------
    tuple of float
        One a plane, in the maps' own unit, for differential entropy nats. 0 is best.
    """

    def difference(first: Floats, second: Floats) -> Floats:
        found: Floats = np.abs(_mean(first) - _mean(second)).mean(axis=-1)
        return found

    return tuple(over_classes(*_maps(real, other), difference).tolist())


def std_difference(real: ExampleSet, other: ExampleSet) -> tuple[float, ...]:
    r"""Return how far the classes' standard deviations are apart in each plane.

    As :func:`mean_difference`, with the standard deviation over a class's maps in place of the
    mean: a generator that makes the same again and again has none.
    """

    def difference(first: Floats, second: Floats) -> Floats:
        one, two = (x.std(axis=0, ddof=1, dtype=np.float64) for x in (first, second))
        found: Floats = np.abs(one - two).mean(axis=-1)
        return found

    return tuple(over_classes(*_maps(real, other), difference).tolist())


def map_covariance_distance(real: ExampleSet, other: ExampleSet) -> float:
    r"""Return the Bures distance between covariances of all planes and channels.

    .. math:: \frac{d_B}{\sqrt{\mathrm{tr}\,\Sigma}}, \qquad d_B^2 = \mathrm{tr}\big( \Sigma
        + \tilde\Sigma - 2 (\Sigma^{1/2} \tilde\Sigma \Sigma^{1/2})^{1/2} \big)

    (Bhatia, Jain and Lim 2019, doi 10.1016/j.exmath.2018.01.002, equation 1) with :math:`\Sigma`
    the real maps' covariance about their classes' means, shrunk as in Ledoit and Wolf 2004 (doi
    10.1016/S0047-259X(03)00096-4), as there may be fewer maps than numbers in one. The Riemannian
    distance would be ruled by the smallest eigenvalues, those that shrinking made; this one is
    ruled by the largest.

    Returns
    -------
    float
        Share of the real standard deviation: 0 is best, and 1 is a set without any variance. It
        falls with the number of maps, so rows of a table are to have as many.
    """
    classes = shared_classes(*_maps(real, other))
    first, second = (_within(each, classes) for each in (real, other))
    nothing = np.zeros(len(first))
    squared = between_gaussians(nothing, first, nothing, second)
    return math.sqrt(squared / float(np.trace(first)))


def effect_pattern(real: ExampleSet, other: ExampleSet) -> EffectPattern:
    r"""Tell whether the other set has the emotion where the real one has it.

    A class's effect is :math:`e^{(k)} = \mu^{(k)} - \frac1K \sum_j \mu^{(j)}`, its mean map less
    that of all classes. With all classes' effects as one vector e,

    .. math:: r = \frac{e \cdot \tilde e}{|e| |\tilde e|}, \qquad
        g = \frac{e \cdot \tilde e}{|e|^2}

    are Pearson's correlation (effects have no mean), and the slope of the other's effects over the
    real ones'.

    Raises
    ------
    GeneratorError
        If there is only one class.
    """
    classes = shared_classes(*_maps(real, other))
    if len(classes) < 2:
        raise GeneratorError("maps of one class have no pattern of an emotion; two are needed")
    first, second = (_effects(each, classes) for each in (real, other))
    product, own, others = first @ second, first @ first, second @ second
    if own == 0:
        return EffectPattern(math.nan, math.nan)
    correlation = product / math.sqrt(own * others) if others > 0 else math.nan
    return EffectPattern(float(correlation), float(product / own))


def _maps(real: ExampleSet, other: ExampleSet) -> tuple[ExampleSet, ExampleSet]:
    refuse_flat(real, other, "maps are compared as (planes, channels)")
    return real, other


def _mean(maps: Floats) -> NDArray[np.float64]:
    return np.asarray(maps.mean(axis=0, dtype=np.float64))


def _within(maps: ExampleSet, classes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the shrunk covariance about the classes' means."""
    from sklearn.covariance import ledoit_wolf

    parts = [maps.of(k).reshape((maps.labels == k).sum(), -1).astype(np.float64) for k in classes]
    centred = np.concatenate([part - part.mean(axis=0) for part in parts])
    return np.asarray(ledoit_wolf(centred, assume_centered=True)[0])


def _effects(maps: ExampleSet, classes: tuple[int, ...]) -> NDArray[np.float64]:
    means = np.stack([_mean(maps.of(k)) for k in classes])
    return np.asarray((means - means.mean(axis=0)).ravel())
