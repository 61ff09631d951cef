"""Covariances held against NumPy's of SciPy's band signals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbci.errors import RecipeError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import SEED_BANDS, Band
from rtbci.signal.path import SignalPath
from tests.rtbci.signal.streams import (
    FEW,
    assert_identical,
    filtered_by_scipy,
    make_recipe,
    noise,
    push_in_pieces,
)


def by_numpy(x: np.ndarray, path: SignalPath) -> np.ndarray:
    """Covariance of each window and band, (hops, bands, channels, channels)."""
    ends = range(path.window, len(x) + 1, path.hop)
    channels = x.shape[1]
    return np.stack(
        [
            np.stack(
                [
                    np.cov(y[end - path.window : end].T, ddof=0).reshape(channels, channels)
                    for end in ends
                ]
            )
            for y in filtered_by_scipy(x, path.recipe, path.sfreq)
        ],
        axis=1,
    )


def correlation_error(found: np.ndarray, reference: np.ndarray) -> float:
    """Largest difference, as a share of the two channels' standard deviations."""
    deviation = np.sqrt(np.diagonal(reference, axis1=-2, axis2=-1))
    scale = deviation[..., :, None] * deviation[..., None, :]
    return float((np.abs(found - reference) / scale).max())


def variance_of(de: np.ndarray) -> np.ndarray:
    return np.exp(2 * de) / (2 * np.pi * np.e)


streams = st.fixed_dictionaries(
    {
        "sfreq": st.sampled_from([125.0, 200.0, 256.0, 512.0, 1000.0])
        | st.floats(125, 1024).map(lambda rate: round(rate, 2)),
        # Below, at and above what is worked on at once.
        "channels": st.integers(1, 19),
        "window_s": st.sampled_from([0.1, 0.25, 0.5, 1.0]),
        # One sample, sharing a divisor with the window or none, its length, and longer than it.
        "hop_s": st.sampled_from([1e-5, 0.01, 0.03, 0.1, 0.25, 0.5, 0.7, 1.0]),
        "seed": st.integers(0, 2**31),
    }
)


@FEW
@given(stream=streams)
def test_covariances_equal_numpy_s_and_their_diagonal_the_variance_behind_de(stream):
    recipe = make_recipe(
        stream["channels"],
        window_s=stream["window_s"],
        hop_s=stream["hop_s"],
        bands=SEED_BANDS[1::2],
        covariance=True,
    )
    path = SignalPath(recipe, stream["sfreq"], recipe.channels)
    # A window at the start, one run of blocks after another, and some of the last.
    longest = max(stream["window_s"], min(stream["hop_s"], stream["window_s"] * 4))
    x = noise(stream["sfreq"], 3.4 * longest + 0.1, stream["channels"], stream["seed"])
    x = x[: path.window + 60 * path.hop] @ mixing(stream["channels"], stream["seed"])
    maps = path.push(x)
    reference = by_numpy(x, path)
    assert maps.covariances.shape == reference.shape
    assert correlation_error(maps.covariances, reference) < 1e-9
    diagonal = np.diagonal(maps.covariances, axis1=2, axis2=3)
    np.testing.assert_allclose(diagonal, variance_of(maps.values), rtol=1e-12)
    np.testing.assert_array_equal(maps.covariances, maps.covariances.swapaxes(2, 3))


def mixing(channels: int, seed: int) -> np.ndarray:
    """A matrix that makes channels depend on each other, as a head does."""
    rng = np.random.default_rng(seed)
    return np.eye(channels) + rng.normal(size=(channels, channels)) / 2


@pytest.mark.parametrize(("sfreq", "hop_s"), [(200, 0.1), (512, 0.1), (256, 0.7), (128, 1e-5)])
def test_covariances_stay_exact_for_minutes_and_however_samples_come(sfreq, hop_s):
    recipe = make_recipe(4, hop_s=hop_s, window_s=0.5, covariance=True)
    path = SignalPath(recipe, sfreq, recipe.channels)
    x = noise(sfreq, 120 if hop_s > 0.01 else 10, 4, 1)
    maps = path.push(x)
    assert correlation_error(maps.covariances, by_numpy(x, path)) < 1e-9
    path.reset()
    assert_identical(push_in_pieces(path, x, [1, 127, 500, 3]), maps)


def test_an_artefact_leaves_without_a_trace():
    recipe = make_recipe(3, covariance=True)
    path = SignalPath(recipe, 200, recipe.channels)
    x = noise(200, 40, 3, 0)
    clean = path.push(x)
    path.reset()
    x[400:460, 0] += 1e4
    hit = path.push(x)
    over = hit.last - path.window + 1 > 460 + 8 * path.settling
    assert over.any()
    assert correlation_error(hit.covariances[over], clean.covariances[over]) < 1e-9
    assert np.abs(hit.covariances - clean.covariances).max() > 1e3
    # Channels that were not hit have not moved by a bit.
    np.testing.assert_array_equal(hit.covariances[..., 1:, 1:], clean.covariances[..., 1:, 1:])


def test_a_window_far_shorter_than_a_wave_keeps_its_digits():
    bands = (Band(name="slow", low=0.5, high=1),)
    recipe = make_recipe(
        2, bands=bands, window_s=3 / 2048, hop_s=1 / 2048, filter_order=1, covariance=True
    )
    path = SignalPath(recipe, 2048, recipe.channels)
    x = noise(2048, 3, 2, 0)
    assert correlation_error(path.push(x).covariances, by_numpy(x, path)) < 1e-9


def test_covariances_of_all_62_channels_without_de():
    recipe = make_recipe(62, features=("psd",), covariance=True, reference="average")
    path = SignalPath(recipe, 200, recipe.channels)
    x = noise(200, 3, 62, 0)
    found = path.push(x).covariances
    assert found.shape == (21, 5, 62, 62)
    assert correlation_error(found, by_numpy(x, path)) < 1e-9
    # The channels add up to nothing, and so must the rows.
    assert np.abs(found.sum(axis=3)).max() < 1e-9 * np.abs(found).max()


def test_absurd_memory_is_refused_in_one_line_before_it_is_taken():
    recipe = make_recipe(62, window_s=60, hop_s=1e-5, covariance=True)
    with pytest.raises(
        RecipeError, match=r"62 channels .* 12000 samples .* take 1.8 GB.*longer ho"
    ):
        SignalPath(recipe, 200, SEED_CHANNELS)
    usual = make_recipe(62, window_s=60, covariance=True)
    SignalPath(usual, 2048, SEED_CHANNELS)  # 205 and 122880 samples have 5 for a divisor
