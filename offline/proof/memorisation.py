"""Whether a generator gives back what it learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.generators.generator import Floats
from offline.generators.scaling import Scale
from offline.proof.sets import LEAST_EXAMPLES, ExampleSet, refuse_not_finite
from rtbci.errors import GeneratorError

_TOO_MANY = 5.0  # times as many copies as among real examples that were held out


@dataclass(frozen=True)
class Memorisation:
    """How near generated examples are to those that were learned from.

    Attributes
    ----------
    median_ratio : float
        Median distance of generated examples to the nearest that was learned from, divided by that
        of real examples held out. 1 is best. Near 0 they are copies; also a generator that makes
        averages is below 1, for averages are near to everything.
    nearer : float
        Share of generated examples that are nearer to one that was learned from than a per cent
        (or another percentile) of the real ones held out are. As many per cent are best.
    copies : float
        Share that are so near, and are near to that one trial alone: the distance to it, divided by
        that to the nearest of another group, is also below the real ones' percentile. An average is
        no copy. 0 is best; as many per cent are what real examples have at most.
    exact : float
        Share that equal an example that was learned from, in single precision. 0 is best.
    memorises : bool
        Whether there are five times as many copies as real examples have, or more exact ones.
    """

    median_ratio: float
    nearer: float
    copies: float
    exact: float
    memorises: bool


def memorisation(
    generated: Floats, train: ExampleSet, held_out: Floats, percentile: float = 1.0
) -> Memorisation:
    r"""Compare nearest neighbours of generated and of real examples among those learned from.

    With :math:`d_1` the distance of an example to the nearest that was learned from, and
    :math:`d_2` that to the nearest of another group, :math:`d_1` is what is compared first (Meehan,
    Chaudhuri and Dasgupta 2020, arXiv 2004.05675, compare its distributions likewise),
    and :math:`d_1 / d_2` (Lowe 2004, doi 10.1023/B:VISI.0000029664.99615.94, section 7.1) tells a
    copy from an average. Distances are Euclidean, each number standardised by what was learned
    from.

    Parameters
    ----------
    generated : array, shape (examples, ...)
        Maps, features, or windows of the signal less their means; of the latter only copies in time
        with the original are found.
    train : ExampleSet
        What the generator learned from, of two groups at least.
    held_out : array, shape (examples, ...)
        Real examples of other trials; of the same people, if there are any.
    percentile : float
        Per cent of the real examples that are nearer, or nearer to one trial alone, than what is
        called near.

    Raises
    ------
    GeneratorError
        If there are too few examples, all are of one group, shapes differ, or a number is not
        finite.
    """
    _refuse_unfit(generated, train, held_out)
    scale = Scale.of(train.x)
    learned = scale.standardised(train.x).reshape(len(train), -1)
    made, real = (
        _neighbours(x, scale.standardised(x).reshape(len(x), -1), train, learned)
        for x in (generated, held_out)
    )
    near = np.percentile(real.nearest, percentile)
    alone = np.percentile(real.ratio, percentile)
    nearer = made.nearest < near
    copies = nearer & (made.ratio < alone)
    exact = float(made.exact.mean())
    median = np.median(real.nearest)
    return Memorisation(
        median_ratio=float(np.median(made.nearest) / median) if median > 0 else float("nan"),
        nearer=float(nearer.mean()),
        copies=float(copies.mean()),
        exact=exact,
        memorises=bool(copies.mean() > _TOO_MANY * percentile / 100 or exact > real.exact.mean()),
    )


@dataclass(frozen=True)
class _Neighbours:
    nearest: NDArray[np.float64]
    ratio: NDArray[np.float64]
    exact: NDArray[np.bool_]


def _neighbours(
    x: Floats, scaled: NDArray[np.float32], train: ExampleSet, learned: NDArray[np.float32]
) -> _Neighbours:
    """Find each example's nearest neighbour, and how near that of another group is."""
    from sklearn.metrics import pairwise_distances_chunked

    index = np.empty(len(scaled), np.intp)
    second = np.empty(len(scaled))
    done = 0
    for distances in pairwise_distances_chunked(
        scaled.astype(np.float64), learned.astype(np.float64), working_memory=64
    ):
        rows = slice(done, done + len(distances))
        index[rows] = distances.argmin(axis=1)
        same = train.groups[index[rows], None] == train.groups
        second[rows] = np.where(same, np.inf, distances).min(axis=1)
        done += len(distances)
    # The matrix of distances comes from scalar products, in which what is small is rounded away.
    nearest = np.linalg.norm(scaled - learned[index], axis=1).astype(np.float64)
    ratio = np.divide(nearest, second, out=np.ones_like(second), where=second > 0)
    flat, held = (each.astype(np.float32).reshape(len(each), -1) for each in (x, train.x))
    return _Neighbours(nearest, ratio, (flat == held[index]).all(axis=1))


def _refuse_unfit(generated: Floats, train: ExampleSet, held_out: Floats) -> None:
    for name, each in (("generated", generated), ("learned", train.x), ("held out", held_out)):
        if len(each) < LEAST_EXAMPLES:
            raise GeneratorError(
                f"there are {len(each)} {name} examples; a comparison needs {LEAST_EXAMPLES} "
                "at least"
            )
        if each.shape[1:] != train.x.shape[1:]:
            shapes = [" x ".join(map(str, e.shape[1:])) for e in (each, train.x)]
            raise GeneratorError(
                f"examples of {shapes[0]} cannot be compared with ones of {shapes[1]}"
            )
        refuse_not_finite(each)
    if len(np.unique(train.groups)) < 2:
        raise GeneratorError("all that was learned from is of one group; two are needed")
