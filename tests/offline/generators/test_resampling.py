from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_validate

from offline.generators.autoregressive import AutoregressiveSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.resampling import GeneratorSampler
from rtbci.errors import GeneratorError
from tests.offline.generators.material import RECIPE, maps

COUNTS = (20, 60, 35)


def sampler(**arguments: object) -> GeneratorSampler:
    return GeneratorSampler(RECIPE, GaussianSettings(), **arguments)


def test_every_class_is_brought_up_to_the_largest_and_the_real_maps_come_first():
    real = maps(COUNTS)
    x, y = sampler().fit_resample(real.x, real.labels)
    assert x.shape == (180, 3, 4)
    assert np.array_equal(x[: len(real)], real.x)
    assert np.array_equal(y[: len(real)], real.labels)
    assert np.bincount(y).tolist() == [60, 60, 60]
    assert x.dtype == real.x.dtype
    assert y.dtype == real.labels.dtype
    generator = Gaussian(RECIPE, GaussianSettings()).fit(real)
    assert np.array_equal(x[len(real) : len(real) + 40], generator.sample(40, 0))


def test_flat_maps_are_the_same_maps_and_names_the_same_classes():
    real = maps(COUNTS)
    whole, labels = sampler(seed=4).fit_resample(real.x, real.labels)
    flat, _ = sampler(seed=4).fit_resample(real.x.reshape(len(real), -1), real.labels)
    assert np.array_equal(flat, whole.reshape(len(whole), -1))
    names = np.array(RECIPE.classes)
    by_name, told = sampler(seed=4).fit_resample(real.x, names[real.labels])
    assert np.array_equal(by_name, whole)  # the alphabet has the classes in their order
    assert told.tolist() == names[labels].tolist()
    assert not np.array_equal(sampler(seed=5).fit_resample(real.x, real.labels)[0], whole)


def test_names_are_told_by_the_recipe_not_by_the_alphabet():
    recipe = RECIPE.model_copy(update={"classes": ("sad", "calm", "merry")})
    real = maps((30, 30, 40), spread=100.0)
    names = np.array(recipe.classes)[real.labels]
    x, y = GeneratorSampler(recipe, GaussianSettings()).fit_resample(real.x, names)
    for label, name in enumerate(recipe.classes):
        assert np.count_nonzero(y == name) == 40
        assert np.abs(x[y == name].mean() - 100 * label) < 10


@pytest.mark.parametrize(
    ("strategy", "counts"),
    [
        ("minority", [60, 60, 35]),
        ("not minority", [20, 60, 60]),
        ({2: 50, 0: 21}, [21, 60, 50]),
        (lambda y: {0: 2 * int(np.sum(y == 0))}, [40, 60, 35]),
    ],
    ids=["minority", "not-minority", "mapping", "callable"],
)
def test_which_classes_are_added_to_is_said_as_imbalanced_learn_has_it(strategy, counts):
    real = maps(COUNTS)
    _, y = sampler(sampling_strategy=strategy).fit_resample(real.x, real.labels)
    assert np.bincount(y).tolist() == counts


def test_a_mapping_names_classes_as_the_labels_do():
    real = maps(COUNTS)
    names = np.array(RECIPE.classes)[real.labels]
    _, y = sampler(sampling_strategy={"negative": 33}).fit_resample(real.x, names)
    assert np.count_nonzero(y == "negative") == 33


def test_its_parameters_are_its_own_and_a_clone_does_the_same():
    settings = GaussianSettings()
    original = GeneratorSampler(RECIPE, settings, sampling_strategy="minority", seed=7)
    assert original.get_params() == {
        "recipe": RECIPE, "settings": settings, "sampling_strategy": "minority", "seed": 7,
    }  # fmt: skip
    assert original.get_params()["settings"] is settings
    real = maps(COUNTS)
    made, _ = original.fit_resample(real.x, real.labels)
    copy = clone(original)
    assert not hasattr(copy, "generator_")
    assert np.array_equal(copy.fit_resample(real.x, real.labels)[0], made)
    assert copy.set_params(seed=8).seed == 8


def test_in_a_pipeline_it_adds_to_what_is_learned_from_and_to_nothing_else():
    real = maps((20, 120, 20), spread=3.0)
    flat, names = real.x.reshape(len(real), -1), np.array(RECIPE.classes)[real.labels]
    pipeline = make_pipeline(sampler(), LogisticRegression(max_iter=500))
    pipeline.fit(flat, names, generatorsampler__trials=real.trials)
    assert pipeline.predict(flat).shape == (len(real),)
    assert pipeline.score(flat, names) > 0.9
    found = cross_validate(
        pipeline, flat, names, groups=real.trials, cv=GroupKFold(4), scoring="balanced_accuracy"
    )
    assert found["test_score"].mean() > 0.8
    x, y = sampler().fit_resample(flat, names)
    expected = LogisticRegression(max_iter=500).fit(x, y)
    assert np.allclose(pipeline[-1].coef_, expected.coef_)


def test_trials_are_counted_where_they_are_told():
    real = maps(COUNTS)
    one = np.where(real.labels == 0, 99, real.trials)
    with pytest.raises(GeneratorError, match="class negative has 1 trial to learn from"):
        sampler().fit_resample(real.x, real.labels, trials=one)
    with pytest.raises(GeneratorError, match="115 maps, and trials of 3; each map lies in one"):
        sampler().fit_resample(real.x, real.labels, trials=[1, 2, 3])
    with pytest.raises(GeneratorError, match="115 maps, and trials of 1;"):
        sampler().fit_resample(real.x, real.labels, trials=7)


def test_trials_may_be_named_and_whole_numbers_do_not_round_what_is_made():
    real = maps((50, 25, 40))
    names = np.array([f"trial {k}" for k in real.trials])
    x, _ = sampler().fit_resample(real.x, real.labels, trials=names)
    assert np.array_equal(x, sampler().fit_resample(real.x, real.labels, trials=real.trials)[0])
    whole = np.round(10 * real.x).astype(int)
    made = sampler().fit_resample(whole, real.labels)[0][len(real) :]
    assert not np.array_equal(made, np.round(made))


@pytest.mark.parametrize(
    ("shape", "told"), [((4, 3), "4 x 3"), ((2, 4), "2 x 4"), ((11,), "11")], ids=str
)
def test_another_montage_is_refused(shape, told):
    labels = maps(COUNTS).labels
    with pytest.raises(GeneratorError, match=f"maps have 3 x 4 numbers, these {told}"):
        sampler().fit_resample(np.zeros((len(labels), *shape)), labels)


def test_a_generator_of_signals_is_refused():
    real = maps(COUNTS)
    with pytest.raises(GeneratorError, match="kind autoregressive makes the signal; what is added"):
        GeneratorSampler(RECIPE, AutoregressiveSettings()).fit_resample(real.x, real.labels)


def test_classes_that_the_recipe_does_not_have_are_refused():
    real = maps(COUNTS)
    with pytest.raises(GeneratorError, match="there is no class 3; the recipe has negative, neut"):
        sampler().fit_resample(real.x, real.labels + 1)
    names = np.array(["negative", "neutral", "angry"])[real.labels]
    with pytest.raises(GeneratorError, match="no emotion 'angry'"):
        sampler().fit_resample(real.x, names)


def test_imbalanced_learn_is_not_loaded_with_the_generators():
    asked = "import sys, offline.generators; print('imblearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
