"""What a virtual headset plays: any source, and recordings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording
from offline.datasets.trial_markers import end_marker, start_marker
from rtbci.errors import ReplayError
from rtbci.recipe import EMOTIONS


@dataclass(frozen=True)
class Marker:
    """A text for the marker stream.

    Attributes
    ----------
    sample : int
        The sample that it belongs to, counted from the start of the replay.
    text : str
        What is sent.
    """

    sample: int
    text: str


@dataclass(frozen=True)
class Block:
    """Consecutive samples and the markers to be sent with them.

    Attributes
    ----------
    samples : array of float32, shape (samples, channels)
        Microvolts.
    markers : tuple of Marker
        In order of time.
    """

    samples: NDArray[np.float32]
    markers: tuple[Marker, ...]


class Source(Protocol):
    """Anything that a virtual headset can play.

    Attributes
    ----------
    name : str
        What it is, for people.
    identity : str
        Equal for two sources exactly if they play the same.
    sfreq : float
        Sampling rate, hertz.
    channels : tuple of str
        Channel names.
    n_samples : int or None
        Length; None is endless.
    simulated : bool
        Whether the signal is computed rather than recorded from a person.
    """

    name: str
    identity: str
    sfreq: float
    channels: tuple[str, ...]
    n_samples: int | None
    simulated: bool

    def blocks(self, size: int) -> Iterator[Block]:
        """Yield the signal from its start in blocks of ``size`` samples, the last one shorter."""
        ...


class RecordingSource:
    """A recording, or a stretch of it, once or over and over.

    Parameters
    ----------
    recording : Recording
        Its samples are read here, all at once.
    start_s, stop_s : float
        The stretch in seconds from the recording's start; no stop is its end.
    loop : bool
        Begin again after the end, for ever; the sample count goes on.
    classes : sequence of str
        Class names for the trial markers.

    Attributes
    ----------
    turn : int
        Samples until it ends, or begins again.

    Raises
    ------
    ReplayError
        If the stretch is empty or not inside the recording.
    RecordingError
        If the samples cannot be read.
    """

    simulated = False

    def __init__(
        self,
        recording: Recording,
        start_s: float = 0.0,
        stop_s: float | None = None,
        loop: bool = False,
        classes: Sequence[str] = EMOTIONS,
    ) -> None:
        samples = recording.read()
        first, stop = _stretch(recording, samples.shape[1], start_s, stop_s)
        self.name = recording.name
        self.identity = f"{recording.subject}/{recording.session}/{recording.name}"
        self.sfreq = recording.sfreq
        self.channels = recording.channels
        self.turn = stop - first
        self.n_samples = None if loop else self.turn
        self._samples = samples[:, first:stop]
        self._cues = _cues(recording, first, stop, classes)
        self._due = [due for due, _ in self._cues]

    def blocks(self, size: int) -> Iterator[Block]:
        """Yield the signal from its start in blocks of ``size`` samples, the last one shorter."""
        position = 0
        while self.n_samples is None or position < self.n_samples:
            n = size if self.n_samples is None else min(size, self.n_samples - position)
            where = range(position, position + n)
            samples = np.take(self._samples, where, axis=1, mode="wrap")
            yield Block(np.ascontiguousarray(samples.T), tuple(self._markers(where)))
            position += n

    def _markers(self, where: range) -> Iterator[Marker]:
        length = self._samples.shape[1]
        for turn in range(where.start // length, (where.stop - 1) // length + 1):
            offset = turn * length
            first = bisect_left(self._due, where.start - offset)
            for _, marker in self._cues[first : bisect_left(self._due, where.stop - offset)]:
                yield Marker(marker.sample + offset, marker.text)


def _stretch(
    recording: Recording, n_samples: int, start_s: float, stop_s: float | None
) -> tuple[int, int]:
    duration = n_samples / recording.sfreq
    if not 0 <= start_s < duration:
        raise ReplayError(
            f"--start {start_s:g} is outside {recording.name}, which lasts {duration:g} s"
        )
    if stop_s is not None and not start_s < stop_s <= duration:
        raise ReplayError(
            f"--stop {stop_s:g} is not between --start {start_s:g} and the end of "
            f"{recording.name}, which lasts {duration:g} s"
        )
    first = round(start_s * recording.sfreq)
    stop = n_samples if stop_s is None else round(stop_s * recording.sfreq)
    if first >= stop:
        raise ReplayError(f"{recording.name}: no sample lies between --start and --stop")
    return first, stop


def _cues(
    recording: Recording, first: int, stop: int, classes: Sequence[str]
) -> list[tuple[int, Marker]]:
    """Return a stretch's markers, each with the sample whose block carries it.

    The end of a trial belongs to the sample after its last one, which may never come; so the
    trial's last sample carries it.
    """
    cues = [
        (event.sample - first, Marker(event.sample - first, event.text))
        for event in recording.events
        if first <= event.sample < stop
    ]
    for number, trial in enumerate(recording.trials, start=1):
        begin, end = max(trial.start, first) - first, min(trial.stop, stop) - first
        if begin < end:
            cues.append((begin, Marker(begin, start_marker(number, trial.label, classes))))
            cues.append((end - 1, Marker(end, end_marker(number))))
    return sorted(cues, key=lambda cue: (cue[0], cue[1].sample))
