"""A signal taken apart into a recipe's bands, without a delay and so that they add up again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from rtbci.recipe import Recipe
from rtbci.signal.design import design_filters

_CYCLES = 3.0  # of the lowest band's lower edge, to either side: what a filter looks at
_REST = 1e-4  # squared power, relative to a band's own, below which a frequency belongs to no band


def impulse_responses(recipe: Recipe, sfreq: float) -> NDArray[np.float64]:
    """Return the impulse responses of the signal path's bands, shape (bands, samples).

    They are as long as it takes them to decay to a hundredth, three times over.
    """
    design = design_filters(recipe, sfreq)
    impulse = np.zeros(3 * design.settling)
    impulse[0] = 1.0
    responses = []
    for gain, poles in zip(design.gain, design.poles, strict=True):
        sos = np.array([(1.0, 0.0, -1.0, 1.0, a1, a2) for a1, a2 in poles])
        responses.append(gain * scipy.signal.sosfilt(sos, impulse))
    return np.stack(responses)


@dataclass(frozen=True)
class BandSplit:
    r"""Linear-phase filters, one a band; what they leave is the rest.

    Band :math:`b` takes the share :math:`|H_b|^4 / (\sum_i |H_i|^4 + \epsilon)` of each frequency,
    where :math:`H` are the signal path's own filters: bands that touch or overlap share what both
    see, and the outermost reach as far as they are seen. Phase is kept, as each is symmetric in
    time, and the delay taken out.

    Attributes
    ----------
    taps : array of float32, shape (bands, 2 half + 1)
        Each symmetric about its middle.
    """

    taps: NDArray[np.float32]

    @classmethod
    def of(cls, recipe: Recipe, sfreq: float) -> BandSplit:
        """Design the filters for a recipe's bands and a sampling rate in hertz."""
        half = math.ceil(_CYCLES * sfreq / min(band.low for band in recipe.bands))
        responses = impulse_responses(recipe, sfreq)
        n = scipy.fft.next_fast_len(2 * max(responses.shape[1], 2 * half), real=True)
        seen = np.abs(np.fft.rfft(responses, n)) ** 4
        shares = np.fft.irfft(seen / (seen.sum(axis=0) + _REST), n)
        middle = np.concatenate([shares[:, -half:], shares[:, : half + 1]], axis=1)
        taper = scipy.signal.windows.hann(2 * half + 3)[1:-1]
        taps = middle * taper
        # Nothing of an offset may be left, or every block would begin with a step.
        taps -= taper * (taps.sum(axis=1, keepdims=True) / taper.sum())
        return cls(taps.astype(np.float32))

    @property
    def half(self) -> int:
        """Samples to either side that a band's sample depends on."""
        return int(self.taps.shape[1]) // 2

    def split(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a signal's bands.

        Parameters
        ----------
        x : array, shape (channels, samples + 2 half)
            The signal and what surrounds it.

        Returns
        -------
        array, shape (bands, channels, samples)
        """
        n = scipy.fft.next_fast_len(x.shape[1], real=True)
        spectrum = scipy.fft.rfft(x, n)
        filters = scipy.fft.rfft(self.taps, n)
        bands = np.empty((len(self.taps), len(x), x.shape[1] - 2 * self.half), np.float32)
        for band, response in zip(bands, filters, strict=True):
            # What a circular convolution wraps around falls into the first samples, cut off here.
            band[:] = scipy.fft.irfft(spectrum * response, n)[:, 2 * self.half : x.shape[1]]
        return bands
