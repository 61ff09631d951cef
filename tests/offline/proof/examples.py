"""Real and simulated EEG as sets of examples, and what a bad generator would make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording
from offline.features.extract import extract
from offline.proof.sets import ExampleSet
from rtbci.recipe import Recipe

SFREQ = 200.0
_WINDOW = 400
_STRETCH = 3000  # samples that go as one trial


@dataclass(frozen=True)
class People:
    """Windows of the signal and maps of the same people, in three parts.

    Each part holds stretches of all people's recordings, and stretches lie in one part alone.
    """

    signals: tuple[ExampleSet, ExampleSet, ExampleSet]
    maps: tuple[ExampleSet, ExampleSet, ExampleSet]


def people_of(recordings: list[Recording], recipe: Recipe) -> People:
    """Cut recordings into windows, and deal their stretches."""
    found: tuple[list, list] = ([], [])
    for number, recording in enumerate(recordings):
        samples = recording.read()[: len(recipe.channels)]
        features = extract(recording, recipe)
        for trial in recording.trials:
            for start in range(trial.start + 200, trial.stop - _WINDOW + 1, _WINDOW):
                group = 1000 * number + start // _STRETCH
                found[0].append((samples[:, start : start + _WINDOW], trial.label, group))
        for map_, label, last in zip(features.maps, features.label, features.last, strict=True):
            if label >= 0:
                found[1].append((map_, label, 1000 * number + (last - 199) // _STRETCH))
    return People(*(_dealt(each) for each in found))


def _dealt(found: list) -> tuple[ExampleSet, ExampleSet, ExampleSet]:
    x, labels, groups = (np.array(column) for column in zip(*found, strict=True))
    whole = ExampleSet(x.astype(np.float32), labels, groups)
    part = np.empty(len(whole), int)
    for label in np.unique(labels):
        own = labels == label
        part[own] = np.unique(groups[own], return_inverse=True)[1] % 3
    return whole[part == 0], whole[part == 1], whole[part == 2]


def with_x(examples: ExampleSet, x: NDArray) -> ExampleSet:
    """Other examples with the same labels; each is drawn alone."""
    return ExampleSet(x, examples.labels, 10**6 + np.arange(len(examples)))


def white(examples: ExampleSet, seed: int = 0) -> ExampleSet:
    """Noise without any order in space or time, as strong as the real channels are."""
    rng = np.random.default_rng(seed)
    axes = (0, 2) if examples.x.shape[2] == _WINDOW else 0
    mean, std = (getattr(examples.x, of)(axis=axes, keepdims=True) for of in ("mean", "std"))
    return with_x(examples, mean + std * rng.standard_normal(examples.x.shape))


def phase_randomised(examples: ExampleSet, seed: int = 0) -> ExampleSet:
    """The same spectra with phases drawn for each channel by itself."""
    spectrum = np.fft.rfft(examples.x)
    phases = 2 * np.pi * np.random.default_rng(seed).random(spectrum.shape)
    turned = np.abs(spectrum) * np.exp(1j * phases)
    return with_x(examples, np.fft.irfft(turned, examples.x.shape[-1]))


def torn(examples: ExampleSet, seed: int = 0) -> ExampleSet:
    """Each channel out of another example of the class."""
    rng = np.random.default_rng(seed)
    x = examples.x.copy()
    for label in np.unique(examples.labels):
        own = np.flatnonzero(examples.labels == label)
        for channel in range(x.shape[-1]):
            x[own, :, channel] = x[rng.permutation(own), :, channel]
    return with_x(examples, x)


def shuffled(examples: ExampleSet, seed: int = 0) -> ExampleSet:
    """The same set in another order."""
    return examples[np.random.default_rng(seed).permutation(len(examples))]


def drawn(n: int, shape: tuple[int, ...], seed: int, classes: int = 2) -> ExampleSet:
    """White Gaussian noise, n of each class, each a group alone."""
    x = np.random.default_rng(seed).standard_normal((n * classes, *shape))
    return ExampleSet(x, np.repeat(np.arange(classes), n), 10**4 * seed + np.arange(len(x)))
