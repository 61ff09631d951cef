"""Maps of a generated signal, as the one signal path measures them.

A stream plays the script of a real recording that is held out: the classes of its trials, one after
the other. It is recorded, goes through the signal path from its first sample on, and is
standardised as any wearer's recording is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.calibrating import Measures, block_windows, persons_of
from offline.datasets.recording import Recording, Trial, recording_of
from offline.features.extract import extract
from offline.generators import SignalGenerator
from offline.generators.generator import Floats
from offline.proof.parts import Parts
from offline.proof.sets import ExampleSet
from offline.recognisers import labels_at, stacked_at
from rtbci.recipe import Recipe
from rtbci.signal.path import SignalPath

_PASSING_S = 2.0
"""Seconds after a change of class that belong to no trial: streams pass over, they do not jump."""


@dataclass(frozen=True)
class Stretch:
    """What a stream plays without a change of class.

    Attributes
    ----------
    label : int
        Index of the class.
    seconds : float
        How long, without what passes before the class is there.
    maps : int
        How many maps are taken from it, spread evenly.
    """

    label: int
    seconds: float
    maps: int


Script = tuple[Stretch, ...]
"""What one stream plays."""


def scripts_of(parts: Parts, recordings: Sequence[Recording], recipe: Recipe) -> tuple[Script, ...]:
    """Return what streams play, so that their maps are as many, and as far apart, as the real ones.

    Parameters
    ----------
    parts : Parts
        Of a fold.
    recordings : sequence of Recording
        All of them.
    recipe : Recipe
        The signal path.

    Returns
    -------
    tuple of Script
        One a recording of the test part: a stretch a trial, as long as the trial, or shorter where
        the trial's maps that are compared would fit into less side by side. Of a recipe with a
        calibration, its block comes first.
    """
    scripts: dict[int, list[Stretch]] = {}
    apart, before_s = max(recipe.window_s, recipe.hop_s), recipe.history_hops * recipe.hop_s
    for group, maps in zip(*np.unique(parts.test.groups, return_counts=True), strict=True):
        r, k = parts.tested[int(group)]
        trial, sfreq = recordings[r].trials[k], recordings[r].sfreq
        longest = before_s + maps * apart + recipe.window_s
        # A trial's first window begins up to a hop after the trial itself.
        seconds = min((trial.stop - trial.start) / sfreq, longest) + recipe.hop_s
        scripts.setdefault(r, []).append(Stretch(trial.label, seconds, int(maps)))
    return tuple((*_calibration(recipe), *script) for script in scripts.values())


def _calibration(recipe: Recipe) -> Script:
    block = recipe.calibration
    if block is None:
        return ()
    seconds = block.class_s + recipe.window_s + 2 * recipe.hop_s
    return tuple(Stretch(recipe.classes.index(name), seconds, 0) for name in block.classes)


def recorded(
    generator: SignalGenerator[Any], scripts: Sequence[Script], seed: int
) -> tuple[Recording, ...]:
    """Let a generator play scripts, each as another wearer, and record it.

    Parameters
    ----------
    generator : SignalGenerator
        Trained.
    scripts : sequence of Script
        What is played.
    seed : int
        Fixes the wearers.

    Returns
    -------
    tuple of Recording
        One a script, a trial a stretch. They lie in no file, so their features are not cached.
    """
    seeds = np.random.SeedSequence(seed).generate_state(len(scripts))
    return tuple(
        _recorded(generator, script, int(each), f"{generator.kind} {number}")
        for number, (script, each) in enumerate(zip(scripts, seeds, strict=True), 1)
    )


def _recorded(generator: SignalGenerator[Any], script: Script, seed: int, name: str) -> Recording:
    recipe, sfreq, stream = generator.recipe, generator.sfreq, generator.stream(seed)
    passing = round(_PASSING_S * sfreq)
    settling = SignalPath(recipe, sfreq, recipe.channels, unit="uV").settling
    parts, trials = [stream.next(settling, script[0].label)], []
    start = settling + passing
    for stretch in script:
        length = round(stretch.seconds * sfreq)
        parts.append(stream.next(passing + length, stretch.label))
        trials.append(Trial(start, start + length, stretch.label))
        start += length + passing
    samples = np.concatenate(parts).T
    return recording_of(samples, sfreq, recipe.channels, name=name, subject=name, trials=trials)


def maps_of(
    recordings: Sequence[Recording],
    scripts: Sequence[Script],
    recipe: Recipe,
    measures: Measures,
    first_group: int,
) -> ExampleSet:
    """Return the maps of recorded streams, on the scale that recognisers see.

    Where normalisation is adaptive, it follows each stream from its first window on, as it follows
    each real recording: a stream is a wearer of its own, and the live system would adapt to it.
    What it starts from are the training part's statistics alone; of a recipe with a calibration,
    these are relative to the block that the stream begins with.

    Parameters
    ----------
    recordings : sequence of Recording
        As of :func:`recorded`.
    scripts : sequence of Script
        What was played.
    recipe : Recipe
        The signal path.
    measures : Measures
        The training part's.
    first_group : int
        Number of the first stretch; each is a group.
    """
    recipe = recipe.model_copy(update={"covariance": False, "signal": None})
    features = [extract(each, recipe) for each in recordings]
    blocks = block_windows(recordings, features, recipe, recipe.calibration)
    persons = persons_of(recordings, features, recipe, blocks)
    chosen, groups = {}, []
    for r, script in enumerate(scripts):
        rows = [
            _spread(np.flatnonzero(features[r].trial == k)[recipe.history_hops :], each.maps)
            for k, each in enumerate(script)
        ]
        chosen[r] = np.concatenate(rows)
        groups += [each.maps for each in script if each.maps]
    seen = stacked_at(chosen, features, replace(measures, persons=persons), recipe)
    numbers = first_group + np.repeat(np.arange(len(groups)), groups)
    return ExampleSet(seen, labels_at(chosen, features), numbers)


def _spread(windows: NDArray[np.intp], maps: int) -> NDArray[np.intp]:
    """Return so many of a trial's windows, evenly spread; one may be there several times."""
    return windows[np.linspace(0, len(windows) - 1, maps).round().astype(np.intp)]


def stretches_in(recordings: Sequence[Recording]) -> list[Floats]:
    """Return all stretches of recorded streams, each (channels, samples) without what passes."""
    found: list[Floats] = []
    for each in recordings:
        samples = each.read()
        found += [samples[:, trial.start : trial.stop] for trial in each.trials]
    return found
