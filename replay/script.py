"""A script of emotions: which one a virtual headset shows when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import ReplayError

TURN_S = 20.0
"""Seconds of each class where there is no script."""

_MOST = 2**53  # samples that can be counted exactly


@dataclass(frozen=True)
class Step:
    """One emotion for some time.

    Attributes
    ----------
    label : int
        Index of the class.
    seconds : float
        How long it lasts.
    """

    label: int
    seconds: float


def parse_script(text: str, classes: Sequence[str]) -> tuple[Step, ...]:
    """Read a script as a person writes it: ``neutral 60, positive 60, negative 60``.

    Parameters
    ----------
    text : str
        Emotions, each with its seconds, separated by commas.
    classes : sequence of str
        The emotions that there are.

    Raises
    ------
    ReplayError
        If an emotion is unknown, or the script is nothing of the kind; one line.
    """
    steps = []
    for part in text.split(","):
        name, _, length = part.strip().rpartition(" ")
        seconds = _seconds(length)
        if name.strip() in classes and seconds is None:
            raise ReplayError(
                f"--script: {part.strip()!r}: the seconds are to be a number above 0, as in "
                f'"{name.strip()} 60"'
            )
        if not name.strip() or seconds is None:
            expected = ", ".join(f"{each} 60" for each in classes)
            raise ReplayError(
                f"--script: {part.strip()!r} is not an emotion and its seconds; "
                f'what is expected is as in "{expected}"'
            )
        if name.strip() not in classes:
            raise ReplayError(
                f"--script: there is no emotion {name.strip()!r}; there are {', '.join(classes)}"
            )
        steps.append(Step(list(classes).index(name.strip()), seconds))
    return tuple(steps)


def in_turn(classes: Sequence[str], seconds: float = TURN_S) -> tuple[Step, ...]:
    """Return the script that goes once through the classes, equally long in each."""
    return tuple(Step(label, seconds) for label in range(len(classes)))


@dataclass(frozen=True)
class Turn:
    """A step of a script as it is played.

    Attributes
    ----------
    number : int
        Counts the turns from 1, round after round.
    label : int
        Index of the class.
    start, stop : int
        First sample and the one after the last.
    """

    number: int
    label: int
    start: int
    stop: int


class Timetable:
    """A script in samples, once or over and over.

    Parameters
    ----------
    steps : sequence of Step
        At least one.
    sfreq : float
        Sampling rate, hertz.
    loop : bool
        Begin again after the last step, for ever.
    stop_s : float, optional
        End here, seconds, be it within a step.

    Attributes
    ----------
    n_samples : int or None
        Length; None is endless.

    Raises
    ------
    ReplayError
        If the end leaves no sample, or is no time or too far off to be counted in samples.
    """

    def __init__(
        self, steps: Sequence[Step], sfreq: float, loop: bool = False, stop_s: float | None = None
    ) -> None:
        stop = None if stop_s is None else _samples(stop_s, sfreq, "--stop")
        if stop is not None and stop < 1:
            raise ReplayError(f"--stop {stop_s:g} leaves no sample to be played")
        self._labels = np.array([step.label for step in steps], np.int64)
        bounds = [0]
        # Each end from the start, so that no error adds up.
        for end in np.cumsum([step.seconds for step in steps]):
            bounds.append(max(_samples(float(end), sfreq, "--script"), bounds[-1] + 1))
        self._bounds = np.array(bounds, np.int64)
        lengths = [n for n in (None if loop else bounds[-1], stop) if n is not None]
        self.n_samples = min(lengths, default=None)

    def turns(self, start: int, stop: int) -> Iterator[Turn]:
        """Yield the turns that have samples from ``start`` to before ``stop``, each as a whole."""
        while start < stop:
            turn = self._turn(start)
            yield turn
            start = turn.stop

    def labels(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the label of each sample; after the end that of the last goes on."""
        if self.n_samples is not None:
            samples = np.minimum(samples, self.n_samples - 1)
        within = samples % self._bounds[-1]
        found: NDArray[np.int64] = self._labels[
            np.searchsorted(self._bounds, within, side="right") - 1
        ]
        return found

    def _turn(self, sample: int) -> Turn:
        turn, within = divmod(sample, int(self._bounds[-1]))
        step = int(np.searchsorted(self._bounds, within, side="right")) - 1
        begin = sample - within
        stop = begin + int(self._bounds[step + 1])
        return Turn(
            number=turn * len(self._labels) + step + 1,
            label=int(self._labels[step]),
            start=begin + int(self._bounds[step]),
            stop=stop if self.n_samples is None else min(stop, self.n_samples),
        )


def _samples(seconds: float, sfreq: float, told: str) -> int:
    if not abs(seconds * sfreq) < _MOST:  # NaN is not either
        raise ReplayError(f"{told}: {seconds:g} s is no length that can be played")
    return round(seconds * sfreq)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
