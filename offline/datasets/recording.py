"""One recording with its labelled trials: what every data set yields, whatever its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=np.floating)


@dataclass(frozen=True)
class Trial:
    """A stretch of a recording with one label.

    Attributes
    ----------
    start, stop : int
        First sample and the one after the last.
    label : int
        Index into the data set's class names; -1 where the label is unknown.
    """

    start: int
    stop: int
    label: int


@dataclass(frozen=True)
class Event:
    """Something that the file notes at one sample: an annotation, a marker.

    Attributes
    ----------
    sample : int
        Index of the sample at which it begins.
    text : str
        What the file says, word for word.
    """

    sample: int
    text: str


@dataclass(frozen=True)
class Origin:
    """What a recording's samples depend on: the same origin, the same samples.

    Attributes
    ----------
    files : tuple of Path
        Every file that is read for the samples.
    part : str
        What else decides: which part of the files, which way of reading them.
    """

    files: tuple[Path, ...] = ()
    part: str = ""


@dataclass(frozen=True)
class Recording:
    """One recording, its samples read when asked for.

    Attributes
    ----------
    subject, session : str
        Who and when; splits keep them apart.
    name : str
        What to call it in messages, usually the file's name.
    sfreq : float
        Sampling rate, hertz.
    channels : tuple of str
        Channel names as the file has them.
    trials : tuple of Trial
        Labelled stretches in order of time; may be empty.
    blocks : callable
        Returns an iterator over the samples from first to last, in pieces small enough to be held
        in memory: each of shape (channels, samples), microvolts, float32: what an amplifier would
        send, so that offline and live round alike.
    n_samples : int
        How many samples all blocks hold together.
    events : tuple of Event
        The file's other annotations in order of time; they carry no label.
    origin : Origin
        What the samples depend on; without files nothing is known of it.
    shipped : callable or None
        Where a data set ships feature maps instead of samples: returns them, shape (windows,
        planes, channels). Then ``sfreq`` counts windows a second, the trials and ``n_samples``
        count windows, and there are no blocks.
    """

    subject: str
    session: str
    name: str
    sfreq: float
    channels: tuple[str, ...]
    trials: tuple[Trial, ...]
    blocks: Callable[[], Iterator[NDArray[np.float32]]]
    n_samples: int
    events: tuple[Event, ...] = ()
    origin: Origin = Origin()
    shipped: Callable[[], NDArray[np.float64]] | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sfreq

    def read(self) -> NDArray[np.float32]:
        """Return all samples at once, shape (channels, samples), microvolts."""
        samples = np.empty((len(self.channels), self.n_samples), np.float32)
        done = 0
        for block in self.blocks():
            samples[:, done : done + block.shape[1]] = block
            done += block.shape[1]
        return samples


def recording_of(
    samples: NDArray[np.floating],
    sfreq: float,
    channels: Sequence[str],
    *,
    name: str = "array",
    subject: str = "1",
    session: str = "1",
    trials: Sequence[Trial] = (),
    events: Sequence[Event] = (),
) -> Recording:
    """Make a recording of an array (channels, samples) in microvolts."""
    held = np.asarray(samples, np.float32)
    return Recording(
        subject=subject,
        session=session,
        name=name,
        sfreq=sfreq,
        channels=tuple(channels),
        trials=tuple(trials),
        blocks=lambda: iter((held,)),
        n_samples=held.shape[1],
        events=tuple(events),
    )


def cut(blocks: Iterable[NDArray[F]], trials: Sequence[Trial]) -> Iterator[tuple[int, NDArray[F]]]:
    """Go through a recording once and yield each trial as soon as its last sample is there.

    Parameters
    ----------
    blocks : iterable of array, shape (channels, samples)
        The recording from its first sample to its last.
    trials : sequence of Trial
        Which trials; they may overlap. One that reaches beyond the last sample is left out.

    Yields
    ------
    int, array of shape (channels, samples)
        The trial's index among ``trials``, and its samples.
    """
    pieces: dict[int, list[NDArray[F]]] = defaultdict(list)
    begin = 0
    for block in blocks:
        end = begin + block.shape[1]
        for index, trial in enumerate(trials):
            if trial.start >= end or trial.stop <= begin:
                continue
            pieces[index].append(block[:, max(trial.start - begin, 0) : trial.stop - begin])
            if trial.stop <= end:
                yield index, np.concatenate(pieces.pop(index), axis=1)
        begin = end
