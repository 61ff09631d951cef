from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from offline.generators.generator import Real
from offline.generators.mixing import Mixup, MixupSettings
from tests.offline.generators.material import RECIPE, maps


def corners(count: int = 5) -> Real:
    """Each map of a class is 1 at a place of its own, of class 1 tenfold; else nought."""
    labels = np.repeat([0, 1, 2], count)
    x = np.zeros((len(labels), 12))
    x[np.arange(len(labels)), np.tile(np.arange(count), 3)] = np.repeat([1, 10, 100], count)
    return Real(x.reshape(-1, *RECIPE.map_shape), labels, np.arange(len(labels)))


@given(alpha=st.floats(0.05, 5), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_mixture_is_of_two_different_maps_of_the_class_with_shares_from_beta(alpha, seed):
    made = Mixup(RECIPE, MixupSettings(alpha=alpha)).fit(corners()).sample(2000, 1, seed)
    shares = made.reshape(2000, 12)[:, :5].astype(np.float64) / 10
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-6)  # all within the class's own five
    assert ((shares > 0).sum(axis=1) <= 2).all()
    assert np.abs(shares.mean(axis=0) - 0.2).max() < 0.06  # any map is as likely
    larger = np.sort(shares, axis=1)[:, -1]
    beta = scipy.stats.beta(alpha, alpha)
    for level in (0.6, 0.8, 0.95):
        expected = beta.cdf(level) - beta.cdf(1 - level)  # of either part, the distribution folds
        assert np.mean(larger < level) == pytest.approx(expected, abs=0.06)


def test_two_maps_of_a_class_are_enough():
    made = Mixup(RECIPE, MixupSettings(alpha=1.0)).fit(corners(2)).sample(50, 0)
    parts = made.reshape(50, 12)[:, :2]
    assert np.allclose(parts.sum(axis=1), 1)
    assert (parts > 0).all()


def test_no_mixture_lies_outside_of_what_it_is_made_of():
    real = maps()
    made = Mixup(RECIPE, MixupSettings()).fit(real).sample(300, 2)
    inside = real.x[real.labels == 2]
    assert (made <= inside.max(axis=0) + 1e-5).all()
    assert (made >= inside.min(axis=0) - 1e-5).all()


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_shares_need_a_distribution(alpha):
    with pytest.raises(ValidationError, match="greater than 0"):
        MixupSettings(alpha=alpha)
