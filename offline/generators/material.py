"""What generators learn from: maps or windows of the signal of labelled trials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from offline.calibrating import block_windows, persons_of
from offline.datasets.recording import Recording
from offline.examples import MapExamples
from offline.features.cache import extract_all
from offline.generators.generator import Floats, Real
from offline.generators.scaling import Scale
from offline.splits import TrialKey, trials_at, windows_of
from rtbci.errors import GeneratorError
from rtbci.model.person import Person
from rtbci.montage.names import canonical_name
from rtbci.recipe import Recipe


def maps_in(
    recordings: Sequence[Recording], trials: Iterable[TrialKey], recipe: Recipe, stride: int
) -> Real:
    """Return the maps of some trials as they leave the signal path, in nats.

    Where the recipe has a calibration, they are relative to each person's own block, which is left
    out. Where it has several segments, each comes with those before it in its trial.

    Parameters
    ----------
    recordings : sequence of Recording
        A data set's.
    trials : iterable of TrialKey
        Which trials.
    recipe : Recipe
        The signal path.
    stride : int
        Every which map is taken.

    Raises
    ------
    RtbciError
        If a recording cannot be read, a session has less of a class than its block needs, or no
        trial is as long as a window and what comes before it; one line.
    """
    found, _ = extract_all(recordings, recipe)
    whole = [each for each in found if each is not None]  # all: none may be left out here
    blocks = block_windows(recordings, whole, recipe, recipe.calibration)
    persons = persons_of(recordings, whole, recipe, blocks)
    features = blocks.outside(whole)
    chosen = windows_of(tuple(trials), features, stride, recipe.history_hops)
    if not chosen:
        raise _too_short(recipe.window_s + recipe.history_hops * recipe.hop_s)
    seen = [
        MapExamples.of(_relative(features[r].maps, persons.get(r)), w, recipe)
        for r, w in chosen.items()
    ]
    return Real(
        MapExamples.joined(seen).stacked(),
        np.concatenate([features[r].label[w] for r, w in chosen.items()]),
        trials_at(chosen, features),
    )


def signal_in(
    recordings: Sequence[Recording], trials: Iterable[TrialKey], recipe: Recipe, window_s: float
) -> tuple[Real, float]:
    """Return windows of some trials' signal, side by side, and their sampling rate.

    Parameters
    ----------
    recordings : sequence of Recording
        A data set's.
    trials : iterable of TrialKey
        Which trials.
    recipe : Recipe
        Names the channels.
    window_s : float
        Length of a window, seconds; what is left of a trial is not used.

    Raises
    ------
    GeneratorError
        If a recording lacks a channel, recordings have different sampling rates, or no trial is as
        long as a window; one line.
    """
    wanted: dict[int, list[int]] = {}
    for r, k in trials:
        wanted.setdefault(r, []).append(k)
    rates = {recordings[r].sfreq for r in wanted}
    if len(rates) > 1:
        told = ", ".join(f"{rate:g}" for rate in sorted(rates))
        raise GeneratorError(f"recordings at {told} Hz: a generator of the signal has one rate")
    (sfreq,) = rates
    length = round(window_s * sfreq)
    parts: list[tuple[NDArray[np.float32], int]] = []
    for r, members in wanted.items():
        recording = recordings[r]
        samples = recording.read()[_rows(recording, recipe)]
        parts += [
            (_side_by_side(samples[:, trial.start : trial.stop], length), trial.label)
            for trial in (recording.trials[k] for k in members)
        ]
    counts = [len(windows) for windows, _ in parts]
    if not sum(counts):
        raise _too_short(window_s)
    real = Real(
        np.concatenate([windows for windows, _ in parts]),
        np.repeat([label for _, label in parts], counts),
        np.repeat(np.arange(len(parts)), counts),
    )
    return real, sfreq


def _relative(maps: Floats, person: Person | None) -> NDArray[np.float32]:
    if person is None:
        return maps.astype(np.float32)
    return Scale.of_person(person).standardised(maps)


def _too_short(window_s: float) -> GeneratorError:
    return GeneratorError(f"no trial is as long as a window of {window_s:g} s")


def _side_by_side(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Cut a trial (channels, samples) into windows (windows, channels, length)."""
    count = samples.shape[1] // length
    cut = samples[:, : count * length].reshape(len(samples), count, length)
    return cut.transpose(1, 0, 2)


def _rows(recording: Recording, recipe: Recipe) -> NDArray[np.intp]:
    known = {canonical_name(name): row for row, name in enumerate(recording.channels)}
    lacking = [name for name in recipe.channels if name not in known]
    if lacking:
        raise GeneratorError(
            f"{recording.name}: another montage than the generator's: {', '.join(lacking)} missing"
        )
    return np.array([known[name] for name in recipe.channels], np.intp)
