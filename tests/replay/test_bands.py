from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from replay.bands import BandSplit, impulse_responses
from rtbci.recipe import Band, Recipe

SFREQ = 128.0
RECIPE = Recipe()


def test_impulse_responses_are_those_of_butterworth_filters() -> None:
    for order in (2, 3):
        recipe = RECIPE.model_copy(update={"filter_order": order})
        for band, found in zip(recipe.bands, impulse_responses(recipe, SFREQ), strict=True):
            sos = signal.butter(order, (band.low, band.high), "bandpass", fs=SFREQ, output="sos")
            expected = signal.sosfilt(sos, np.eye(1, len(found))[0])
            np.testing.assert_allclose(found, expected, atol=1e-12)
            assert np.abs(found[-10:]).max() < 1e-4 * np.abs(found).max()


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 700), st.integers(0, 99))
def test_bands_are_convolutions_with_the_taps(n_samples: int, seed: int) -> None:
    split = BandSplit.of(RECIPE, SFREQ)
    x = np.random.default_rng(seed).normal(size=(2, n_samples + 2 * split.half))
    bands = split.split(x.astype(np.float32))
    assert bands.shape == (5, 2, n_samples)
    for band, taps in zip(bands, split.taps, strict=True):
        expected = [np.convolve(row, taps.astype(float), "valid") for row in x]
        np.testing.assert_allclose(band, expected, atol=1e-5)


def test_nothing_is_delayed_and_no_offset_passes() -> None:
    for recipe in (RECIPE, Recipe(bands=(Band(name="a", low=3, high=9),), filter_order=2)):
        taps = BandSplit.of(recipe, SFREQ).taps
        np.testing.assert_allclose(taps, taps[:, ::-1], atol=1e-7)
        assert np.abs(taps.sum(axis=1, dtype=float)).max() < 1e-6


@pytest.mark.parametrize("frequency", [2.0, 6.0, 10.5, 22.0, 40.0])
def test_each_band_takes_what_lies_in_it_and_leaves_the_rest(frequency: float) -> None:
    split = BandSplit.of(RECIPE, SFREQ)
    t = np.arange(1000 + 2 * split.half) / SFREQ
    x = np.sin(2 * np.pi * frequency * t)[None].astype(np.float32)
    bands = split.split(x)[:, 0]
    inside = [band.low < frequency < band.high for band in RECIPE.bands]
    np.testing.assert_allclose(bands[inside][0], x[0, split.half : -split.half], atol=0.03)
    assert np.abs(bands[~np.array(inside)]).max() < 0.03


def test_bands_that_touch_or_overlap_share_what_both_see() -> None:
    bands = (Band(name="a", low=4, high=12), Band(name="b", low=8, high=16))
    split = BandSplit.of(Recipe(bands=bands), SFREQ)
    for recipe_bands in (bands, RECIPE.bands):
        split = BandSplit.of(Recipe(bands=recipe_bands), SFREQ)
        shares = np.abs(np.fft.rfft(split.taps, 4096)).sum(axis=0)
        frequencies = np.fft.rfftfreq(4096, 1 / SFREQ)
        within = (frequencies > recipe_bands[0].low * 1.1) & (frequencies < recipe_bands[-1].high)
        # Neither twice nor not at all.
        np.testing.assert_allclose(shares[within], 1, atol=0.03)
