"""Where the seconds go."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    """How long something took.

    Attributes
    ----------
    wall_s : float
        From its start to its end, seconds.
    processor_s : float
        Of that the time in which this thread computed: the rest it waited, for the disk or for
        other programs that had the processor.
    """

    wall_s: float = 0.0
    processor_s: float = 0.0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.wall_s + other.wall_s, self.processor_s + other.processor_s)


class Clock:
    """Adds up what the stages of some work take.

    Attributes
    ----------
    taken : dict
        By each stage so far.
    """

    def __init__(self) -> None:
        self.taken: dict[str, Taken] = {}

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Add what the block takes to a stage, also where it ends with an error."""
        wall, processor = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            taken = Taken(time.perf_counter() - wall, time.thread_time() - processor)
            self.add({stage: taken})

    def add(self, taken: Mapping[str, Taken]) -> None:
        """Add what several stages took elsewhere."""
        for stage, each in taken.items():
            self.taken[stage] = self.taken.get(stage, Taken()) + each
