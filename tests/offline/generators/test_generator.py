from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.generators import Real, class_index
from offline.generators.average import Average, AverageSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from rtbci.errors import GeneratorError
from tests.offline.generators.material import KINDS, RECIPE, fitted, maps, real_for, signal

each_kind = pytest.mark.parametrize(
    ("kind", "settings"), KINDS, ids=[kind.kind for kind, _ in KINDS]
)
MAKES = {"maps": RECIPE.map_shape, "signal": (4, 100)}


@each_kind
def test_every_class_gets_as_many_examples_as_asked_for_on_the_scale_of_the_real_ones(
    kind, settings
):
    generator, real = fitted(kind, settings), real_for(kind)
    for label in range(3):
        made = generator.sample(40, label)
        assert made.shape == (40, *MAKES[kind.makes])
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        inside = real.x[real.labels == label]
        inside = inside - (inside.mean(axis=2, keepdims=True) if kind.makes == "signal" else 0)
        axes = (0, 2) if kind.makes == "signal" else 0
        level = inside.mean(axis=axes), inside.std(axis=axes)
        assert np.abs(made.mean(axis=axes) - level[0]).max() < 1.0 * level[1].max()
        assert made.std(axis=axes).mean() < 1.3 * level[1].mean()
    assert generator.sample(0, 1).shape == (0, *MAKES[kind.makes])


@each_kind
def test_the_same_seed_makes_the_same_and_another_seed_or_class_others(kind, settings):
    generator = fitted(kind, settings)
    made = generator.sample(8, 1, seed=3)
    assert np.array_equal(made, generator.sample(8, 1, seed=3))
    assert np.array_equal(made, fitted(kind, settings).sample(8, 1, seed=3))
    assert not np.array_equal(made, generator.sample(8, 1, seed=4))
    assert not np.array_equal(made, generator.sample(8, 2, seed=3))
    assert len(np.unique(made.reshape(8, -1), axis=0)) == 8


@each_kind
def test_what_it_learns_from_stays_as_it_was_and_may_change_afterwards(kind, settings):
    real = real_for(kind)
    before = real.x.copy()
    generator = kind(RECIPE, settings).fit(real)
    made = generator.sample(5, 0)
    assert np.array_equal(real.x, before)
    real.x[:] = 0
    assert np.array_equal(generator.sample(5, 0), made)


@each_kind
def test_a_class_of_one_trial_is_refused_by_its_name(kind, settings):
    real = real_for(kind)
    one = replace(real, trials=np.where(real.labels == 1, 77, real.trials))
    with pytest.raises(GeneratorError, match="class neutral has 1 trial to learn from; a gener"):
        kind(RECIPE, settings).fit(one)
    with pytest.raises(GeneratorError, match="class positive has 0 trials to learn from"):
        kind(RECIPE, settings).fit(real[real.labels < 2])


@each_kind
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(kind, settings, value):
    real = real_for(kind)
    real.x[3, 1, 2] = value
    with pytest.raises(GeneratorError, match="holds numbers that are not finite"):
        kind(RECIPE, settings).fit(real)


@each_kind
def test_another_montage_is_refused(kind, settings):
    real = real_for(kind)
    fewer = Real(real.x[:, :2, :3], real.labels, real.trials)
    told = "was given 2 x 3" if kind.makes == "maps" else "windows of 4 channels, and was given 2 x"
    with pytest.raises(GeneratorError, match=f"another montage than the generator's: .*{told}"):
        kind(RECIPE, settings).fit(fewer)


@each_kind
@pytest.mark.parametrize("label", [-1, 3])
def test_a_class_that_it_does_not_know_is_refused(kind, settings, label):
    generator = fitted(kind, settings)
    told = f"there is no class {label}; the generator knows negative, neutral, positive"
    with pytest.raises(GeneratorError, match=told):
        generator.sample(1, label)
    if kind.makes == "signal":
        with pytest.raises(GeneratorError, match=told):
            generator.stream().next(1, label)
    if kind.edits:
        with pytest.raises(GeneratorError, match=told):
            generator.edit(real_for(kind).x, label)


@each_kind
def test_who_cannot_edit_says_so_and_who_can_refuses_another_montage(kind, settings):
    generator, real = fitted(kind, settings), real_for(kind)
    if not kind.edits:
        with pytest.raises(GeneratorError, match=f"kind {kind.kind} cannot edit"):
            generator.edit(real.x, 0)
        return
    edited = generator.edit(real.x, 2, seed=1)
    assert edited.shape == real.x.shape
    assert edited.dtype == np.float32
    assert np.array_equal(edited, generator.edit(real.x, 2, seed=1))
    with pytest.raises(GeneratorError, match="another montage"):
        generator.edit(real.x[:, :1], 2)


@each_kind
def test_what_is_lacking_is_made_class_by_class(kind, settings):
    generator, real = fitted(kind, settings), real_for(kind)
    x, labels = generator.supplement(real, {2: 5, 0: 3, 1: 0}, seed=9)
    assert labels.tolist() == [2] * 5 + [0] * 3
    assert labels.dtype == np.int64
    assert x.dtype == np.float32
    assert np.array_equal(x[:5], generator.sample(5, 2, seed=9))
    assert np.array_equal(x[5:], generator.sample(3, 0, seed=9))
    nothing, none = generator.supplement(real, {0: 0})
    assert nothing.shape == (0, *real.x.shape[1:])
    assert none.shape == (0,)


def test_signals_are_no_maps():
    told = "another montage .*: it makes maps of 3 planes and 4 channels, and was given "
    with pytest.raises(GeneratorError, match=f"{told}4 x 100"):
        Gaussian(RECIPE, GaussianSettings()).fit(signal())
    real = maps()
    flat = Real(real.x.reshape(len(real), -1), real.labels, real.trials)
    with pytest.raises(GeneratorError, match=f"{told}12"):
        Average(RECIPE, AverageSettings()).fit(flat)


def test_examples_are_chosen_and_counted():
    real = maps((4, 0, 2))
    assert real.counts(3).tolist() == [4, 0, 2]
    assert len(real) == 6
    some = real[real.labels == 2]
    assert some.labels.tolist() == [2, 2]
    assert np.array_equal(some.x, real.x[4:])
    assert some.trials.tolist() == real.trials[4:].tolist()


def test_an_emotion_is_known_by_its_name():
    assert class_index(RECIPE.classes, "positive") == 2
    told = "no emotion 'angry'; the generator knows negative, neutral, positive"
    with pytest.raises(GeneratorError, match=told):
        class_index(RECIPE.classes, "angry")
