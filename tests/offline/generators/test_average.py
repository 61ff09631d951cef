from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from offline.generators.average import Average, AverageSettings
from offline.generators.generator import Real
from tests.offline.generators.material import RECIPE, maps


def average(real: Real, **settings: int) -> Average:
    return Average(RECIPE, AverageSettings(**settings)).fit(real)


def test_the_mean_of_one_map_is_a_real_map_of_the_class():
    real = maps()
    made = average(real, maps=1).sample(200, 1)
    own = real.x[real.labels == 1].astype(np.float32)
    found = (made[:, None] == own).all(axis=(2, 3))
    assert (found.sum(axis=1) == 1).all()
    assert found.any(axis=0).all()  # each map is drawn sooner or later


def test_averages_keep_the_classs_mean_and_differ_less_the_more_maps_they_hold():
    real = maps(counts=(200, 200, 200))
    inside = real.x[real.labels == 2]
    for count in (2, 8):
        made = average(real, maps=count).sample(4000, 2)
        assert np.allclose(made.mean(axis=0), inside.mean(axis=0), atol=0.1)
        ratio = made.var(axis=0) / (inside.var(axis=0) / count)
        assert ratio.mean() == pytest.approx(1, rel=0.05)


def test_labels_that_are_changed_afterwards_change_nothing():
    real = maps()
    generator = Average(RECIPE, AverageSettings()).fit(real)
    before = generator.sample(20, 1)
    real.labels[:], real.trials[:] = 0, 0
    assert np.array_equal(generator.sample(20, 1), before)


def test_a_long_trial_counts_no_more_than_a_short_one():
    real = maps(counts=(40, 40, 40))
    trials = np.tile(np.repeat([0, 1], [36, 4]), 3) + 2 * real.labels
    x = np.zeros_like(real.x) + (trials % 2)[:, None, None]  # short trials are 1, long ones 0
    order = np.random.default_rng(0).permutation(len(real))  # trials need not lie in a row
    made = average(Real(x, real.labels, trials)[order], maps=1).sample(4000, 0)
    assert made.mean() == pytest.approx(0.5, abs=0.04)


def test_nothing_of_another_class_goes_in_even_where_trials_hold_several_classes():
    real = maps(counts=(20, 20, 20))
    x = np.zeros_like(real.x) + real.labels[:, None, None]
    shared = Real(x, real.labels, np.arange(60) % 4)
    for label in range(3):
        assert np.allclose(average(shared).sample(50, label), label)


def test_editing_brings_the_other_classes_to_the_wanted_one_and_keeps_what_sets_a_map_apart():
    real = maps(counts=(50, 50, 50))
    means = np.stack([real.x[real.labels == label].mean(axis=0) for label in range(3)])
    generator = average(real)
    others = real.labels != 1
    edited = generator.edit(real.x[others], 1)
    assert np.allclose(edited.mean(axis=0), means[1], atol=1e-5)
    shift = edited - real.x[others]
    assert np.allclose(shift, shift[:1], atol=1e-5)
    assert np.allclose(generator.edit(real.x, 0)[0] - real.x[0], means[0] - means[1:].mean(axis=0))


def test_a_mean_of_no_maps_is_none():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        AverageSettings(maps=0)
