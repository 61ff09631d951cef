"""Trials on a marker stream: ``trial 3 positive`` where one starts, ``trial 3 end`` after it.

The replay writes these markers; a recording of that replay is read back with the same trials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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
    trials: list[Trial] = []
    events: list[Event] = []
    running: tuple[int, int] | None = None  # first sample and label

    def close(stop: int) -> None:
        nonlocal running
        if running is not None and stop > running[0]:
            trials.append(Trial(running[0], stop, running[1]))
        running = None

    for marker in markers:
        found = _MARKER.fullmatch(marker.text)
        if found and found[2] == _END and running is not None:
            close(marker.sample)
        elif found and (label := _label(found[2], classes)) is not None:
            close(marker.sample)
            running = (max(marker.sample, 0), label)
        else:
            if found and found[2] != _END:
                close(marker.sample)
            events.append(marker)
    close(n_samples)
    return tuple(trials), tuple(events)


def _label(text: str, classes: Sequence[str]) -> int | None:
    if text == _UNKNOWN:
        return -1
    if text in classes:
        return list(classes).index(text)
    return int(text) if text.isdecimal() else None
