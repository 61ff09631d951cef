"""Trials on a marker stream: ``trial 3 positive`` where one starts, ``trial 3 end`` after it.

The replay writes these markers; a recording of that replay is read back with the same trials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from offline.datasets.recording import Event, Trial
from rtbci.recipe import EMOTIONS

_MARKER = re.compile(r"trial (\d+) (\S.*)")
_END = "end"
_UNKNOWN = "unknown"


def start_marker(number: int, label: int, classes: Sequence[str] = EMOTIONS) -> str:
    """Return the marker of a trial's first sample; ``number`` counts from 1."""
    if label < 0:
        return f"trial {number} {_UNKNOWN}"
    return f"trial {number} {classes[label] if label < len(classes) else label}"


def end_marker(number: int) -> str:
    """Return the marker of the sample after a trial's last."""
    return f"trial {number} {_END}"


def split_trials(
    markers: Iterable[Event], n_samples: int, classes: Sequence[str] = EMOTIONS
) -> tuple[tuple[Trial, ...], tuple[Event, ...]]:
    """Tell a recording's trials from its other events.

    A trial lasts until its end marker, and without one until the next trial or the recording's end.
    A trial whose label is none of the classes ends the one before it, but is left among the events.

    Parameters
    ----------
    markers : iterable of Event
        All markers in order of time; one from before the recording has a negative sample.
    n_samples : int
        Length of the recording.
    classes : sequence of str
        Class names; a label is one of them, or a class's number.

    Returns
    -------
    trials : tuple of Trial
    events : tuple of Event
        The markers that say nothing of a trial.
    """

    def meaning(marker: Event, running: bool) -> Cut | None:
        found = _MARKER.fullmatch(marker.text)
        if found is None:
            return None
        if found[2] == _END:
            return Cut() if running else None
        label = _label(found[2], classes)
        return Cut(label, stays=label is None)

    return delimited(markers, n_samples, meaning)


@dataclass(frozen=True)
class Cut:
    """What a marker does to the trials: it ends the one before, and may start one.

    Attributes
    ----------
    starts : int or None
        Label of the trial that starts, if one does.
    stays : bool
        Whether the marker is left among the events all the same.
    """

    starts: int | None = None
    stays: bool = False


def delimited(
    markers: Iterable[Event],
    n_samples: int,
    meaning: Callable[[Event, bool], Cut | None],
    longest: int | None = None,
) -> tuple[tuple[Trial, ...], tuple[Event, ...]]:
    """Lay out the trials that markers delimit, and the markers that say nothing of one.

    Parameters
    ----------
    markers : iterable of Event
        In order of time; one from before the recording has a negative sample.
    n_samples : int
        Length of the recording, where the last trial ends.
    meaning : callable
        Says of a marker, and of whether a trial is going on, what it does; None for nothing.
    longest : int, optional
        The most samples of a trial.

    Returns
    -------
    trials : tuple of Trial
        Those without a sample are left out.
    events : tuple of Event
    """
    trials: list[Trial] = []
    events: list[Event] = []
    running: tuple[int, int] | None = None  # first sample and label

    def close(stop: int) -> None:
        nonlocal running
        if running is not None:
            start, label = running
            end = stop if longest is None else min(stop, start + longest)
            if end > start:
                trials.append(Trial(start, end, label))
        running = None

    for marker in markers:
        cut = meaning(marker, running is not None)
        if cut is None or cut.stays:
            events.append(marker)
        if cut is None:
            continue
        close(marker.sample)
        if cut.starts is not None:
            running = (max(marker.sample, 0), cut.starts)
    close(n_samples)
    return tuple(trials), tuple(events)


def _label(text: str, classes: Sequence[str]) -> int | None:
    if text == _UNKNOWN:
        return -1
    if text in classes:
        return list(classes).index(text)
    return int(text) if text.isdecimal() else None
