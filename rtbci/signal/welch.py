"""Power density of each band over the window, by Welch's method."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from rtbci.errors import RecipeError
from rtbci.recipe import Recipe
from rtbci.signal.compiled import compiled

_SEGMENT_S = 1.0


class Welch:
    """Logarithm of each band's power density over the last window of samples.

    Welch (1967, doi 10.1109/TAU.1967.1161901): the window is cut into segments of a second (or of
    its whole length, if that is shorter) that overlap by half; each loses its mean, is tapered by a
    periodic Hann window and transformed; the squared magnitudes, one-sided and in square microvolts
    per hertz, are averaged over segments. That is :func:`scipy.signal.welch` as it comes. Of a
    band, the mean over the bins f with low <= f < high is taken, so that neighbouring bands share
    none, and of that the natural logarithm: powers differ by orders of magnitude between bands and
    persons, their logarithms are about normal, as DE is, and all planes of a map can be
    standardised alike.

    Every window is transformed in arrays of the same shape and by itself, so that its numbers do
    not depend on how many windows a chunk completes.

    Parameters
    ----------
    recipe : Recipe
        Bands, channels and the least variance: a band's density is at least that over its width.
    sfreq : float
        Sampling rate, hertz.
    window : int
        Length of the window in samples.

    Attributes
    ----------
    floor : array, shape (bands,)
        The least density of each band, square microvolts per hertz.

    Raises
    ------
    RecipeError
        If a band lies between two bins.
    """

    def __init__(self, recipe: Recipe, sfreq: float, window: int) -> None:
        length = min(window, max(round(_SEGMENT_S * sfreq), 2))
        overlap = length // 2
        segments = (window - overlap) // (length - overlap)
        channels = len(recipe.channels)
        self.floor = np.array(
            [recipe.variance_floor / (band.high - band.low) for band in recipe.bands]
        )
        self._bins = _bins(recipe, sfreq, length)
        self._taper: NDArray[np.float64] = signal.get_window("hann", length)
        # Twice: the power at the negative frequencies. No band holds 0 Hz or the Nyquist frequency.
        self._scale = 2 / (sfreq * float(np.sum(self._taper**2)) * segments)
        self._step = length - overlap
        self._ring = np.zeros((window, channels))
        self._count = 0
        self._segments = np.zeros((segments, length, channels))
        self._total = np.zeros(channels)

    def take(self, samples: NDArray[np.float64]) -> None:
        """Remember the next samples (samples, channels), microvolts, before the filter bank."""
        _remember(self._ring, self._count, samples)
        self._count += len(samples)

    def write(self, out: NDArray[np.float64]) -> None:
        """Write the log densities of the window that ends with the last sample.

        Parameters
        ----------
        out : array, shape (bands, channels)
            Takes them: ln(uV^2 / Hz).
        """
        _cut(self._ring, self._count, self._step, self._taper, self._segments, self._total)
        spectrum = fft.rfft(self._segments, axis=1)
        _average(spectrum, self._bins, self._scale, self.floor, out)


def _bins(recipe: Recipe, sfreq: float, length: int) -> NDArray[np.int64]:
    """Return each band's first bin and the one after its last."""
    frequencies = np.arange(length // 2 + 1) * sfreq / length
    bins = []
    for band in recipe.bands:
        first, end = np.searchsorted(frequencies, (band.low, band.high))
        if first == end:
            raise RecipeError(
                f"band {band.name} ({band.low:g}-{band.high:g} Hz) holds no frequency of the "
                f"spectrum of {length} samples at {sfreq:g} Hz, which has one each "
                f"{sfreq / length:g} Hz; use a longer window or a wider band"
            )
        bins.append((first, end))
    return np.array(bins, np.int64)


@compiled
def _remember(ring: NDArray[np.float64], count: int, samples: NDArray[np.float64]) -> None:
    row = count % ring.shape[0]
    for i in range(samples.shape[0]):
        ring[row] = samples[i]
        row += 1
        if row == ring.shape[0]:
            row = 0


@compiled
def _cut(
    ring: NDArray[np.float64],
    count: int,
    step: int,
    taper: NDArray[np.float64],
    segments: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Cut the window into segments, take off each one's mean and taper it."""
    window, channels = ring.shape
    length = taper.shape[0]
    for s in range(segments.shape[0]):
        start = (count + s * step) % window
        # The mean of differences from the first sample keeps its digits on a slow drift.
        total[:] = 0.0
        for i in range(length):
            row = (start + i) % window
            for c in range(channels):
                difference = ring[row, c] - ring[start, c]
                segments[s, i, c] = difference
                total[c] += difference
        for i in range(length):
            for c in range(channels):
                segments[s, i, c] = (segments[s, i, c] - total[c] / length) * taper[i]


@compiled
def _average(
    spectrum: NDArray[np.complex128],
    bins: NDArray[np.int64],
    scale: float,
    floor: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Average power over segments and a band's bins; write its logarithm."""
    for b in range(out.shape[0]):
        first, end = bins[b]
        for c in range(out.shape[1]):
            out[b, c] = 0.0
        for s in range(spectrum.shape[0]):
            for k in range(first, end):
                for c in range(out.shape[1]):
                    value = spectrum[s, k, c]
                    out[b, c] += value.real * value.real + value.imag * value.imag
        for c in range(out.shape[1]):
            out[b, c] = math.log(max(out[b, c] * scale / (end - first), floor[b]))
