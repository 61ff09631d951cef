from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from replay.gains import REACH, Sight, Splines
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe
from rtbci.signal.path import SignalPath

SFREQ = 200.0


@given(st.integers(1, 60), st.integers(1, 300), st.integers(0, 99))
def test_a_curve_is_a_cubic_spline(spacing: int, n_samples: int, seed: int) -> None:
    splines = Splines(spacing)
    knots = splines.knots(n_samples)
    coefficients = np.random.default_rng(seed).normal(size=(2, knots)).astype(np.float32)
    curve = splines.curve(coefficients, n_samples)
    reference = BSpline(np.arange(-3, knots + 1), coefficients.T, 3)
    expected = reference(np.arange(n_samples) / spacing)
    np.testing.assert_allclose(curve, expected.T, atol=1e-5)
    assert np.abs(curve).max() <= np.abs(coefficients).max() + 1e-6
    np.testing.assert_allclose(splines.matrix(n_samples) @ coefficients[0], curve[0], atol=1e-5)


def test_coefficients_go_on_with_the_last() -> None:
    splines, some = Splines(10), np.array([[1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(splines.stretched(some, 20), [[1, 2, 2, 2, 2]])
    np.testing.assert_array_equal(splines.stretched(some[:, :0], 10), [[0, 0, 0, 0]])


@pytest.mark.parametrize("hop_s", [0.1, 1.0])
def test_windows_see_gains_as_it_is_foretold(hop_s: float) -> None:
    """White noise of many channels that gets louder: what the signal path measures on average."""
    recipe = Recipe(hop_s=hop_s)
    path = SignalPath(recipe, SFREQ, SEED_CHANNELS)
    sight, n = Sight.of(path), 2400
    rng = np.random.default_rng(0)
    knots = np.arange(sight.splines.knots(n))
    coefficients = 0.7 * np.sin(2 * np.pi * knots * sight.splines.spacing / 1200)
    coefficients = coefficients.astype(np.float32)
    noise = rng.normal(size=(5, n, len(SEED_CHANNELS)))
    louder = noise * np.exp(sight.splines.curve(coefficients, n))[:, None]
    change = []
    for plain, loud in zip(noise, louder, strict=True):
        before = SignalPath(recipe, SFREQ, SEED_CHANNELS).push(plain)
        after = SignalPath(recipe, SFREQ, SEED_CHANNELS).push(loud)
        change.append((after.values - before.values).mean(axis=2))
    late = before.last >= 2 * path.window + path.settling
    foretold = np.einsum("bhk,k->hb", sight.view(before.last, n), coefficients)
    assert np.abs(foretold[late]).max() > 0.4
    error = np.mean(change, axis=0)[late] - foretold[late]
    assert np.abs(error).mean() < 0.03


def test_a_correction_reaches_what_windows_see() -> None:
    sight = Sight.of(SignalPath(Recipe(), SFREQ, SEED_CHANNELS))
    n = 2000
    last = np.arange(199, n, 20)
    view = sight.view(last, n)
    aim = np.tanh(np.linspace(-4, 4, len(last)))
    for fixed in (0, REACH):
        correction = sight.correction(last, n, fixed)
        assert not correction[:, :fixed].any()
        for band in range(5):
            found = np.zeros(view.shape[2])
            for _ in range(40):
                found += 1.5 * correction[band] @ (aim - view[band] @ found)
            after = slice(1 if fixed == 0 else 20, None)  # those before hang on what is fixed
            assert np.abs(aim - view[band] @ found)[after].max() < 0.05
