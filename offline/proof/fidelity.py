"""How near generated maps are to real ones that were held out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from offline.generators import Generator
from offline.proof.distances import KernelDistance, frechet_distance, kernel_distance
from offline.proof.features import penultimate_features
from offline.proof.maps import MapDifferences, map_differences
from offline.proof.memorisation import Memorisation, memorisation
from offline.proof.parts import Parts
from offline.proof.sets import ExampleSet
from offline.proof.transfer import Transfer, transfer
from offline.proof.two_sample import LEAST_GROUPS, TwoSample, two_sample_test

REAL = "real"
"""The row of real maps that were held out as well: no generator can come nearer."""


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
        Whether a classifier tells them apart; None where there are too few trials.
    transfer : Transfer
        Whether who learns from one recognises the other.
    memorisation : Memorisation
        How near they are to the maps that were learned from.
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
    """

    fold: str
    rows: tuple[Fidelity, ...]
    made: Mapping[str, ExampleSet]
    test: ExampleSet


def compare(
    fold: str,
    parts: Parts,
    build: Mapping[str, Callable[[], Generator[Any]]],
    network: nn.Module,
    seed: int,
) -> Compared:
    """Let each generator learn from the training part, and compare what it makes with the test.

    Parameters
    ----------
    fold : str
        Its name.
    parts : Parts
        Real maps.
    build : mapping of str to callable
        Makes each generator, untrained.
    network : torch.nn.Module
        In whose features distances are taken; trained on the same training part.
    seed : int
        Fixes generators and what is drawn.

    Raises
    ------
    GeneratorError
        If a generator cannot learn from the training part.
    """
    real = _row(REAL, parts.validation, parts, network, seed)
    rows, made = [real], {REAL: parts.validation}
    for name, make in build.items():
        begun = time.perf_counter()
        generator = make().fit(parts.train, seed)
        fit_s = time.perf_counter() - begun
        made[name] = sampled(generator, parts.test, seed)
        row = _row(name, made[name], parts, network, seed, fit_s, generator.course.losses)
        rows.append(row)
    return Compared(fold, tuple(rows), made, parts.test)


def sampled(generator: Generator[Any], like: ExampleSet, seed: int) -> ExampleSet:
    """Make as many maps of each class as a real set has; each is drawn alone."""
    counts = np.bincount(like.labels, minlength=len(generator.classes))
    parts = [generator.sample(int(n), label, seed) for label, n in enumerate(counts) if n]
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    first = int(like.groups.max()) + 1
    return ExampleSet(np.concatenate(parts), labels, first + np.arange(len(labels)))


def _row(
    name: str,
    other: ExampleSet,
    parts: Parts,
    network: nn.Module,
    seed: int,
    fit_s: float = 0.0,
    losses: Mapping[str, tuple[float, ...]] | None = None,
) -> Fidelity:
    test, learned = parts.test, ExampleSet.of_trials(parts.train)
    seen, real = _features(network, other), _features(network, test)
    groups = min(len(np.unique(each.groups)) for each in (test, other))
    return Fidelity(
        name=name,
        differences=map_differences(test, other),
        frechet=frechet_distance(real, seen),
        kernel=kernel_distance(real, seen, test.groups, other.groups, seed=seed)
        if groups >= 2
        else None,
        two_sample=two_sample_test(test, other, seed=seed) if groups >= LEAST_GROUPS else None,
        transfer=transfer(learned, test, other),
        memorisation=memorisation(other.x, learned, test.x),
        fit_s=fit_s,
        losses=losses or {},
    )


def _features(network: nn.Module, maps: ExampleSet) -> NDArray[np.float32]:
    return penultimate_features(network, maps.x[:, None])  # a single segment


def mean_over(rows: Sequence[Fidelity], value: Callable[[Fidelity], float]) -> float:
    """Return a figure's mean over the folds that have it; NaN where none has."""
    found = [value(row) for row in rows]
    known = [each for each in found if not math.isnan(each)]
    return float(np.mean(known)) if known else math.nan
