"""What was going on when, as a marker stream tells."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Self

from rtbci.errors import StreamError

_TRIAL = re.compile(r"trial \d+ (.+)")
_END = "end"


@dataclass
class Timeline:
    """The stretches of a state that markers have told of so far.

    Attributes
    ----------
    states : tuple of str
        Names that are markers by themselves.
    stretches : list of (float, float, str)
        Start and end in LSL time, and state; one that is still going on ends at infinity.
    """

    states: tuple[str, ...] = ()
    stretches: list[tuple[float, float, str]] = field(default_factory=list)

    def hear(self, text: str, lsl_time: float) -> None:
        """Take a marker.

        ``trial <n> <state>``, or the bare name of one of ``states``, where it begins;
        ``trial <n> end``, or ``end`` where there are ``states``, after it. A new state ends the one
        before. Other markers mean nothing.
        """
        matched = _TRIAL.fullmatch(text)
        state = matched[1] if matched else text
        if not matched and not (self.states and state in (*self.states, _END)):
            return
        if self.stretches and self.stretches[-1][1] == math.inf:
            start, _, before = self.stretches[-1]
            self.stretches[-1] = (start, lsl_time, before)
        if state != _END:
            self.stretches.append((lsl_time, math.inf, state))

    def during(self, first: float, last: float) -> str | None:
        """Return the state that holds both LSL times, None between states."""
        for start, end, state in reversed(self.stretches):
            if start <= first:
                return state if last < end else None
        return None


class MarkerInlet:
    """An open connection to a stream of markers.

    Parameters
    ----------
    name : str
        The stream's name.
    timeout : float
        How long to wait for it, seconds.

    Raises
    ------
    StreamError
        If there is none in time.
    """

    def __init__(self, name: str, timeout: float) -> None:
        import pylsl

        found = pylsl.resolve_byprop("name", name, timeout=timeout)
        if not found:
            raise StreamError(
                f"no marker stream {name!r} within {timeout:g} s; 'rtbci streams' lists all"
            )
        self._inlet: Any = pylsl.StreamInlet(found[0], processing_flags=pylsl.proc_clocksync)
        # Asked for before the first pull, which would wait for it.
        try:
            self._inlet.open_stream(timeout=timeout)
            self._inlet.time_correction(timeout=timeout)
        except RuntimeError:  # lost, or too late
            raise StreamError(f"marker stream {name!r} does not answer") from None

    def pull(self) -> list[tuple[str, float]]:
        """Return the markers that have come since the last call, and their LSL times."""
        texts, stamps = self._inlet.pull_chunk(timeout=0.0)
        return [(str(text[0]), float(stamp)) for text, stamp in zip(texts, stamps, strict=True)]

    def close(self) -> None:
        """Close the connection."""
        self._inlet.close_stream()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
