from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyriemann.geometry.distance import distance_wasserstein
from sklearn.covariance import ledoit_wolf

from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.generator import Real
from offline.proof.maps import (
    effect_pattern,
    map_covariance_distance,
    map_differences,
    mean_difference,
    std_difference,
)
from offline.proof.sets import ExampleSet
from rtbci.errors import GeneratorError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import SEED_BANDS, Recipe
from tests.offline.proof.examples import drawn, shuffled, torn, white, with_x

FEW = settings(deadline=None, max_examples=20)
seeds = st.integers(0, 1000)


def generated(train: ExampleSet) -> ExampleSet:
    """What the Gaussian makes, as many of each class as it learned from."""
    _, planes, channels = train.x.shape
    counts = np.bincount(train.labels)
    recipe = Recipe(
        channels=SEED_CHANNELS[:channels],
        bands=SEED_BANDS[:planes],
        classes=tuple(f"class {k}" for k in range(len(counts))),
    )
    generator = Gaussian(recipe, GaussianSettings())
    generator.fit(Real(train.x, train.labels, train.groups))
    x = np.concatenate([generator.sample(n, label) for label, n in enumerate(counts)])
    return ExampleSet(x, np.repeat(np.arange(len(counts)), counts), 10**6 + np.arange(len(x)))


def test_the_same_people_and_a_gaussian_are_nearer_than_noise_and_torn_maps(people):
    real, again, _ = people.maps
    same, gaussian = map_differences(real, again), map_differences(real, generated(again))
    noise = map_differences(real, white(again))
    assert same.covariance < 0.6 * map_differences(real, torn(again)).covariance
    assert max(same.covariance, gaussian.covariance) < 0.6 * noise.covariance
    assert min(same.effect.correlation, gaussian.effect.correlation) > 0.6
    assert min(same.effect.gain, gaussian.effect.gain) > 0.5
    assert abs(noise.effect.correlation) < 0.4
    assert len(same.mean) == len(same.std) == 5


def test_shuffled_labels_destroy_the_pattern_and_spread_is_not_hidden_by_it(people):
    real, again, _ = people.maps
    labels = np.random.default_rng(0).permutation(again.labels)
    lost = effect_pattern(real, ExampleSet(again.x, labels, again.groups))
    assert abs(lost.gain) < 0.3 < effect_pattern(real, again).gain
    means = np.stack([again.of(k).mean(axis=0) for k in np.unique(again.labels)])[again.labels]
    same = map_differences(real, with_x(again, means))  # the mean map, again and again
    assert same.effect.correlation > 0.6
    assert same.covariance > 0.9
    assert same.std == pytest.approx(
        [np.mean([real.of(k)[:, p].std(axis=0, ddof=1) for k in np.unique(real.labels)])
         for p in range(5)], rel=1e-4,
    )  # fmt: skip


def test_a_set_has_no_distance_from_itself_in_any_order(people):
    real, other, _ = people.maps
    itself = map_differences(real, shuffled(real))
    assert itself.mean == pytest.approx([0] * 5, abs=1e-6)
    assert itself.std == pytest.approx([0] * 5, abs=1e-6)
    assert itself.covariance == pytest.approx(0, abs=1e-5)
    assert (itself.effect.correlation, itself.effect.gain) == pytest.approx((1, 1))
    assert map_covariance_distance(shuffled(real), shuffled(other)) == pytest.approx(
        map_covariance_distance(real, other), rel=1e-6
    )


@FEW
@given(seed=seeds, shift=st.floats(-3, 3), scale=st.floats(0.1, 4))
def test_what_a_plane_is_shifted_and_spread_by_is_found_there(seed, shift, scale):
    real = drawn(15, (3, 4), seed)
    x = real.x.copy()
    for label in (0, 1):  # one class up, the other down
        own = real.labels == label
        x[own, 1] += shift * (-1) ** label
    assert mean_difference(real, with_x(real, x)) == pytest.approx((0, abs(shift), 0), abs=1e-9)
    spreads = np.mean([real.of(k).std(axis=0, ddof=1) for k in (0, 1)], axis=(0, 2))
    x = real.x.copy()
    for label in (0, 1):
        own = real.labels == label
        x[own, 2] = x[own, 2].mean(axis=0) + scale * (x[own, 2] - x[own, 2].mean(axis=0))
    expected = (0, 0, abs(scale - 1) * spreads[2])
    assert std_difference(real, with_x(real, x)) == pytest.approx(expected, abs=1e-9)


@FEW
@given(seed=seeds, scale=st.floats(0, 3))
def test_the_covariance_distance_is_that_of_pyriemann(seed, scale):
    real = drawn(15, (2, 3), seed)
    mixing = np.random.default_rng(seed).standard_normal((6, 6))
    other = with_x(real, (drawn(15, (2, 3), seed + 1).flat @ mixing).reshape(-1, 2, 3))
    covariances = []
    for each in (real, other):
        parts = [each.flat[each.labels == k] for k in (0, 1)]
        within = np.concatenate([part - part.mean(axis=0) for part in parts])
        covariances.append(ledoit_wolf(within, assume_centered=True)[0])
    expected = distance_wasserstein(*covariances) / np.sqrt(np.trace(covariances[0]))
    assert map_covariance_distance(real, other) == pytest.approx(expected, rel=1e-5)
    # A spread of s times the real one lies |s - 1| of it away.
    scaled = map_covariance_distance(real, with_x(real, scale * real.x + 5))
    assert scaled == pytest.approx(abs(scale - 1), abs=1e-5)


@FEW
@given(seed=seeds, gain=st.floats(-2, 2))
def test_the_pattern_is_found_with_its_strength_whatever_the_level_and_the_class_shares(seed, gain):
    rng = np.random.default_rng(seed)
    effects = rng.standard_normal((3, 2, 4))
    effects -= effects.mean(axis=0)
    noise = drawn(200, (2, 4), seed, classes=3)
    for label in range(3):
        noise.x[noise.labels == label] -= noise.of(label).mean(axis=0)
    real = with_x(noise, noise.x + effects[noise.labels])
    level = rng.standard_normal((2, 4))
    other = with_x(noise, noise.x + level + gain * effects[noise.labels])
    found = effect_pattern(real, other)
    assert found.gain == pytest.approx(gain, abs=1e-6)
    if abs(gain) > 1e-3:
        assert found.correlation == pytest.approx(np.sign(gain), abs=1e-6)
    many = np.concatenate([np.arange(600), np.arange(200), np.arange(200)])
    again = effect_pattern(real, other[many])
    assert again.gain == pytest.approx(found.gain)
    if abs(gain) > 1e-3:
        assert again.correlation == pytest.approx(found.correlation)


def test_maps_that_cannot_be_measured_are_refused_in_one_line():
    real = drawn(20, (2, 3), seed=0)
    with pytest.raises(GeneratorError, match="one class have no pattern"):
        effect_pattern(real[np.arange(20)], real)
    with pytest.raises(GeneratorError, match=r"maps are compared as \(planes, channels\)"):
        map_differences(drawn(20, (6,), 0), drawn(20, (6,), 1))
    with pytest.raises(GeneratorError, match="class 1 has 0 compared examples"):
        mean_difference(real, real[np.arange(20)])
    still = with_x(real, np.ones_like(real.x))
    assert math.isnan(effect_pattern(still, real).gain)
    assert math.isnan(effect_pattern(real, still).correlation)
    assert effect_pattern(real, still).gain == 0
