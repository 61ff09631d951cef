from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.generators.scaling import Scale


def examples(seed: int = 0, dtype: type = np.float64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((30, 3, 4)) * rng.uniform(0.1, 50, (3, 4)) + rng.normal(0, 99, (3, 4))
    return x.astype(dtype)


@given(
    seed=st.integers(0, 999),
    axis=st.sampled_from([0, (0, 2), (0, 1, 2)]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_standardised_examples_have_mean_0_and_deviation_1_and_come_back(seed, axis, dtype):
    x = examples(seed, dtype)
    scale = Scale.of(x, axis)
    scaled = scale.standardised(x)
    assert scaled.dtype == np.float32
    assert np.allclose(scaled.mean(axis=axis, dtype=np.float64), 0, atol=1e-3)
    assert np.allclose(scaled.std(axis=axis, dtype=np.float64), 1, atol=1e-3)
    back = scale.back(scaled)
    assert back.dtype == np.float32
    assert np.allclose(back, x, atol=1e-4 * np.abs(x).max())


@pytest.mark.parametrize(
    ("axis", "shape"), [(0, (3, 4)), ((0, 2), (3, 1)), ((0, 1), (1, 4)), ((0, 1, 2), (1, 1))]
)
def test_it_fits_one_example_whatever_it_was_measured_over(axis, shape):
    x = examples()
    scale = Scale.of(x, axis)
    assert scale.mean.shape == scale.std.shape == shape
    assert np.array_equal(scale.standardised(x[5]), scale.standardised(x)[5])


def test_an_example_that_was_not_measured_is_scaled_as_the_measured_were():
    scale = Scale.of(examples())
    shifted = scale.standardised(examples() + scale.std)
    assert np.allclose(shifted, scale.standardised(examples()) + 1, atol=1e-4)


def test_what_never_changes_becomes_nought_and_no_number_that_is_none():
    x = examples()
    x[:, 1] = -3.0
    scale = Scale.of(x)
    assert (scale.standardised(x)[:, 1] == 0).all()
    assert (scale.back(scale.standardised(x))[:, 1] == -3).all()


def test_large_numbers_in_single_precision_are_measured_without_loss():
    x = np.full((200_000, 1, 1), 1e4, np.float32)
    x[::2] += 2
    scale = Scale.of(x)
    assert scale.mean == pytest.approx(10001)
    assert scale.std == pytest.approx(1, rel=1e-5)


def test_it_survives_its_state():
    scale = Scale.of(examples())
    found = Scale.from_state(scale.state())
    assert np.array_equal(found.mean, scale.mean)
    assert np.array_equal(found.std, scale.std)
