"""Lost samples, seen by the time stamps of those that came."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

TOLERANCE_S = 0.04
"""Stamps may come this much later than the rate says: drivers stamp by the packet, unevenly."""


class GapMeter:
    """Finds the places where samples are missing.

    Parameters
    ----------
    sfreq : float
        The stream's nominal rate, hertz.

    Attributes
    ----------
    step : float
        Seconds from one sample to the next.
    total_ms : float
        Milliseconds of samples lost so far.
    """

    def __init__(self, sfreq: float) -> None:
        self.step = 1 / sfreq
        self._previous: float | None = None
        self._recent: deque[tuple[int, float]] = deque()
        self.total_ms = 0.0

    def find(self, stamps: NDArray[np.float64]) -> list[tuple[int, float]]:
        """Return the gaps in the next samples' time stamps.

        Parameters
        ----------
        stamps : array, shape (samples,)
            Seconds.

        Returns
        -------
        list of (int, float)
            For each gap the index, among these samples, of the first one after it, and how many
            milliseconds are missing.
        """
        if not len(stamps):
            return []
        before = stamps[0] - self.step if self._previous is None else self._previous
        self._previous = float(stamps[-1])
        excess = np.diff(stamps, prepend=before) - self.step
        found = [(int(k), 1e3 * float(excess[k])) for k in np.flatnonzero(excess > TOLERANCE_S)]
        self.total_ms += sum(length for _, length in found)
        return found

    def remember(self, sample: int, length_ms: float) -> None:
        """Note that ``length_ms`` is missing just before a sample of the signal path."""
        self._recent.append((sample, length_ms))

    def within(self, first: int, last: int) -> float:
        """Return the milliseconds missing between two samples; asked in order of time."""
        while self._recent and self._recent[0][0] <= first:
            self._recent.popleft()
        return sum(length for sample, length in self._recent if sample <= last)

    def forget(self) -> None:
        """Drop what was remembered: the signal path has been restarted."""
        self._recent.clear()
