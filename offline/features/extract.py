"""Features of whole recordings, by the live signal path and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording, Trial
from offline.features.clock import Clock
from offline.features.entry import StoredArray
from rtbci.errors import RecordingError, RtbciError
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Normaliser, Statistics
from rtbci.signal.path import Maps, SignalPath
from rtbci.signal.raw import cut_windows, window_points

OUTSIDE = -1
"""Label and trial of a window that lies in no trial."""

READING, SIGNAL_PATH = "reading", "signal path"
"""Stages that a clock is told of."""

_CHUNK_S = 4.0

Number = TypeVar("Number", np.float32, np.float64)


@dataclass(frozen=True)
class Features:
    """Maps of one recording, one for each hop.

    Attributes
    ----------
    held_maps : array or StoredArray, shape (windows, planes, channels)
        The maps, or where they lie; :attr:`maps` for whoever wants the numbers.
    bad : array of bool, shape (windows, channels)
        Channels that are not to be believed; see :class:`~rtbci.signal.path.Maps`.
    last : array of int, shape (windows,)
        Index of the last sample that each map used.
    label : array of int, shape (windows,)
        Class of the trial that holds the whole window, or -1: a window that reaches over a trial's
        edge has no label, and neither has one that begins before the filters have settled.
    trial : array of int, shape (windows,)
        Index of that trial within the recording, or -1.
    window : int
        Length of the windows in samples.
    settling : int
        Samples after the start until the filters have settled.
    held_covariances : array, StoredArray or None, shape (windows, bands, channels, channels)
        The covariances likewise, where the recipe asks for them.
    held_points : array of float32, StoredArray or None, shape (points, channels)
        The signal's points likewise, all of the recording's once.
    first_point : array of int, shape (windows,), or None
        Index of the first point of each window, negative where there are not so many yet.
    window_points : int
        Points in a window, 0 where there are none.
    """

    held_maps: NDArray[np.float64] | StoredArray
    bad: NDArray[np.bool_]
    last: NDArray[np.int64]
    label: NDArray[np.int64]
    trial: NDArray[np.int64]
    window: int
    settling: int
    held_covariances: NDArray[np.float64] | StoredArray | None = None
    held_points: NDArray[np.float32] | StoredArray | None = None
    first_point: NDArray[np.int64] | None = None
    window_points: int = 0

    def __len__(self) -> int:
        return len(self.last)

    @property
    def maps(self) -> NDArray[np.float64]:
        """As they leave the signal path, nats, not standardised; see ``held_maps``.

        A memory map if they lie in a file, opened anew each time: once it is let go, its pages no
        longer count as this process's memory.
        """
        return _opened(self.held_maps)

    @property
    def covariances(self) -> NDArray[np.float64] | None:
        """Covariance of the channels in each band, square microvolts; a memory map likewise."""
        return None if self.held_covariances is None else _opened(self.held_covariances)

    @property
    def points(self) -> NDArray[np.float32] | None:
        """The signal at the network's rate, microvolts; a memory map likewise."""
        return None if self.held_points is None else _opened(self.held_points)

    def part(self, rows: NDArray[np.integer]) -> Maps:
        """Return some windows as they left the signal path, without the signal."""
        covariances = self.covariances
        return Maps(
            values=self.maps[rows],
            last=self.last[rows],
            bad=self.bad[rows],
            covariances=None if covariances is None else covariances[rows],
        )

    def signal_windows(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the signal of some windows, as live has it.

        Parameters
        ----------
        rows : array of int, shape (rows,)
            Which of the windows, in any order.

        Returns
        -------
        array, shape (rows, channels, points)
            Microvolts, not standardised; zeros where there were no points yet.

        Raises
        ------
        ValueError
            If the recipe did not ask for the signal.
        """
        points = self.points
        if points is None or self.first_point is None:
            raise ValueError("the recipe did not ask for the signal, and there is none")
        return cut_windows(points, self.first_point[rows], self.window_points)


def _opened(held: NDArray[Number] | StoredArray) -> NDArray[Number]:
    return held.open() if isinstance(held, StoredArray) else held


def extract(recording: Recording, recipe: Recipe, clock: Clock | None = None) -> Features:
    """Push a recording through the signal path that the live system uses.

    Parameters
    ----------
    recording : Recording
        Samples and trials; not one with features of its own (``shipped``).
    recipe : Recipe
        What to compute.
    clock : Clock, optional
        Is told how long the stages take.

    Raises
    ------
    RtbciError
        If the file cannot be read or its channels do not fit the recipe; names the recording.
    """
    path = signal_path(recording, recipe)
    parts = list(maps_of(recording, path, clock or Clock()))
    require_window(recording, path)
    last = np.concatenate([part.last for part in parts])
    covariances = [part.covariances for part in parts if part.covariances is not None]
    points = [part.points for part in parts if part.points is not None]
    first_point = [part.first_point for part in parts if part.first_point is not None]
    return labelled(
        maps=np.concatenate([part.values for part in parts]),
        bad=np.concatenate([part.bad for part in parts]),
        last=last,
        window=path.window,
        settling=path.settling,
        covariances=np.concatenate(covariances) if covariances else None,
        points=np.concatenate(points) if points else None,
        first_point=np.concatenate(first_point) if first_point else None,
        window_points=window_points(recipe),
        trials=recording.trials,
    )


def signal_path(recording: Recording, recipe: Recipe) -> SignalPath:
    """Return a signal path for a recording's channels and sampling rate.

    Raises
    ------
    RtbciError
        If they do not fit the recipe; names the recording.
    """
    try:
        return SignalPath(recipe, recording.sfreq, recording.channels, unit="uV")
    except RtbciError as error:
        raise type(error)(f"{recording.name}: {error}") from None


def require_window(recording: Recording, path: SignalPath) -> None:
    """Refuse a recording that has no window.

    Raises
    ------
    RecordingError
        If it is shorter than one.
    """
    if recording.n_samples < path.window:
        raise RecordingError(
            f"{recording.name}: shorter than one window of {path.recipe.window_s:g} s"
        )


def maps_of(recording: Recording, path: SignalPath, clock: Clock) -> Iterator[Maps]:
    """Yield the maps that each few seconds of a recording complete.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    chunks = chunks_of(recording)
    while True:
        with clock.during(READING):
            chunk = next(chunks, None)
        if chunk is None:
            return
        with clock.during(SIGNAL_PATH):
            maps = path.push(chunk)
        yield maps


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


def labelled(
    *,
    maps: NDArray[np.float64] | StoredArray,
    bad: NDArray[np.bool_],
    last: NDArray[np.int64],
    window: int,
    settling: int,
    covariances: NDArray[np.float64] | StoredArray | None,
    trials: Sequence[Trial],
    points: NDArray[np.float32] | StoredArray | None = None,
    first_point: NDArray[np.int64] | None = None,
    window_points: int = 0,
) -> Features:
    """Put what the signal path computed and the trials' labels together."""
    unknown = np.full(len(last), OUTSIDE, np.int64)
    features = Features(
        held_maps=maps,
        bad=bad,
        last=last,
        label=unknown,
        trial=unknown,
        window=window,
        settling=settling,
        held_covariances=covariances,
        held_points=points,
        first_point=first_point,
        window_points=window_points,
    )
    return relabelled(features, trials)


def relabelled(features: Features, trials: Sequence[Trial]) -> Features:
    """Return the same maps with the labels of other trials."""
    trial = trial_of_windows(features.last, features.window, trials)
    trial[features.last + 1 - features.window < features.settling] = OUTSIDE
    labels = np.array([*(each.label for each in trials), OUTSIDE], np.int64)
    return replace(features, label=labels[trial], trial=trial)


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
    array, shape (windows, planes, channels)
    """
    # A plain array: taking NumPy's memory maps apart, map by map, makes many new memory maps.
    return Normaliser(recipe, statistics).apply(np.asarray(features.maps), features.bad)
