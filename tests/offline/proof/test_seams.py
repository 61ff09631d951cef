from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.proof.seams import seam_ratio

_CHANNELS, _SAMPLES, _WINDOWS = 6, 400, 60


def endless(samples: int, seed: int) -> np.ndarray:
    """A signal (channels, samples) with a spectrum that falls, as EEG's."""
    white = np.random.default_rng(seed).standard_normal((_CHANNELS, samples + 500))
    return 10 * scipy.signal.lfilter([1], [1, -0.95], white)[:, 500:]


def windows(seed: int) -> np.ndarray:
    return np.stack([endless(_SAMPLES, seed + k) for k in range(_WINDOWS)])


def test_an_endless_signal_has_no_seams():
    stretches = [endless(_SAMPLES * _WINDOWS // 4 + 77, seed) for seed in range(4)]
    assert seam_ratio(windows(100), stretches) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("begun", [0, 137])
def test_windows_in_a_row_have_seams_wherever_the_row_is_cut(begun):
    row = np.concatenate(list(windows(200)), axis=1)
    assert seam_ratio(windows(100), [row[:, begun:]]) > 1.2


@settings(deadline=None, max_examples=15)
@given(gain=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_neither_a_channels_gain_nor_an_offset_counts(gain, seed):
    rng = np.random.default_rng(seed)
    gains, offsets = gain * rng.uniform(0.5, 2, (2, _CHANNELS, 1))
    alone, stretch = windows(300)[:12], endless(_SAMPLES * 12, 300 + seed)
    found = seam_ratio(gains * alone + offsets, [gains * stretch + offsets])
    assert found == pytest.approx(seam_ratio(alone, [stretch]), rel=1e-6)


def test_a_click_in_every_piece_is_as_many_times_steeper():
    steps = np.ones((_WINDOWS, _CHANNELS, _SAMPLES - 1))
    steps[..., 10] = 2  # inside, twice the usual
    alone = np.cumsum(np.concatenate([np.zeros_like(steps[..., :1]), steps], axis=-1), axis=-1)
    clicks = np.tile(np.concatenate([[6], np.ones(_SAMPLES - 2)]), _WINDOWS)
    stretch = np.cumsum(np.concatenate([[0], clicks]))
    assert seam_ratio(alone, [np.tile(stretch, (_CHANNELS, 1))]) == pytest.approx(3)


def test_a_flat_channel_and_too_few_windows_break_nothing():
    alone, stretch = windows(400), endless(_SAMPLES * 20, 1)
    alone[:, 2], stretch[2] = 0, 0
    assert seam_ratio(alone, [stretch]) == pytest.approx(1, abs=0.1)
    assert math.isnan(seam_ratio(alone[:9], [stretch]))
    assert math.isnan(seam_ratio(alone, [stretch[:, : 9 * _SAMPLES]]))
