from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.proof.distances import between_gaussians, frechet_distance, kernel_distance
from rtbci.errors import GeneratorError
from tests.offline.proof.examples import torn, white

FEW = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 1000)


def vectors(n: int, features: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, features)) @ rng.standard_normal((features, features))


@FEW
@given(seed=seeds, features=st.integers(1, 8), n=st.integers(12, 40))
def test_the_frechet_distance_is_that_of_scipys_square_root(seed, features, n):
    one, two = vectors(n, features, seed), vectors(n + 3, features, seed + 1) + 0.5
    first, second = (np.atleast_2d(np.cov(x.T)) for x in (one, two))
    root = np.real(scipy.linalg.sqrtm(first @ second))
    expected = ((one.mean(0) - two.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root)
    assert frechet_distance(one, two) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert frechet_distance(two, one) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@FEW
@given(seed=seeds, features=st.integers(1, 30))
def test_between_known_gaussians_it_has_a_closed_form(seed, features):
    """Covariances that commute: the squared differences of the standard deviations add up."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((features, features)))[0]
    stds, means = rng.uniform(0, 3, (2, features)), rng.standard_normal((2, features))
    stds[:, 0] = 0  # a direction without variance
    first, second = (turn * std**2 @ turn.T for std in stds)
    expected = ((means[0] - means[1]) ** 2).sum() + ((stds[0] - stds[1]) ** 2).sum()
    found = between_gaussians(means[0], first, means[1], second)
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_fewer_examples_than_features_have_a_distance():
    one, two = vectors(8, 60, 0), vectors(8, 60, 1)
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-5 * one.var())
    assert frechet_distance(one, two) > 0


def naive(one: np.ndarray, two: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    within = [
        np.mean([kernel(x, y) for i, x in enumerate(each) for j, y in enumerate(each) if i != j])
        for each in (one, two)
    ]
    return sum(within) - 2 * np.mean([kernel(x, y) for x in one for y in two])


@FEW
@given(seed=seeds, features=st.integers(1, 6), n=st.integers(4, 12))
def test_the_kernel_distance_is_that_of_all_pairs_whatever_the_groups(seed, features, n):
    one, two = vectors(n, features, seed), vectors(n + 2, features, seed + 1) + 0.3
    expected = naive(one, two)
    assert kernel_distance(one, two).value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    found = kernel_distance(one, two, np.arange(n) // 2, np.arange(n + 2) % 3)
    assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_kernel_distance_is_unbiased_and_knows_its_error():
    rng = np.random.default_rng(0)
    found = [
        kernel_distance(rng.standard_normal((40, 4)), rng.standard_normal((50, 4)), bootstraps=2)
        for _ in range(300)
    ]
    draws = np.array([each.value for each in found])
    assert abs(draws.mean()) < 3 * draws.std() / np.sqrt(len(draws))
    assert (draws < 0).mean() > 0.3
    apart = [
        kernel_distance(rng.standard_normal((80, 4)), 1 + rng.standard_normal((80, 4)), seed=k)
        for k in range(60)
    ]
    spread = np.std([each.value for each in apart])
    assert np.mean([each.standard_error for each in apart]) == pytest.approx(spread, rel=0.3)


def test_the_error_is_that_of_groups_and_not_of_examples():
    """A trial's examples are the same ten times over: there is no more to be known from them."""
    rng = np.random.default_rng(0)
    trials = [rng.standard_normal((20, 5)) for _ in range(2)]
    one, two = (np.repeat(x, 10, axis=0) for x in trials)
    groups = np.repeat(np.arange(20), 10)
    blind = kernel_distance(one, two).standard_error
    assert kernel_distance(one, two, groups, groups).standard_error > 2 * blind


def test_neither_depends_on_the_order_of_examples():
    one, two = vectors(60, 5, 0), vectors(50, 5, 1)
    groups, rows = np.arange(60) // 6, np.random.default_rng(0).permutation(60)
    assert frechet_distance(one[rows], two) == pytest.approx(frechet_distance(one, two))
    for first, again in (((one, two), (one[rows], two)),
                         ((one, two, groups), (one[rows], two, groups[rows]))):  # fmt: skip
        found, other = kernel_distance(*first), kernel_distance(*again)
        assert other.value == pytest.approx(found.value)
        assert other.standard_error == pytest.approx(found.standard_error)


def test_the_same_people_are_nearer_than_noise_and_torn_maps(people):
    real, again, _ = people.maps
    scale = real.flat.mean(axis=0), real.flat.std(axis=0)
    one, same, noise, torn_maps = (
        (each.flat - scale[0]) / scale[1] for each in (real, again, white(again), torn(again))
    )
    for distance in (frechet_distance, lambda x, y: kernel_distance(x, y).value):
        assert distance(one, same) < 0.6 * distance(one, torn_maps)
        assert distance(one, same) < 0.6 * distance(one, noise)


def test_features_that_have_no_distance_are_refused_in_one_line():
    x = vectors(20, 3, 0)
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(GeneratorError, match="3 features cannot be compared with ones of 4"):
            distance(x, vectors(20, 4, 0))
        with pytest.raises(GeneratorError, match=r"shape \(1, 3\) have no distribution"):
            distance(x, x[:1])
        with pytest.raises(GeneratorError, match="not finite"):
            distance(np.where(x > 2, np.nan, x), x)
    with pytest.raises(GeneratorError, match="two groups"):
        kernel_distance(x, x, np.zeros(20, int))
