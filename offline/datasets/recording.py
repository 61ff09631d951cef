"""One recording with its labelled trials: what every data set yields, whatever its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    read : callable
        Returns the samples, shape (channels, samples), microvolts, float32: what an amplifier
        would send, so that offline and live round alike.
    events : tuple of Event
        The file's other annotations in order of time; they carry no label.
    """

    subject: str
    session: str
    name: str
    sfreq: float
    channels: tuple[str, ...]
    trials: tuple[Trial, ...]
    read: Callable[[], NDArray[np.float32]]
    events: tuple[Event, ...] = ()
