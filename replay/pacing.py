"""When each sample is due."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

import numpy as np
import pylsl
from numpy.typing import NDArray


@dataclass(frozen=True)
class Schedule:
    """Due times on LSL's clock, each computed from the start so that no error adds up.

    Attributes
    ----------
    start : float
        Due time of sample 0, seconds of ``pylsl.local_clock()``.
    rate : float
        Samples a second of real time: the sampling rate times the speed.
    """

    start: float
    rate: float

    def due(self, sample: int) -> float:
        """Return when a sample is due, seconds of ``pylsl.local_clock()``."""
        return self.start + sample / self.rate

    def stamps(self, first: int, count: int) -> NDArray[np.float64]:
        """Return the due times of ``count`` samples from ``first`` on."""
        return self.start + np.arange(first, first + count) / self.rate

    def wait_for(self, sample: int, stop: Event) -> bool:
        """Sleep until a sample is due, not at all if it is late; False if ``stop`` was set."""
        remaining = self.due(sample) - pylsl.local_clock()
        return not (stop.wait(remaining) if remaining > 0 else stop.is_set())
