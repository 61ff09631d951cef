"""Filter design: from the recipe's bands to coefficients for a stream's own sampling rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from rtbci.errors import RecipeError
from rtbci.recipe import Band, RawSignal, Recipe

NOTCH_QUALITY = 30.0
"""Mains frequency over the notch's bandwidth at -3 dB."""

HIGH_PASS_ORDER, LOW_PASS_ORDER = 4, 8
"""Orders of the signal's filters: gentle where memory is long, steep where a lower rate folds."""


@dataclass(frozen=True)
class FilterDesign:
    """Coefficients of the filter bank.

    Every band's filter is ``filter_order`` resonators in a row. A Butterworth band-pass has as many
    zeros at 0 Hz as at the Nyquist frequency, so each resonator is given one of each::

        y[n] = x[n] - x[n-2] - a1 y[n-1] - a2 y[n-2]

    That is the same transfer function as SciPy's second-order sections at two thirds of the work,
    and an amplifier's offset dies in the first section instead of the last.

    Attributes
    ----------
    gain : array, shape (bands,)
        Gain of each band, applied before its first section.
    poles : array, shape (bands, sections, 2)
        a1 and a2 of each section.
    notch : array, shape (notches, 5)
        b0, b1, b2, a1, a2 of each notch.
    settling : int
        Samples until the slowest filter has forgotten all but a hundredth of its past.
    """

    gain: NDArray[np.float64]
    poles: NDArray[np.float64]
    notch: NDArray[np.float64]
    settling: int


@dataclass(frozen=True)
class SignalDesign:
    """Coefficients of the filter in front of the signal's points.

    Attributes
    ----------
    sections : array, shape (sections, 5)
        b0, b1, b2, a1, a2 of each second-order section, the high-pass's before the low-pass's, so
        that a drift dies in the first.
    settling : int
        Samples until it has forgotten all but a hundredth of its past.
    """

    sections: NDArray[np.float64]
    settling: int


def design_filters(recipe: Recipe, sfreq: float) -> FilterDesign:
    """Design the recipe's filters for a sampling rate in hertz.

    Raises
    ------
    RecipeError
        If a band reaches the Nyquist frequency.
    """
    for band in recipe.bands:
        if band.high >= sfreq / 2:
            raise RecipeError(
                f"band {band.name} ({band.low:g}-{band.high:g} Hz) reaches the Nyquist frequency "
                f"{sfreq / 2:g} Hz of a stream at {sfreq:g} Hz; use a faster stream or a lower band"
            )
    designs = [_resonators(band, recipe.filter_order, sfreq) for band in recipe.bands]
    poles = np.stack([sections for _, sections in designs])
    notch = _notches(recipe, sfreq)
    # a2 is the squared radius of a section's poles.
    slowest = max(poles[..., 1].max(), notch[:, 4].max(initial=0.0))
    return FilterDesign(
        gain=np.array([gain for gain, _ in designs]),
        poles=poles,
        notch=notch,
        settling=_settling(slowest),
    )


def design_signal(asked: RawSignal, sfreq: float) -> SignalDesign:
    """Design the signal's band-pass: a Butterworth high-pass, then a Butterworth low-pass.

    Raises
    ------
    RecipeError
        If the stream is slower than the network's rate, which the band stays below half of.
    """
    if sfreq < asked.sfreq:
        raise RecipeError(
            f"a stream of {sfreq:g} Hz is too slow for a network on the signal at {asked.sfreq:g} "
            "Hz; use a faster stream, or a network with a lower signal.sfreq"
        )
    sos = np.concatenate(
        [
            signal.butter(HIGH_PASS_ORDER, asked.low, "highpass", fs=sfreq, output="sos"),
            signal.butter(LOW_PASS_ORDER, asked.high, "lowpass", fs=sfreq, output="sos"),
        ]
    )
    sections = np.ascontiguousarray(sos[:, [0, 1, 2, 4, 5]])
    return SignalDesign(sections, _settling(sections[:, 4].max()))


def _settling(squared_radius: float) -> int:
    """Return after how many samples poles of that radius have decayed to a hundredth."""
    return int(np.ceil(np.log(0.01) / np.log(np.sqrt(squared_radius))))


def _resonators(band: Band, order: int, sfreq: float) -> tuple[float, NDArray[np.float64]]:
    _, poles, gain = signal.butter(
        order, (band.low, band.high), btype="bandpass", fs=sfreq, output="zpk"
    )
    pairs = _conjugate_pairs(poles)
    sections = np.array([(-(p + q).real, (p * q).real) for p, q in pairs])
    # The least resonant section first keeps the numbers in between small.
    return float(gain), sections[np.argsort(sections[:, 1], kind="stable")]


def _conjugate_pairs(poles: NDArray[np.complex128]) -> list[tuple[complex, complex]]:
    """Pair each complex pole with its conjugate, and real poles with each other."""
    tolerance = 1e-14
    pairs = [(p, p.conjugate()) for p in poles if p.imag > tolerance]
    real = sorted(p.real for p in poles if abs(p.imag) <= tolerance)
    pairs += [(complex(p), complex(q)) for p, q in zip(real[::2], real[1::2], strict=True)]
    return pairs


def _notches(recipe: Recipe, sfreq: float) -> NDArray[np.float64]:
    if recipe.notch_hz is None:
        return np.zeros((0, 5))
    edges = [band.high for band in recipe.bands] + ([recipe.signal.high] if recipe.signal else [])
    highest = min(max(edges) * 1.25, sfreq / 2 * 0.99)
    harmonics = np.arange(recipe.notch_hz, highest, recipe.notch_hz)
    rows = []
    for frequency in harmonics:
        b, a = signal.iirnotch(frequency, NOTCH_QUALITY * frequency / recipe.notch_hz, fs=sfreq)
        rows.append([*b, *a[1:]])
    return np.array(rows).reshape(-1, 5)
