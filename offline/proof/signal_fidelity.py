"""How near a generated signal is to the real one that was held out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offline.datasets.recording import Recording
from offline.generators import Generator, SignalGenerator
from offline.proof.fidelity import REAL, Fitted, Made, fitted, sampled
from offline.proof.parts import Parts
from offline.proof.seams import seam_ratio
from offline.proof.sets import ExampleSet
from offline.proof.signal_parts import SignalParts
from offline.proof.signals import SignalDifferences, signal_differences
from offline.proof.streamed import maps_of, recorded, scripts_of, stretches_in
from rtbci.recipe import Recipe


@dataclass(frozen=True)
class SignalFidelity:
    """One row of the table: windows of the signal compared with real ones that were held out.

    Attributes
    ----------
    name : str
        The generator's, or ``real``.
    differences : SignalDifferences
        Spectrum, covariance, autocorrelation, amplitude.
    seam : float
        :func:`~offline.proof.seams.seam_ratio` of its streams; NaN for the real ones.
    fit_s : float
        How long the generator learned, seconds; 0 for the real ones.
    losses : mapping of str to tuple of float
        Of the generator's training.
    """

    name: str
    differences: SignalDifferences
    seam: float
    fit_s: float
    losses: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class SignalCompared:
    """What was found in one fold.

    Attributes
    ----------
    fold : str
        Its name.
    sfreq : float
        Sampling rate of all windows, hertz.
    rows : tuple of SignalFidelity
        The real ones first, then a row a generator.
    made : mapping of str to ExampleSet
        What was compared, by name, for pictures: windows (channels, samples), microvolts.
    test : ExampleSet
        What it was compared with.
    """

    fold: str
    sfreq: float
    rows: tuple[SignalFidelity, ...]
    made: Mapping[str, ExampleSet]
    test: ExampleSet


@dataclass(frozen=True)
class Headset:
    """A generator that has learned the signal, and what it plays.

    Attributes
    ----------
    learned : Fitted
        The generator.
    recordings : tuple of Recording
        Of its streams.
    made : Made
        The maps that the signal path measures in them.
    """

    learned: Fitted
    recordings: tuple[Recording, ...]
    made: Made


def headsets(
    parts: Parts,
    windows: SignalParts,
    recordings: Sequence[Recording],
    recipe: Recipe,
    build: Mapping[str, Callable[[], Generator[Any]]],
    seed: int,
) -> dict[str, Headset]:
    """Let each generator learn the signal of the training part, and play as a headset.

    Parameters
    ----------
    parts : Parts
        Real maps: the test part's trials are what is played.
    windows : SignalParts
        The real signal.
    recordings : sequence of Recording
        All of them.
    recipe : Recipe
        The signal path.
    build : mapping of str to callable
        Makes each generator, untrained.
    seed : int
        Fixes generators and what they play.

    Raises
    ------
    GeneratorError
        If a generator cannot learn from the training part.
    """
    scripts = scripts_of(parts, recordings, recipe)
    first = int(parts.test.groups.max()) + 1
    found = {}
    for name, make in build.items():
        learned = fitted(make, windows.train, seed)
        assert isinstance(learned.generator, SignalGenerator)
        played = recorded(learned.generator, scripts, seed)
        maps = maps_of(played, scripts, recipe, parts.measures, first)
        made = Made(maps, learned.fit_s, learned.generator.course.losses)
        found[name] = Headset(learned, played, made)
    return found


def compare_signals(
    fold: str,
    windows: SignalParts,
    played: Mapping[str, Headset],
    recipe: Recipe,
    seed: int,
) -> SignalCompared:
    """Compare windows that generators make with real ones of the test part.

    Parameters
    ----------
    fold : str
        Its name.
    windows : SignalParts
        The real signal.
    played : mapping of str to Headset
        As of :func:`headsets`.
    recipe : Recipe
        Names the bands.
    seed : int
        Fixes what is drawn.

    Raises
    ------
    GeneratorError
        If the windows are too short for what is measured.
    """
    test, sfreq, bands = windows.test, windows.sfreq, recipe.bands
    made = {REAL: windows.validation}
    differences = signal_differences(test, windows.validation, sfreq, bands)
    rows = [SignalFidelity(REAL, differences, math.nan, 0.0, {})]
    for name, each in played.items():
        made[name] = sampled(each.learned.generator, test, seed)
        rows.append(
            SignalFidelity(
                name=name,
                differences=signal_differences(test, made[name], sfreq, bands),
                seam=seam_ratio(made[name].x, stretches_in(each.recordings)),
                fit_s=each.made.fit_s,
                losses=each.made.losses,
            )
        )
    return SignalCompared(fold, sfreq, tuple(rows), made, test)
