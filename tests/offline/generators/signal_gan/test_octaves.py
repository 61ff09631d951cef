from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offline.generators.signal_gan.octaves import HALF, UP, Octaves, Spectra, doubling_filter
from rtbci.errors import GeneratorError

rates = st.sampled_from([64.0, 100.0, 128.0, 200.0, 256.0, 1000.0])


@given(rates, st.floats(1.0, 5.0))
def test_all_bands_together_pass_white_noise_from_the_lowest_up(sfreq, seconds):
    octaves = Octaves(sfreq, int(np.ceil(sfreq * seconds)))
    frequencies = np.linspace(octaves.centres[0], sfreq / 2, 300)
    assert np.allclose(np.square(octaves.gains(frequencies)).sum(axis=0), 1)
    assert np.all(octaves.gains(np.array([0.0])) == 0)
    assert octaves.centres[0] > 1 / seconds / 2
    assert sfreq / 4 < octaves.centres[-1] < sfreq / 2


@given(rates)
def test_every_band_belongs_to_one_level_which_is_fast_enough_for_it(sfreq):
    octaves = Octaves(sfreq, int(2 * sfreq))
    made = [k for level in range(octaves.levels) for k in range(100)[octaves.bands_of(level)]]
    assert sorted(made) == list(range(len(octaves.centres)))
    for level in range(1, octaves.levels):
        assert octaves.centres[octaves.bands_of(level)].max() < 0.25 * sfreq / 2**level


@pytest.mark.parametrize("level", range(6))
def test_a_filter_passes_its_band_and_nothing_at_rest(level):
    octaves = Octaves(200.0, 400)
    rate = 200.0 / 2**level
    frequencies = np.arange(0, 513) / 1024 * rate
    wanted = octaves.gains(frequencies)[octaves.bands_of(level)]
    filters = octaves.filters(level).double().numpy()
    found = np.abs(np.fft.rfft(filters, 1024))
    assert filters.shape[1] == 2 * HALF + 1
    assert np.abs(found - wanted).max() < 0.2  # the lowest bands' tops are smoothed
    far = (frequencies < octaves.centres[octaves.bands_of(level)].min() / 3) | (
        frequencies > 2 * octaves.centres[octaves.bands_of(level)].max()
    )
    assert found[:, far].max() < 0.03
    assert np.abs(filters.sum(axis=1)).max() < 1e-6


def test_a_doubled_rate_keeps_waves_and_makes_no_images():
    taps = doubling_filter().numpy()
    for frequency in (0.0, 0.1, 0.2, 0.3):  # of the lower rate; no level's bands reach further
        wave = np.cos(2 * np.pi * frequency * np.arange(-50, 50))
        between = np.convolve(wave, taps, "valid")
        times = np.arange(-50, 50)[UP // 2 - 1 :][: len(between)] + 0.5
        assert np.abs(between - np.cos(2 * np.pi * frequency * times)).max() < 0.02


def test_power_is_that_of_a_wave_and_ignores_offset_and_trend():
    octaves = Octaves(200.0, 400)
    spectra = Spectra(octaves)
    band = 10
    times = torch.arange(400) / 200
    wave = 3 * torch.sin(2 * torch.pi * float(octaves.centres[band]) * times)
    both = torch.stack([wave, wave + 50 + 20 * times])[None]
    power = spectra.log_power(spectra.transform(both)).exp()[0]
    assert power.sum(dim=0)[0].item() == pytest.approx(4.5, rel=0.02)
    assert power[:, 0].argmax() == band
    assert torch.allclose(power[band], power[band, 0], rtol=0.01)


def test_windows_too_short_for_a_slow_wave_are_refused():
    with pytest.raises(GeneratorError, match=r"windows of 0.5 s are too short.*take 1 s at least"):
        Octaves(200.0, 100)
