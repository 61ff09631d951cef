"""Noise with a given spectrum, the same in microvolts at any sampling rate, and slow drifts."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

_GRID_HZ = 0.05  # resolution at which a filter's power is summed up


class ShapedNoise:
    """Independent channels of white noise through one filter, continuing from block to block.

    Parameters
    ----------
    sos : array, shape (sections, 6)
        The filter.
    n_channels : int
        How many channels.
    sfreq : float
        Sampling rate, hertz.
    band : tuple of float
        The frequencies, hertz, between which ``variance`` is measured.
    variance : float
        The noise's variance there.
    """

    def __init__(
        self,
        sos: NDArray[np.float64],
        n_channels: int,
        sfreq: float,
        band: tuple[float, float],
        variance: float = 1.0,
    ) -> None:
        frequencies = np.arange(band[0], min(band[1], sfreq / 2), _GRID_HZ)
        response = scipy.signal.freqz_sos(sos, frequencies, fs=sfreq)[1]
        # White noise of unit variance has the one-sided density 2 / sfreq.
        power = np.sum(np.abs(response) ** 2) * _GRID_HZ * 2 / sfreq
        self._sos = sos.copy()
        self._sos[0, :3] *= np.sqrt(variance / power)
        self._state = np.zeros((len(sos), n_channels, 2))

    def block(self, rng: np.random.Generator, n_samples: int) -> NDArray[np.float64]:
        """Return the next samples, shape (channels, samples)."""
        white = rng.standard_normal((self._state.shape[1], n_samples))
        shaped, self._state = scipy.signal.sosfilt(self._sos, white, axis=-1, zi=self._state)
        return np.asarray(shaped)


def band_noise(low: float, high: float, n_channels: int, sfreq: float) -> ShapedNoise:
    """Return noise of unit variance between two frequencies, hertz.

    What does not fit under the Nyquist frequency is left out; the rest keeps its density.
    """
    top = min(high, 0.45 * sfreq)
    sos = scipy.signal.butter(2, (low, top), "bandpass", fs=sfreq, output="sos")
    kept = (top - low) / (high - low)
    return ShapedNoise(sos, n_channels, sfreq, (low / 4, 2 * top), kept)


def power_law_noise(slope: float, n_channels: int, sfreq: float) -> ShapedNoise:
    """Return noise whose power falls as frequency to the power ``slope``, above 0.1 Hz.

    A ladder of poles and zeros, an octave apart, falls on average by ``slope``. The ladder
    ends above the Nyquist frequency; each rung is put into discrete time by matching poles and
    zeros, which bends the slope less than the bilinear transform does.
    """
    rungs = 0.1 * 2 ** np.arange(0, np.log2(sfreq / 0.1))
    poles = np.exp(-2 * np.pi * rungs / sfreq)
    zeros = np.exp(-2 * np.pi * rungs * 2 ** (slope / 2) / sfreq)
    sos = scipy.signal.zpk2sos(zeros, poles, 1.0)
    return ShapedNoise(sos, n_channels, sfreq, (1.0, 45.0))


class Wander:
    """Slow random drifts around zero (Ornstein-Uhlenbeck), straight lines from block to block.

    Parameters
    ----------
    shape : tuple of int
        Shape of the set of drifts.
    time_constant_s, deviation : float
        How slow, and the standard deviation.
    rng : Generator
        Draws where the drifts start; they start from their stationary distribution.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        time_constant_s: float,
        deviation: float,
        rng: np.random.Generator,
    ) -> None:
        self._time_constant_s = time_constant_s
        self._deviation = deviation
        self._level = deviation * rng.standard_normal(shape)

    def block(self, rng: np.random.Generator, n_samples: int, sfreq: float) -> NDArray[np.float64]:
        """Return the next samples, shape (*shape, samples)."""
        keep = np.exp(-n_samples / sfreq / self._time_constant_s)
        jump = self._deviation * np.sqrt(1 - keep**2) * rng.standard_normal(self._level.shape)
        start, self._level = self._level, keep * self._level + jump
        way = np.arange(n_samples) / n_samples
        return start[..., None] + (self._level - start)[..., None] * way
