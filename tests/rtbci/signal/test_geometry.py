from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyriemann.geometry.distance import distance_riemann
from pyriemann.geometry.geodesic import geodesic_riemann
from pyriemann.geometry.mean import mean_riemann
from scipy.linalg import fractional_matrix_power

from rtbci.signal.geometry import (
    geometric_mean,
    power_of,
    recentred,
    regularised,
    roots_of,
    stepped,
)


def matrices(n: int, channels: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal((n, channels, 3 * channels)) * rng.uniform(0.5, 3, (n, 1, 1))
    return samples @ samples.swapaxes(1, 2) / (3 * channels)


seeds = st.integers(0, 10_000)
sizes = st.integers(1, 8)


@settings(deadline=None)
@given(seed=seeds, channels=sizes, exponent=st.sampled_from([-0.5, 0.5, 1.0, 0.1]))
def test_powers_are_those_of_scipy(seed, channels, exponent):
    (matrix,) = matrices(1, channels, seed)
    expected = fractional_matrix_power(matrix, exponent)
    assert power_of(matrix, exponent) == pytest.approx(np.real(expected), rel=1e-6, abs=1e-8)


@settings(deadline=None)
@given(seed=seeds, channels=sizes, share=st.floats(0, 1))
def test_a_step_goes_along_the_geodesic(seed, channels, share):
    start, end = matrices(2, channels, seed)
    found = stepped(*roots_of(start), end, share)
    assert found == pytest.approx(geodesic_riemann(start, end, share), rel=1e-6, abs=1e-8)


@settings(deadline=None)
@given(seed=seeds, channels=sizes)
def test_recentring_keeps_distances_and_makes_the_reference_the_identity(seed, channels):
    reference, first, second = matrices(3, channels, seed)
    root, whitening = roots_of(reference)
    assert root @ root == pytest.approx(reference, rel=1e-9)
    assert recentred(reference, whitening) == pytest.approx(np.eye(channels), abs=1e-7)
    moved = recentred(np.stack([first, second]), whitening)
    assert distance_riemann(*moved) == pytest.approx(distance_riemann(first, second), rel=1e-5)


def test_the_mean_is_taken_band_by_band():
    bands = np.stack([matrices(20, 4, 1), matrices(20, 4, 2)], axis=1)
    expected = np.stack([mean_riemann(bands[:, 0]), mean_riemann(bands[:, 1])])
    assert geometric_mean(bands) == pytest.approx(expected)


@pytest.mark.parametrize("shrinkage", [0.001, 0.3])
def test_what_is_regularised_has_full_rank_and_keeps_its_power(shrinkage):
    (matrix,) = matrices(1, 5, 3)
    matrix[:, 2] = matrix[2] = 0  # a channel without a signal
    before = matrix.copy()
    kept = regularised(matrix[None], shrinkage, floor=1e-6)[0]
    assert np.linalg.eigvalsh(kept).min() >= shrinkage * np.trace(matrix) / 5 * 0.999
    assert np.trace(kept) == pytest.approx(np.trace(matrix) + 5e-6)
    assert np.array_equal(matrix, before)
