"""Narrow bands, three an octave, each made at a rate that is low where the band is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import firwin
from torch import Tensor, nn

from offline.generators.generator import Floats
from rtbci.errors import GeneratorError

PER_OCTAVE = 3
HALF = 48
"""Taps of a band's filter on either side of its middle, at the rate of its octave."""

UP = 10
"""Values of which one in between is made where a rate is doubled."""

LEAST_S = 1.0
"""Seconds of the shortest windows that can be learned from."""

_LOWEST_HZ = 0.8
_FLOOR = 1e-12  # square microvolts, relative to a channel's own scale


@dataclass(frozen=True)
class Octaves:
    r"""The bands of a sampling rate, and how a window's power is divided among them.

    Level :math:`k` runs at :math:`r_k = f_s / 2^k` and holds the octave :math:`(r_k / 8, r_k / 4]`,
    the first level all up to its Nyquist frequency. With centres :math:`c_b`, three an octave, and
    :math:`u` going from 0 at :math:`c_b` to 1 at :math:`c_{b+1}` in proportion to :math:`\log f`,

    .. math:: |H_b(f)| = \cos(\pi u / 2), \qquad |H_{b+1}(f)| = \sin(\pi u / 2),

    so that white noises filtered by all of these add up to white noise. Nothing passes at 0 Hz.

    Parameters
    ----------
    sfreq : float
        Sampling rate of the signal, hertz.
    points : int
        Samples of a window; no band is so low that a window does not hold a period of it.
    """

    sfreq: float
    points: int

    def __post_init__(self) -> None:
        if self.points < LEAST_S * self.sfreq:
            raise GeneratorError(
                f"windows of {self.points / self.sfreq:g} s are too short to learn a signal from; "
                f"take {LEAST_S:g} s at least"
            )

    @cached_property
    def levels(self) -> int:
        """How many rates there are."""
        lowest = max(_LOWEST_HZ, self.sfreq / self.points)
        return max(math.ceil(math.log2(self.sfreq / 8 / lowest)), 1) + 1

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Centres of all bands, hertz, rising."""
        bottom = self.sfreq / 8 / 2 ** (self.levels - 1)
        steps = np.arange(PER_OCTAVE * (self.levels + 1))
        return np.asarray(bottom * 2 ** ((steps + 0.5) / PER_OCTAVE))

    def bands_of(self, level: int) -> slice:
        """Return which bands a level makes."""
        first = PER_OCTAVE * (self.levels - 1 - level)
        return slice(first, first + PER_OCTAVE * (2 if level == 0 else 1))

    def gains(self, frequencies: Floats) -> NDArray[np.float64]:
        """Return each band's gain at some frequencies, shape (bands, frequencies)."""
        logs = np.log2(np.maximum(frequencies, 1e-6))
        # The lowest band falls off within an octave; the highest stays up to the Nyquist frequency.
        middles = np.log2(self.centres)
        padded = np.concatenate([[middles[0] - 1], middles, [np.inf]])
        rising = (logs - padded[:-2, None]) / np.diff(padded)[:-1, None]
        falling = (logs - middles[:, None]) / np.diff(padded)[1:, None]
        up, down = np.sin(np.pi / 2 * rising.clip(0, 1)), np.cos(np.pi / 2 * falling.clip(0, 1))
        return np.asarray(np.where(logs < middles[:, None], up, down))

    def filters(self, level: int) -> Tensor:
        """Return the filters of a level's bands at its rate, shape (bands, 2 HALF + 1)."""
        rate = self.sfreq / 2**level
        grid = np.arange(1025) / 2048 * rate
        impulses = np.fft.irfft(self.gains(grid)[self.bands_of(level)])
        taps = np.roll(impulses, HALF, axis=-1)[:, : 2 * HALF + 1] * np.hanning(2 * HALF + 3)[1:-1]
        window = np.hanning(2 * HALF + 3)[1:-1]
        taps -= taps.sum(axis=-1, keepdims=True) * window / window.sum()
        return torch.from_numpy(taps).float()


class Spectra(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Power of windows in each band and channel.

    With :math:`X_c` the discrete Fourier transform of a window, less its trend and tapered by a
    Hann window,

    .. math:: p_{bc} = \sum_f |H_b(f)|^2 |X_c(f)|^2 \Big/ \sum_t w(t)^2 .
    """

    def __init__(self, octaves: Octaves) -> None:
        super().__init__()
        points = octaves.points
        frequencies = np.fft.rfftfreq(points, 1 / octaves.sfreq)
        weights = octaves.gains(frequencies) ** 2
        taper = np.hanning(points + 1)[:points]
        weights *= 2 / (points * np.square(taper).sum())
        time = np.linspace(-1, 1, points)
        trend = np.stack([np.ones(points), time]) / np.sqrt([[points], [np.square(time).sum()]])
        self.register_buffer("weights", torch.from_numpy(weights).float(), persistent=False)
        self.register_buffer("taper", torch.from_numpy(taper).float(), persistent=False)
        self.register_buffer("trend", torch.from_numpy(trend).float(), persistent=False)

    def transform(self, x: Tensor) -> Tensor:
        """Return tapered windows' spectra (..., frequencies) of windows (..., points)."""
        detrended = x - (x @ self.trend.T) @ self.trend
        return torch.fft.rfft(detrended * self.taper)

    def log_power(self, spectra: Tensor) -> Tensor:
        """Return ln p, shape (n, bands, channels), of spectra (n, channels, frequencies)."""
        power = spectra.real.square() + spectra.imag.square()
        return torch.log((power @ self.weights.T).transpose(1, 2) + _FLOOR)

    def cross(self, spectra: Tensor, band: int) -> Tensor:
        """Return the real part of a band's cross-spectra, shape (n, channels, channels)."""
        bins = self.weights[band] > 0
        weighed = spectra[..., bins] * self.weights[band][bins].sqrt()
        parts = torch.cat([weighed.real, weighed.imag], dim=-1)
        return parts @ parts.transpose(1, 2)


def doubling_filter() -> Tensor:
    """Return the weights of values about one in between, shape (UP,).

    They are the taps of a half-band low-pass filter that are not 0 but for the middle one: values
    that were there stay as they are.
    """
    taps = firwin(2 * UP + 1, 0.5, window=("kaiser", 6.0))[1::2]
    return torch.from_numpy(taps / taps.sum()).float()
