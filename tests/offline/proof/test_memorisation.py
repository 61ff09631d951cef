from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from offline.proof.memorisation import memorisation
from offline.proof.sets import ExampleSet
from rtbci.errors import GeneratorError
from tests.offline.proof.examples import drawn, shuffled
from tests.offline.proof.test_maps import generated


def noisy(x: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """Copies with noise of a share of each number's own standard deviation."""
    return x + share * x.std(axis=0) * np.random.default_rng(seed).standard_normal(x.shape)


def test_copies_are_called_out_and_fresh_examples_are_not(people):
    train, held_out, fresh = people.maps
    for made in (fresh.x, generated(train).x):
        found = memorisation(made, train, held_out.x)
        assert not found.memorises
        assert found.copies < 0.04
        assert found.exact == 0
        assert found.median_ratio == pytest.approx(1, abs=0.35)
    for made in (train.x, noisy(train.x, 0.02), noisy(train.x, 0.1)):
        found = memorisation(made, train, held_out.x)
        assert found.memorises
        assert found.copies > 0.9
        assert found.nearer > 0.9
        assert found.median_ratio < 0.5
    assert memorisation(train.x, train, held_out.x).exact == 1


def test_one_copy_in_ten_is_called_out_with_its_share(people):
    train, held_out, _ = people.maps
    made = generated(train).x
    rows = np.arange(0, len(made), 10)
    made[rows] = noisy(train.x[rows], 0.02)
    found = memorisation(made, train, held_out.x)
    assert found.copies == pytest.approx(0.1, abs=0.03)
    assert found.memorises
    assert found.median_ratio == pytest.approx(1, abs=0.35)


def test_an_average_is_near_to_everything_and_no_copy(people):
    train, held_out, _ = people.maps
    means = np.stack([train.of(k).mean(axis=0) for k in np.unique(train.labels)])
    made = noisy(generated(train).x, 0) * 0.05 + 0.95 * means[np.sort(train.labels)]
    found = memorisation(made, train, held_out.x)
    assert found.median_ratio < 0.9
    assert found.copies < 0.05
    assert not found.memorises


def test_a_copy_is_found_where_a_trials_examples_are_alike():
    """Windows that overlap: a copy has many neighbours, all of one trial."""
    rng = np.random.default_rng(0)
    held = [np.repeat(rng.standard_normal((30, 8)), 5, axis=0) for _ in range(2)]
    train_x, held_out = (x + 0.05 * rng.standard_normal(x.shape) for x in held)
    train = ExampleSet(train_x, np.zeros(150, int), np.arange(150) // 5)
    found = memorisation(noisy(train_x, 0.05), train, held_out)
    assert found.copies > 0.9
    assert found.memorises


def test_numbers_are_those_of_all_distances():
    train, held_out = drawn(40, (2, 3), 0), drawn(30, (2, 3), 1).x
    train = ExampleSet(train.x * [1, 10, 100], train.labels, np.arange(80) // 4)
    held_out = held_out * [1, 10, 100]
    made = np.concatenate([held_out[::-1] * 0.9, train.x[:6].astype(np.float32)])
    mean, std = train.flat.mean(axis=0), train.flat.std(axis=0)

    def nearest(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distances = cdist((x.reshape(len(x), -1) - mean) / std, (train.flat - mean) / std)
        first = distances.argmin(axis=1)
        own = train.groups[first][:, None] == train.groups
        return distances.min(axis=1), np.where(own, np.inf, distances).min(axis=1)

    (one, second), (real, other) = nearest(made), nearest(held_out)
    found = memorisation(made, train, held_out, percentile=20)
    near, alone = np.percentile(real, 20), np.percentile(real / other, 20)
    assert found.median_ratio == pytest.approx(np.median(one) / np.median(real), rel=1e-4)
    assert found.nearer == np.mean(one < near)
    assert found.copies == np.mean((one < near) & (one / second < alone))
    assert found.exact == 6 / 66
    assert found.memorises
    order = np.random.default_rng(0).permutation(len(made))
    assert memorisation(made[order], shuffled(train), held_out[::-1], percentile=20) == found


def test_a_copy_of_the_signal_is_found(people):
    train, held_out, fresh = (
        ExampleSet(x.x - x.x.mean(axis=-1, keepdims=True), x.labels, x.groups)
        for x in people.signals
    )
    assert not memorisation(fresh.x, train, held_out.x).memorises
    found = memorisation(noisy(train.x, 0.02), train, held_out.x)
    assert found.memorises
    assert found.median_ratio < 0.1


def test_what_repeats_among_real_examples_is_no_copying():
    """Windows without any signal are equal wherever they come from."""
    train, held_out, fresh = (drawn(50, (2, 3), k) for k in (0, 1, 2))
    for each in (train, held_out, fresh):
        each.x[:5] = 0
    found = memorisation(fresh.x, train, held_out.x)
    assert found.exact == 0.05
    assert not found.memorises


def test_what_cannot_be_compared_is_refused_in_one_line():
    train, held_out, made = (drawn(20, (2, 3), k) for k in (0, 1, 2))
    with pytest.raises(GeneratorError, match="there are 9 generated examples"):
        memorisation(made.x[:9], train, held_out.x)
    with pytest.raises(GeneratorError, match="there are 0 held out examples"):
        memorisation(made.x, train, held_out.x[:0])
    with pytest.raises(GeneratorError, match="3 x 3 cannot be compared with ones of 2 x 3"):
        memorisation(drawn(20, (3, 3), 0).x, train, held_out.x)
    with pytest.raises(GeneratorError, match="all that was learned from is of one group"):
        memorisation(made.x, ExampleSet(train.x, train.labels, 0 * train.groups), held_out.x)
    bad = made.x.copy()
    bad[0, 0, 0] = np.nan
    with pytest.raises(GeneratorError, match="not finite"):
        memorisation(bad, train, held_out.x)
