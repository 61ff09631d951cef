"""A virtual headset whose emotion a script decides, whatever makes its signal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from offline.datasets.trial_markers import end_marker, start_marker
from replay.script import Step, Timetable, in_turn
from replay.sources import Block, Marker
from rtbci.errors import ReplayError

Samples = NDArray[np.float32]


class ScriptedSource(ABC):
    """Signal along a script of emotions, each step of it a trial with its markers.

    Parameters
    ----------
    name : str
        What it is, for people.
    identity : str
        Equal for two sources exactly if they make the same samples of the same script.
    sfreq : float
        Sampling rate, hertz.
    channels : tuple of str
        Channel names.
    classes : tuple of str
        What the script's labels mean.
    steps : sequence of Step or None
        The script; None has the classes in turn for ever.
    loop : bool
        Whether the script begins again after its end.
    stop_s : float or None
        Length in seconds.

    Attributes
    ----------
    As of :class:`~replay.sources.Source`.

    Raises
    ------
    ReplayError
        If the length is less than one sample.
    """

    simulated = True

    def __init__(
        self,
        name: str,
        identity: str,
        sfreq: float,
        channels: tuple[str, ...],
        classes: tuple[str, ...],
        steps: Sequence[Step] | None,
        loop: bool,
        stop_s: float | None,
    ) -> None:
        if steps is None:
            self._timetable = Timetable(in_turn(classes), sfreq, True, stop_s)
        else:
            self._timetable = Timetable(steps, sfreq, loop, stop_s)
        self.sfreq, self.channels = sfreq, channels
        self.n_samples = self._timetable.n_samples
        length = "" if self.n_samples is None else f" for {self.n_samples}"
        self.name, self.identity = name, identity + _told(steps, loop) + length
        self._classes = classes

    def blocks(self, size: int) -> Iterator[Block]:
        """Yield the signal from its start in blocks of ``size`` samples, the last one shorter."""
        make = self._begin()
        position = 0
        while self.n_samples is None or position < self.n_samples:
            end = position + size
            if self.n_samples is not None:
                end = min(end, self.n_samples)
            parts: list[Samples] = []
            markers: list[Marker] = []
            for turn in self._timetable.turns(position, end):
                if turn.start >= position:
                    text = start_marker(turn.number, turn.label, self._classes)
                    markers.append(Marker(turn.start, text))
                # A part ends where a trial does, so that no label is late.
                n = min(turn.stop, end) - max(turn.start, position)
                parts.append(make(n, turn.label))
                if turn.stop <= end:
                    markers.append(Marker(turn.stop, end_marker(turn.number)))
            if sum(map(len, parts)) < end - position:
                raise ReplayError(f"{self.name}: the signal ended before the script")
            yield Block(np.concatenate(parts), tuple(markers))
            position = end

    @abstractmethod
    def _begin(self) -> Callable[[int, int], Samples]:
        """Begin the signal: return what makes the next so many samples of a class."""


def _told(steps: Sequence[Step] | None, loop: bool) -> str:
    if steps is None:
        return ""
    told = ",".join(f"{step.label}:{step.seconds!r}" for step in steps)
    return f" {told}{' over and over' if loop else ''}"
