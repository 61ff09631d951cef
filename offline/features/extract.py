"""Features of whole recordings, by the live signal path and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording, Trial
from rtbci.errors import RecordingError, RtbciError
from rtbci.progress import track
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Normaliser, Statistics
from rtbci.signal.path import SignalPath

OUTSIDE = -1
"""Label and trial of a window that lies in no trial."""

_CHUNK_S = 4.0


@dataclass(frozen=True)
class Features:
    """DE maps of one recording, one for each hop.

    Attributes
    ----------
    maps : array, shape (windows, bands, channels)
        Differential entropy as it leaves the signal path, nats, not standardised.
    bad : array of bool, shape (windows, channels)
        Channels that had samples in the window that were no numbers.
    last : array of int, shape (windows,)
        Index of the last sample that each map used.
    label : array of int, shape (windows,)
        Class of the trial that holds the whole window, or -1: a window that reaches over a trial's
        edge has no label, and neither has one that begins before the filters have settled.
    trial : array of int, shape (windows,)
        Index of that trial within the recording, or -1.
    """

    maps: NDArray[np.float64]
    bad: NDArray[np.bool_]
    last: NDArray[np.int64]
    label: NDArray[np.int64]
    trial: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.last)


def extract(recording: Recording, recipe: Recipe) -> Features:
    """Push a recording through the signal path that the live system uses.

    Parameters
    ----------
    recording : Recording
        Samples and trials.
    recipe : Recipe
        What to compute.

    Raises
    ------
    RtbciError
        If the file cannot be read or its channels do not fit the recipe; names the recording.
    """
    try:
        path = SignalPath(recipe, recording.sfreq, recording.channels, unit="uV")
    except RtbciError as error:
        raise type(error)(f"{recording.name}: {error}") from None
    pushed = [path.push(chunk) for chunk in chunks_of(recording)]
    last = np.concatenate([part.last for part in pushed])
    if not len(last):
        raise RecordingError(f"{recording.name}: shorter than one window of {recipe.window_s:g} s")
    trial = trial_of_windows(last, path.window, recording.trials)
    trial[last + 1 - path.window < path.settling] = OUTSIDE
    labels = np.array([*(each.label for each in recording.trials), OUTSIDE], np.int64)
    return Features(
        maps=np.concatenate([part.values for part in pushed]),
        bad=np.concatenate([part.bad for part in pushed]),
        last=last,
        label=labels[trial],
        trial=trial,
    )


def chunks_of(recording: Recording) -> Iterator[NDArray[np.float32]]:
    """Yield a recording's samples (samples, channels) a few seconds at a time, as a stream would.

    Raises
    ------
    RecordingError
        If the file cannot be read, or holds no samples or another number of channels than it names.
    """
    length = max(round(_CHUNK_S * recording.sfreq), 1)
    n_samples = 0
    for block in recording.blocks():
        if len(block) != len(recording.channels):
            raise RecordingError(
                f"{recording.name}: holds {len(block)} channels, "
                f"{len(recording.channels)} are named: {', '.join(recording.channels)}"
            )
        n_samples += block.shape[1]
        for start in range(0, block.shape[1], length):
            yield block[:, start : start + length].T
    if not n_samples:
        raise RecordingError(f"{recording.name}: holds no samples")
    if n_samples != recording.n_samples:
        raise RecordingError(
            f"{recording.name}: cut off, it holds {n_samples} of {recording.n_samples} samples"
        )


def extract_all(recordings: Iterable[Recording], recipe: Recipe) -> tuple[Features, ...]:
    """Extract several recordings, one after the other, under a progress bar on stderr."""
    listed = tuple(recordings)
    bar = track(listed, "extracting features")
    return tuple(extract(recording, recipe) for recording in bar)


def trial_of_windows(
    last: NDArray[np.int64], window: int, trials: Sequence[Trial]
) -> NDArray[np.int64]:
    """Return the index of the trial that holds each window completely, or -1.

    Parameters
    ----------
    last : array of int, shape (windows,)
        Index of each window's last sample.
    window : int
        Length of the windows in samples.
    trials : sequence of Trial
        The recording's trials.
    """
    found = np.full(len(last), OUTSIDE, np.int64)
    for index, trial in enumerate(trials):
        found[(last - window + 1 >= trial.start) & (last < trial.stop)] = index
    return found


def normalised(features: Features, statistics: Statistics, recipe: Recipe) -> NDArray[np.float64]:
    """Standardise a recording's maps as live does: in order of time, from its first window on.

    Parameters
    ----------
    features : Features
        One whole recording; each starts afresh from the training statistics.
    statistics : Statistics
        Mean and standard deviation of the training part.
    recipe : Recipe
        Says whether the scaling follows the wearer.

    Returns
    -------
    array, shape (windows, bands, channels)
    """
    return Normaliser(recipe, statistics).apply(features.maps, features.bad)
