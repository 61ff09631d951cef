"""How near generated maps are to real ones that were held out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from offline.examples import MapExamples
from offline.generators import Generator, Real
from offline.proof.distances import KernelDistance, frechet_distance, kernel_distance
from offline.proof.features import penultimate_features
from offline.proof.maps import MapDifferences, map_differences
from offline.proof.memorisation import Memorisation, memorisation
from offline.proof.parts import Parts
from offline.proof.sets import ExampleSet
from offline.proof.transfer import Transfer, transfer
from offline.proof.two_sample import LEAST_GROUPS, TwoSample, UndealtError, two_sample_test

REAL = "real"
"""The row of real maps that were held out as well: as near as other people or trials come.

Where these are few, generators, which learn from more, can come nearer.
"""

TEST = "held out"
"""Among features, those of the maps that all are compared with."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Fidelity:
    """One row of the table: maps compared with real ones that were held out.

    Attributes
    ----------
    name : str
        The generator's, or ``real``.
    differences : MapDifferences
        Level, spread and correlation of the maps, and the pattern of the classes.
    frechet : float
        In the network's features; 0 is best.
    kernel : KernelDistance or None
        Likewise; None where there are too few trials.
    two_sample : TwoSample or None
        Whether a classifier tells them apart; None where there are too few trials to say.
    transfer : Transfer
        Whether who learns from one recognises the other.
    memorisation : Memorisation
        How near they are to the maps that were learned from.
    different : float
        Share of them that is no repetition: who edits may find too few of its own maps good.
    fit_s : float
        How long the generator learned, seconds; 0 for the real ones.
    losses : mapping of str to tuple of float
        Of the generator's training.
    """

    name: str
    differences: MapDifferences
    frechet: float
    kernel: KernelDistance | None
    two_sample: TwoSample | None
    transfer: Transfer
    memorisation: Memorisation
    different: float
    fit_s: float
    losses: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Compared:
    """What was found in one fold.

    Attributes
    ----------
    fold : str
        Its name.
    rows : tuple of Fidelity
        The real ones first, then a row a generator.
    made : mapping of str to ExampleSet
        What was compared, by name, for pictures.
    test : ExampleSet
        What it was compared with.
    features : mapping of str to array, shape (maps, features)
        What the network makes of all of them, by name, those of ``test`` as ``held out``.
    """

    fold: str
    rows: tuple[Fidelity, ...]
    made: Mapping[str, ExampleSet]
    test: ExampleSet
    features: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Fitted:
    """A generator that has learned.

    Attributes
    ----------
    generator : Generator
        Trained.
    fit_s : float
        How long it took, seconds.
    """

    generator: Generator[Any]
    fit_s: float


@dataclass(frozen=True)
class Made:
    """What a generator made, to be compared.

    Attributes
    ----------
    maps : ExampleSet
        As many of each class as the real ones of the test part.
    fit_s : float
        How long the generator learned, seconds.
    losses : mapping of str to tuple of float
        Of its training.
    """

    maps: ExampleSet
    fit_s: float = 0.0
    losses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def compare(
    fold: str, parts: Parts, made: Mapping[str, Made], network: nn.Module, seed: int
) -> Compared:
    """Compare maps that were made from the training part with those of the test.

    Parameters
    ----------
    fold : str
        Its name.
    parts : Parts
        Real maps.
    made : mapping of str to Made
        By the generator's name.
    network : torch.nn.Module
        In whose features distances are taken; trained on the same training part.
    seed : int
        Fixes what is drawn.
    """
    rivals = {REAL: Made(parts.validation), **made}
    maps = {name: each.maps for name, each in rivals.items()}
    seen = {
        name: MapExamples.of_stacked(each.x, parts.segments)
        for name, each in {TEST: parts.test, **maps}.items()
    }
    features = {
        name: penultimate_features(network, each.batch(np.arange(len(each))))
        for name, each in seen.items()
    }
    rows = [_row(name, each, parts, features, seed) for name, each in rivals.items()]
    return Compared(fold, tuple(rows), maps, parts.test, features)


def fitted(make: Callable[[], Generator[Any]], real: Real, seed: int) -> Fitted:
    """Let a generator learn.

    Raises
    ------
    GeneratorError
        If it cannot learn from what is real.
    """
    begun = time.perf_counter()
    generator = make().fit(real, seed)
    return Fitted(generator, time.perf_counter() - begun)


def made_maps(make: Callable[[], Generator[Any]], parts: Parts, seed: int) -> Made:
    """Let a generator learn maps of the training part, and make as many as the test part has.

    Raises
    ------
    GeneratorError
        If it cannot learn from the training part.
    """
    learned = fitted(make, parts.train, seed)
    maps = _beside(learned.generator, parts, seed)
    return Made(maps, learned.fit_s, learned.generator.course.losses)


def _beside(generator: Generator[Any], parts: Parts, seed: int) -> ExampleSet:
    """Make as many maps of each class as the test part has: such as recognisers learn from.

    Where a generator finds fewer of its own good, these are there several times, as one group; if
    it finds none good, it is asked for them all the same.
    """
    counts = np.bincount(parts.test.labels, minlength=len(generator.classes))
    wanted = {label: int(n) for label, n in enumerate(counts) if n}
    x, labels = generator.supplement(parts.train, wanted, seed)
    for label in np.setdiff1d(list(wanted), labels).tolist():
        x = np.concatenate([x, generator.sample(wanted[label], label, seed)])
        labels = np.append(labels, np.full(wanted[label], label))
    rows = np.concatenate([np.resize(np.flatnonzero(labels == k), n) for k, n in wanted.items()])
    return ExampleSet(x[rows], labels[rows], int(parts.test.groups.max()) + 1 + rows)


def sampled(generator: Generator[Any], like: ExampleSet, seed: int) -> ExampleSet:
    """Make as many examples of each class as a real set has; each is drawn alone."""
    counts = np.bincount(like.labels, minlength=len(generator.classes))
    parts = [generator.sample(int(n), label, seed) for label, n in enumerate(counts) if n]
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    first = int(like.groups.max()) + 1
    return ExampleSet(np.concatenate(parts), labels, first + np.arange(len(labels)))


def _row(
    name: str,
    made: Made,
    parts: Parts,
    features: Mapping[str, NDArray[np.float32]],
    seed: int,
) -> Fidelity:
    test, learned, other = parts.test, ExampleSet.of_trials(parts.train), made.maps
    seen, real = features[name], features[TEST]
    groups = min(len(np.unique(each.groups)) for each in (test, other))
    return Fidelity(
        name=name,
        differences=map_differences(test, other),
        frechet=frechet_distance(real, seen),
        kernel=kernel_distance(real, seen, test.groups, other.groups, seed=seed)
        if groups >= 2
        else None,
        two_sample=_told_apart(test, other, seed) if groups >= LEAST_GROUPS else None,
        transfer=transfer(learned, test, other),
        memorisation=memorisation(other.x, learned, test.x),
        different=len(np.unique(other.flat, axis=0)) / len(other),
        fit_s=made.fit_s,
        losses=made.losses,
    )


def _told_apart(test: ExampleSet, other: ExampleSet, seed: int) -> TwoSample | None:
    try:
        return two_sample_test(test, other, seed=seed)
    except UndealtError:
        return None


def mean_over(rows: Sequence[Row], value: Callable[[Row], float]) -> float:
    """Return a figure's mean over the folds that have it; NaN where none has."""
    found = [value(row) for row in rows]
    known = [each for each in found if not math.isnan(each)]
    return float(np.mean(known)) if known else math.nan
