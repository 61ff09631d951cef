from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyriemann.geometry.mean import mean_riemann
from scipy.linalg import fractional_matrix_power, logm

from offline.recognisers.tangent_space import TangentFeatures
from rtbci.signal.geometry import regularised


def wishart(n, bands, channels, seed, samples=40):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, bands, channels, samples))
    X *= 1 + rng.random((n, bands, channels, 1))
    return 100 * np.einsum("nbcs,nbds->nbcd", X, X) / samples


LABELS = np.arange(30) % 2


def test_is_the_logarithm_at_the_riemannian_mean():
    covariances = wishart(30, 2, 3, seed=0)
    features = TangentFeatures().fit(covariances, LABELS)
    said = features.transform(covariances)
    assert said.shape == (30, 2 * 6)
    rows, columns = np.triu_indices(3)
    for band in range(2):
        whitening = fractional_matrix_power(mean_riemann(covariances[:, band]), -0.5)
        for k in (0, 7, 29):
            mapped = logm(whitening @ covariances[k, band] @ whitening)
            expected = mapped[rows, columns] * np.where(rows == columns, 1, np.sqrt(2))
            assert said[k].reshape(2, 6)[band] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_lengths_and_angles_survive_a_mixing_of_the_channels(seed):
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(rng.standard_normal((4, 4)))[0] * rng.uniform(0.3, 3, 4)
    covariances = wishart(30, 1, 4, seed)
    mixed = mixing @ covariances @ mixing.T
    grams = []
    for each in (covariances, mixed):
        vectors = TangentFeatures().fit(each, LABELS).transform(each)
        grams.append(vectors @ vectors.T)
    assert grams[1] == pytest.approx(grams[0], abs=1e-5)


@pytest.mark.parametrize("shrinkage", [0.001, 0.1])
def test_covariances_without_full_rank_stay_finite(shrinkage):
    channels = 19
    centring = np.eye(channels) - 1 / channels  # as an average reference does
    referenced = centring @ wishart(30, 2, channels, seed=1, samples=6) @ centring
    referenced[3, 1] = 0  # a flat band
    kept = regularised(referenced, shrinkage, floor=1e-6)
    vectors = TangentFeatures().fit(kept, LABELS).transform(kept)
    assert np.isfinite(vectors).all()
    assert np.abs(vectors).max() < 50


def test_the_mean_is_of_evenly_thinned_windows():
    covariances = wishart(30, 1, 3, seed=2)
    few = TangentFeatures(mean_windows=10).fit(covariances, LABELS)
    rows = [2, 3, 8, 9, 14, 15, 20, 21, 26, 27]
    direct = TangentFeatures().fit(covariances[rows], LABELS[rows])
    assert np.allclose(few.transform(covariances), direct.transform(covariances), atol=1e-12)


def test_a_window_is_mapped_by_itself():
    covariances = wishart(1500, 1, 3, seed=3)
    features = TangentFeatures().fit(covariances[:30], LABELS)
    together = features.transform(covariances)
    assert np.array_equal(features.transform(covariances[1200:1203]), together[1200:1203])


def test_what_it_is_given_stays_as_it_was():
    covariances = wishart(30, 1, 3, seed=4)
    before = covariances.copy()
    TangentFeatures().fit(covariances, LABELS).transform(covariances)
    assert np.array_equal(covariances, before)
