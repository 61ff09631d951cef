"""What is no brain: blinks, muscles, mains hum, the electrodes' own noise and offsets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from replay.simulator.head import SCALP_RADIUS, Head
from replay.simulator.shapes import Wander, band_noise

_MAINS_HZ = 50.0
# Directions from the head's centre (x right, y front, z up).
_EYES = ((-0.35, 0.85, -0.40), (0.35, 0.85, -0.40))
_TEMPORAL_MUSCLES = (
    (-0.95, 0.25, -0.20),
    (-0.90, -0.20, -0.35),
    (0.95, 0.25, -0.20),
    (0.90, -0.20, -0.35),
)


def _spread(
    head: Head, rows: NDArray[np.intp], direction: tuple[float, float, float], reach: float
) -> NDArray[np.float64]:
    """Return how a point under the skin shows at electrodes; falls by e in ``reach`` metres."""
    point = 0.95 * SCALP_RADIUS * np.array(direction) / np.linalg.norm(direction)
    distance = np.linalg.norm(head.positions[rows] - point, axis=1)
    return np.asarray(np.exp(-distance / reach))


class _Events:
    """Random events, one waveform after another, that may run on into later blocks."""

    def __init__(
        self,
        mean_gap_s: float,
        least_gap_s: float,
        draw: Callable[[], NDArray[np.float64]],
        sfreq: float,
        rng: np.random.Generator,
    ) -> None:
        self._mean_extra_s = mean_gap_s - least_gap_s
        self._least_gap_s = least_gap_s
        self._draw, self._sfreq, self._rng = draw, sfreq, rng
        self._pending = np.zeros(0)
        self._wait = self._gap()

    def _gap(self) -> int:
        extra = self._rng.exponential(self._mean_extra_s)
        return round((self._least_gap_s + extra) * self._sfreq)

    def block(self, n_samples: int) -> NDArray[np.float64]:
        trace = np.zeros(max(n_samples, len(self._pending)))
        trace[: len(self._pending)] = self._pending
        while self._wait < n_samples:
            waveform = self._draw()
            end = self._wait + len(waveform)
            trace = np.pad(trace, (0, max(0, end - len(trace))))
            trace[self._wait : end] += waveform
            self._wait += self._gap()
        self._wait -= n_samples
        self._pending = trace[n_samples:]
        return trace[:n_samples]


class Blinks:
    """An eye blink about every four seconds, about 100 microvolts at FP1 and FP2."""

    def __init__(
        self, head: Head, rows: NDArray[np.intp], sfreq: float, rng: np.random.Generator
    ) -> None:
        self._sfreq, self._rng = sfreq, rng
        reach = 0.05
        everywhere = np.arange(len(head.electrodes))
        pattern = np.sum([_spread(head, everywhere, eye, reach) for eye in _EYES], axis=0)
        self._pattern = (pattern / pattern[head.rows(("FP1", "FP2"))].mean())[rows]
        self._events = _Events(4.0, 1.0, self._waveform, sfreq, rng)

    def _waveform(self) -> NDArray[np.float64]:
        height = 100 * np.exp(self._rng.normal(0, 0.2))
        duration_s = self._rng.uniform(0.25, 0.40)
        time = np.arange(round(duration_s * self._sfreq)) / (duration_s * self._sfreq)
        # The lid closes faster than it opens.
        return np.asarray(height * np.sin(np.pi * time**0.75) ** 2)

    def block(self, n_samples: int) -> NDArray[np.float64]:
        """Return the next samples, shape (channels, samples), microvolts."""
        return np.outer(self._pattern, self._events.block(n_samples))


class Muscles:
    """Bursts of the temporal muscles, 20-90 Hz, each with its own times."""

    def __init__(
        self, head: Head, rows: NDArray[np.intp], sfreq: float, rng: np.random.Generator
    ) -> None:
        self._sfreq, self._rng = sfreq, rng
        patterns = [_spread(head, rows, place, 0.03) for place in _TEMPORAL_MUSCLES]
        self._patterns = np.column_stack(patterns)
        self._noise = band_noise(20.0, 90.0, len(_TEMPORAL_MUSCLES), sfreq)
        self._bursts = [_Events(25.0, 2.0, self._burst, sfreq, rng) for _ in _TEMPORAL_MUSCLES]

    def _burst(self) -> NDArray[np.float64]:
        height = 12 * np.exp(self._rng.normal(0, 0.5))
        duration = round(self._rng.uniform(0.3, 1.5) * self._sfreq)
        return np.asarray(height * np.sin(np.pi * np.arange(duration) / duration) ** 2)

    def block(self, n_samples: int) -> NDArray[np.float64]:
        """Return the next samples, shape (channels, samples), microvolts."""
        envelopes = np.stack([burst.block(n_samples) for burst in self._bursts])
        return self._patterns @ (envelopes * self._noise.block(self._rng, n_samples))


class Electrodes:
    """Gain, offset, drift, sensor noise and mains hum of each electrode, as the day has them.

    Parameters
    ----------
    n_electrodes : int
        How many electrodes the head has: all are drawn, so that an electrode is the same in any
        montage.
    rows : array of int
        The montage's electrodes.
    sfreq : float
        Sampling rate, hertz.
    day, rng : Generator
        What stays the same all day is drawn from the first, the noise from the second.
    """

    def __init__(
        self,
        n_electrodes: int,
        rows: NDArray[np.intp],
        sfreq: float,
        day: np.random.Generator,
        rng: np.random.Generator,
    ) -> None:
        def each(low: float, high: float) -> NDArray[np.float64]:
            return day.uniform(low, high, n_electrodes)[rows]

        self._sfreq, self._rng = sfreq, rng
        self.gain = np.exp(day.normal(0, 0.04, n_electrodes))[rows]
        # The noise's density is the amplifier's, so that its RMS grows with the bandwidth.
        self._noise_uv = each(0.5, 1.0) * np.sqrt(sfreq / 200)
        self._offset_uv = each(-3000, 3000)
        self._hum_uv = each(0.1, 0.8) if sfreq > 2 * _MAINS_HZ else np.zeros(len(rows))
        self._hum_phase = each(-0.5, 0.5)
        self._drift = Wander((len(rows),), 60.0, 15.0, rng)
        self._mains_samples = 0

    def block(self, n_samples: int) -> NDArray[np.float64]:
        """Return what the electrodes add, shape (channels, samples), microvolts."""
        time = (self._mains_samples + np.arange(n_samples)) / self._sfreq
        self._mains_samples += n_samples
        hum = np.sin(2 * np.pi * _MAINS_HZ * time + self._hum_phase[:, None])
        noise = self._rng.standard_normal((len(self._offset_uv), n_samples))
        drift = self._drift.block(self._rng, n_samples, self._sfreq)
        return np.asarray(
            self._offset_uv[:, None]
            + drift
            + self._noise_uv[:, None] * noise
            + self._hum_uv[:, None] * hum
        )
