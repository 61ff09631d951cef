from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from offline.generators.gaussian import Gaussian, GaussianSettings
from tests.offline.generators.material import RECIPE, maps


@given(counts=st.tuples(*[st.integers(6, 60)] * 3), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_many_maps_have_the_classs_mean_and_its_shrunk_covariance(counts, seed):
    real = maps(counts, seed=seed)
    # Trials of five maps may span two classes; six maps are always in two trials.
    generator = Gaussian(RECIPE, GaussianSettings()).fit(real)
    for label in range(3):
        flat = real.x[real.labels == label].reshape(counts[label], -1)
        shrunk = LedoitWolf().fit(flat)
        made = generator.sample(20000, label, seed).reshape(20000, -1).astype(np.float64)
        spread = np.sqrt(np.diagonal(shrunk.covariance_))
        # Five standard errors of a mean and, roughly, of a covariance.
        assert (np.abs(made.mean(axis=0) - shrunk.location_) < 5 * spread / np.sqrt(20000)).all()
        error = np.abs(np.cov(made.T) - shrunk.covariance_) / np.outer(spread, spread)
        assert error.max() < 5 * np.sqrt(2 / 20000)


def test_one_number_that_never_changes_stays_as_it_is():
    real = maps()
    real.x[:, 1, 2] = 7.0
    made = Gaussian(RECIPE, GaussianSettings()).fit(real).sample(50, 1)
    # Shrinking gives every number some variance; with 30 maps of 12 numbers that is not much.
    assert np.abs(made[:, 1, 2] - 7).max() < np.abs(made[:, 1, 1] - made[:, 1, 1].mean()).max()
