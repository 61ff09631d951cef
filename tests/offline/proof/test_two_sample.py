from __future__ import annotations

import numpy as np
import pytest

from offline.proof.sets import ExampleSet
from offline.proof.two_sample import UndealtError, two_sample_test
from rtbci.errors import GeneratorError
from tests.offline.proof.examples import drawn, shuffled, torn, white, with_x


def test_two_draws_of_one_distribution_cannot_be_told_apart():
    found = [
        two_sample_test(drawn(60, (4,), k), drawn(60, (4,), k + 100), seed=k) for k in range(4)
    ]
    assert np.mean([each.accuracy for each in found]) == pytest.approx(0.5, abs=0.06)
    assert min(each.p for each in found) > 0.01
    assert found[0].examples == 120


@pytest.mark.parametrize("what", ["place", "spread", "company", "shape"])
def test_what_differs_is_found(what):
    """A mean, a variance, what goes together, a distribution with the same mean and variance."""
    real, other = drawn(150, (4,), 0), drawn(150, (4,), 1)
    x = other.x
    if what == "place":
        x = x + 1
    elif what == "spread":
        x = 2 * x
    elif what == "company":
        x = np.concatenate([x[:, :1] + 0.3 * x[:, 1:2], x[:, :1], x[:, 2:]], axis=1)
    else:
        x = np.sign(x) * (1 + 0.1 * x)
    found = two_sample_test(real, with_x(other, x))
    assert found.accuracy > 0.7
    assert found.p < 0.01


def in_trials(trials: int, seed: int) -> ExampleSet:
    """Trials that each lie elsewhere, so that a trial's examples are known by their neighbours."""
    rng = np.random.default_rng(seed)
    places = np.repeat(3 * rng.standard_normal((trials, 6)), 12, axis=0)
    x = places + 0.3 * rng.standard_normal(places.shape)
    groups = np.repeat(np.arange(trials), 12) + 1000 * seed
    return ExampleSet(x, np.tile([0, 1], 6 * trials), groups)


def test_nothing_is_recognised_by_its_neighbours_in_a_trial():
    found, leaky = [], []
    for k in range(3):
        real, other = in_trials(12, 2 * k), in_trials(12, 2 * k + 1)
        found.append(two_sample_test(real, other, seed=k))
        alone = [
            ExampleSet(x.x, x.labels, 1000 * i + np.arange(len(x)))
            for i, x in enumerate((real, other))
        ]
        leaky.append(two_sample_test(*alone, seed=k).accuracy)
    assert min(leaky) > 0.95
    assert np.mean([each.accuracy for each in found]) == pytest.approx(0.5, abs=0.12)
    assert min(each.p for each in found) > 0.02


def test_few_trials_prove_little_however_long_they_are():
    """Four trials a set, two of each held out in a fold: one exchange of six does as well."""
    real, other = in_trials(4, 0), in_trials(4, 1)
    other.x[:] += 30
    found = two_sample_test(real, other)
    assert found.accuracy == 1
    assert found.p == pytest.approx(2 / 6, abs=0.03)


def test_classes_of_other_shares_tell_nothing():
    """The other set has more of a class that is easily known; it is the same class, though."""
    real, other = drawn(100, (3,), 0), drawn(100, (3,), 1)
    for each in (real, other):
        each.x[each.labels == 1] += 5
    few = np.concatenate([np.arange(30), np.arange(100, 200)])
    found = two_sample_test(real, other[few])
    assert found.examples == 130
    assert found.accuracy == pytest.approx(0.5, abs=0.12)


def test_a_group_of_both_sets_is_held_out_in_both():
    """Of each person both sets have an example; told apart, one would be taken for the other."""
    people = 2 * np.random.default_rng(0).standard_normal((80, 6))
    sets = []
    for seed in (1, 2):
        x = people + 0.2 * np.random.default_rng(seed).standard_normal(people.shape)
        sets.append(ExampleSet(x, np.zeros(80, int), np.arange(80)))
    together = two_sample_test(*sets).accuracy
    apart = two_sample_test(sets[0], ExampleSet(sets[1].x, sets[1].labels, 100 + np.arange(80)))
    assert together == pytest.approx(0.5, abs=0.15)
    assert apart.accuracy < together - 0.1


def test_maps_of_the_same_people_are_harder_to_tell_than_noise_and_torn_ones(people):
    real, again, _ = people.maps
    persons = [ExampleSet(x.x, x.labels, x.groups // 1000) for x in (real, again)]
    assert two_sample_test(*persons, most=240).accuracy < 0.7
    for made in (white(again), torn(again)):
        found = two_sample_test(real, made, most=240)
        assert found.accuracy > 0.8
        assert found.p < 0.05


def test_the_order_of_examples_changes_nothing():
    real, other = drawn(60, (3,), 0), drawn(90, (3,), 1)
    assert two_sample_test(shuffled(real), shuffled(other), most=100) == two_sample_test(
        real, other, most=100
    )
    assert two_sample_test(real, other, most=100).examples == 100


def test_a_fold_that_would_lack_a_set_is_refused():
    real, other = drawn(60, (3,), 0), drawn(60, (3,), 1)
    trials = [np.repeat([0, 1, 2, 3], [30, 30, 30, 30]), np.repeat([9, 8, 7, 6], [57, 1, 1, 61])]
    sets = [ExampleSet(x.x, x.labels, g) for x, g in zip((real, other), trials, strict=True)]
    with pytest.raises(UndealtError, match="too few and unlike to be dealt"):
        two_sample_test(*sets)


def test_sets_that_cannot_be_dealt_are_refused_in_one_line():
    real, other = drawn(30, (3,), 0), drawn(30, (3,), 1)
    two = ExampleSet(other.x, other.labels, np.arange(60) % 2)
    with pytest.raises(
        GeneratorError, match="examples of 2 groups; telling sets apart needs 4 of each"
    ):
        two_sample_test(real, two)
    with pytest.raises(GeneratorError, match="9 compared examples"):
        two_sample_test(real, other[np.arange(39)])
