"""Streams for the tests of the signal path, and what SciPy makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, settings
from scipy import signal

from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe
from rtbci.signal.path import Maps, SignalPath

FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def make_recipe(n_channels: int = 2, **changes: object) -> Recipe:
    return Recipe(channels=SEED_CHANNELS[:n_channels], **changes)  # type: ignore[arg-type]


def noise(sfreq: float, seconds: float, channels: int, seed: int) -> np.ndarray:
    """Brown-ish noise of tens of microvolts: more power at low frequencies, as EEG has."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(round(sfreq * seconds), channels))
    return 10 * white + signal.lfilter([1], [1, -0.99], white, axis=0)


def push_in_pieces(path: SignalPath, x: np.ndarray, cuts: Sequence[int]) -> Maps:
    """Push samples cut into chunks whose sizes go round ``cuts``; return all maps as one."""
    pieces, at, turn = [], 0, 0
    while at < len(x):
        size = cuts[turn % len(cuts)]
        pieces.append(path.push(x[at : at + size]))
        at, turn = at + size, turn + 1
    columns = {
        field.name: [getattr(piece, field.name) for piece in pieces]
        for field in dataclasses.fields(Maps)
    }
    return Maps(
        **{name: None if c[0] is None else np.concatenate(c) for name, c in columns.items()}
    )


def assert_identical(found: Maps, expected: Maps) -> None:
    """Hold maps against others, bit for bit."""
    for field in dataclasses.fields(Maps):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def wired_by_scipy(x: np.ndarray, recipe: Recipe, sfreq: float) -> np.ndarray:
    """Notch filters and reference, (samples, channels)."""
    step = recipe.notch_hz or np.inf
    for frequency in [k * step for k in (1, 2, 3) if k * step < 1.25 * recipe.bands[-1].high]:
        b, a = signal.iirnotch(frequency, 30 * frequency / recipe.notch_hz, fs=sfreq)
        x = signal.lfilter(b, a, x - x[0], axis=0)
    if recipe.reference == "average":
        x = x - x.mean(axis=1, keepdims=True)
    return x


def filtered_by_scipy(x: np.ndarray, recipe: Recipe, sfreq: float) -> list[np.ndarray]:
    """Each band's signal by SciPy's own sections, (samples, channels)."""
    x = wired_by_scipy(x, recipe, sfreq)
    bands = []
    for band in recipe.bands:
        sos = signal.butter(
            recipe.filter_order, (band.low, band.high), "bandpass", fs=sfreq, output="sos"
        )
        zi = signal.sosfilt_zi(sos)[:, :, None] * x[0]
        bands.append(signal.sosfilt(sos, x, axis=0, zi=zi)[0])
    return bands
