"""Training parts that are scarce, or have generated windows beside the real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.evaluation.augmenting import (
    Augmentation,
    Scarce,
    augmented,
    without_most,
)
from offline.evaluation.fitting import run_task
from offline.evaluation.outcome import Task
from offline.evaluation.store import FitStore
from offline.examples import MapExamples
from offline.features.extract import extract
from offline.generators import kept
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.recognisers import Inputs
from offline.splits import trials_at
from rtbci.errors import ConfigError, GeneratorError
from tests.offline.evaluation.people import LABELS, RECIPE, bench, person

SHAPE = RECIPE.map_shape
GENERATED = Augmentation(generator=GaussianSettings(), times=1.5)
REPEATED = Augmentation(times=1.5)


def real(
    counts: tuple[int, ...] = (40, 12), seed: int = 0
) -> tuple[Inputs, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    maps = rng.standard_normal((len(labels), *SHAPE)) + 5 * labels[:, None, None]
    trials = np.arange(len(labels)) % 4 + 4 * labels
    return Inputs(maps=maps), labels, trials


def as_segments(inputs: Inputs) -> Inputs:
    rows = np.arange(len(inputs.maps))[:, None]
    return Inputs(segments=MapExamples(inputs.maps.astype(np.float32), rows))


@pytest.mark.parametrize("augmentation", [GENERATED, REPEATED])
def test_every_class_gets_as_many_windows_whatever_makes_them(augmentation):
    inputs, labels, trials = real()
    found, told = augmented(inputs, labels, trials, "maps", RECIPE, augmentation, 0)
    assert np.bincount(told).tolist() == [60, 60]
    assert found.maps.shape == (120, *SHAPE)
    np.testing.assert_array_equal(found.maps[: len(labels)], inputs.maps)
    np.testing.assert_array_equal(told[: len(labels)], labels)


def test_what_is_repeated_is_real_and_of_its_class_and_evenly_so():
    inputs, labels, trials = real()
    found, told = augmented(inputs, labels, trials, "maps", RECIPE, REPEATED, 0)
    known = {row.tobytes(): k for k, row in zip(labels, inputs.maps, strict=True)}
    assert [known[row.tobytes()] for row in found.maps] == told.tolist()
    times = np.unique(found.maps[told == 1].reshape(60, -1), axis=0, return_counts=True)[1]
    assert set(times) == {5}


def test_what_is_generated_is_new_and_like_its_class():
    inputs, labels, trials = real()
    found, told = augmented(inputs, labels, trials, "maps", RECIPE, GENERATED, 0)
    made, whose = found.maps[len(labels) :], told[len(labels) :]
    means = made.mean(axis=(1, 2))
    assert ((means > 2.5) == (whose == 1)).all()
    known = {row.tobytes() for row in inputs.maps.astype(np.float32)}
    assert not known & {row.astype(np.float32).tobytes() for row in made}


@pytest.mark.parametrize("augmentation", [GENERATED, REPEATED])
def test_networks_get_the_same_windows_as_others(augmentation):
    inputs, labels, trials = real()
    alone = RECIPE.model_copy(update={"segments": 1})
    plain, told = augmented(inputs, labels, trials, "maps", alone, augmentation, 3)
    seen, same = augmented(as_segments(inputs), labels, trials, "segments", alone, augmentation, 3)
    np.testing.assert_array_equal(told, same)
    batch = seen.segments.batch(np.arange(len(told)))[:, 0]
    np.testing.assert_allclose(batch, plain.maps, atol=1e-4)


@pytest.mark.parametrize("augmentation", [GENERATED, REPEATED])
def test_what_networks_see_of_the_past_is_generated_with_it(augmentation):
    """Of one class maps rise from the older to the newer one, of the other they fall."""
    history = RECIPE.model_copy(update={"segments": 2})
    inputs, labels, trials = real((40, 12))
    direction = np.where(labels == 1, 1.0, -1.0)[:, None, None]
    maps = np.stack([inputs.maps - 9 * direction, inputs.maps + 9 * direction], axis=1)
    rows = np.arange(2 * len(labels)).reshape(-1, 2)
    seen = Inputs(segments=MapExamples(maps.reshape(-1, *SHAPE).astype(np.float32), rows))
    found, told = augmented(seen, labels, trials, "segments", history, augmentation, 0)
    assert np.bincount(told).tolist() == [60, 60]
    windows = found.segments.batch(np.arange(len(told)))
    assert windows.shape == (120, 2, *SHAPE)
    np.testing.assert_array_equal(windows[: len(labels)], maps.astype(np.float32))
    rises = windows[:, 1].mean(axis=(1, 2)) > windows[:, 0].mean(axis=(1, 2))
    np.testing.assert_array_equal(rises, told == 1)


def test_who_sees_maps_one_by_one_gets_single_ones_whatever_networks_see():
    inputs, labels, trials = real()
    history = RECIPE.model_copy(update={"segments": 2})
    plain, one = (
        augmented(inputs, labels, trials, "maps", each, GENERATED, 0)[0].maps
        for each in (RECIPE.model_copy(update={"segments": 1}), history)
    )
    np.testing.assert_array_equal(one, plain)


class _Half(Gaussian):
    """Finds but half of what it makes good, and nothing of the second class."""

    def _supplement(self, real, label, n, seed):
        return self.sample(0 if label else n // 2, label, seed)


def test_what_a_generator_fails_to_make_is_repeated_of_the_real(monkeypatch):
    monkeypatch.setattr(kept, "build_generator", _Half)
    inputs, labels, trials = real()
    found, told = augmented(inputs, labels, trials, "maps", RECIPE, GENERATED, 20)
    assert np.bincount(told).tolist() == [60, 60]
    known = {row.tobytes() for row in inputs.maps}
    made = np.array([row.tobytes() not in known for row in found.maps])
    assert np.bincount(told[made], minlength=2).tolist() == [10, 0]
    assert (np.sign(found.maps.mean(axis=(1, 2)) - 2.5) > 0).tolist() == (told == 1).tolist()


def test_where_nothing_is_lacking_nothing_is_learned(monkeypatch):
    monkeypatch.setattr(kept, "build_generator", None)
    inputs, labels, trials = real((40, 40))
    alone = Augmentation(generator=GaussianSettings(), times=1.0)
    found, told = augmented(inputs, labels, trials, "maps", RECIPE, alone, 21)
    np.testing.assert_array_equal(found.maps, inputs.maps)
    np.testing.assert_array_equal(told, labels)


def test_the_seed_fixes_what_is_generated():
    inputs, labels, trials = real()
    one, again, other = (
        augmented(inputs, labels, trials, "maps", RECIPE, GENERATED, seed)[0].maps
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


def test_what_generators_do_not_make_is_refused():
    inputs, labels, trials = real()
    with pytest.raises(ConfigError, match="compare recognisers of maps"):
        augmented(Inputs(), labels, trials, "signal", RECIPE, GENERATED, 0)
    with pytest.raises(GeneratorError, match=f"class {RECIPE.classes[1]} has 1 trial "):
        augmented(inputs, labels, np.minimum(trials, 4), "maps", RECIPE, GENERATED, 0)


@pytest.mark.parametrize("kept", [0.1, 0.5])
def test_of_a_scarce_class_a_share_is_kept_over_all_its_trials(kept):
    features = [extract(person(k), RECIPE) for k in (1, 2)]
    chosen = {r: np.flatnonzero(each.label >= 0) for r, each in enumerate(features)}
    name = RECIPE.classes[1]
    left = without_most(chosen, features, Scarce(label=name, kept=kept), RECIPE)
    for r, each in enumerate(features):
        assert set(left[r]) <= set(chosen[r])
        others = each.label[chosen[r]] == 0
        assert set(chosen[r][others]) <= set(left[r])
    share = sum((features[r].label[w] == 1).sum() for r, w in left.items()) / sum(
        (features[r].label[w] == 1).sum() for r, w in chosen.items()
    )
    assert share == pytest.approx(kept, abs=0.02)
    touched = {(r, t) for r, w in left.items() for t in features[r].trial[w]}
    assert len(touched) == 2 * len(LABELS)


def test_a_scarce_class_that_is_none_is_named():
    with pytest.raises(ConfigError, match="no class 'joy'; there are low, high"):
        without_most({}, [], Scarce(label="joy", kept=0.5), RECIPE)


def test_trials_of_different_recordings_are_different():
    features = [extract(person(k), RECIPE) for k in (1, 2)]
    chosen = {r: np.flatnonzero(each.label >= 0) for r, each in enumerate(features)}
    found = trials_at(chosen, features)
    assert len(np.unique(found)) == 2 * len(LABELS)
    cut = len(chosen[0])
    assert not set(found[:cut]) & set(found[cut:])


def test_an_evaluation_learns_from_what_is_generated_and_is_scored_on_the_real():
    made = bench()
    task = Task("logistic-regression", made.folds(0)[0].name, 0)
    plain = run_task(made, task)
    # Real windows in other numbers of repetitions change a regression little, generated ones more.
    generated = run_task(replace(made, augmentation=GENERATED), task)
    np.testing.assert_array_equal(generated.said.label, plain.said.label)
    assert generated.said.log_probabilities.shape == plain.said.log_probabilities.shape
    assert not np.allclose(generated.said.log_probabilities, plain.said.log_probabilities)


def test_the_trivial_recogniser_knows_the_real_shares():
    made = bench()
    task = Task("trivial", made.folds(0)[0].name, 0)
    for changed in (made, replace(made, augmentation=GENERATED)):
        said = run_task(changed, task).said.log_probabilities[0]
        np.testing.assert_allclose(said, run_task(made, task).said.log_probabilities[0])


def test_fits_with_and_without_are_kept_apart(tmp_path):
    made, task = bench(), Task("linear-svm", "any", 0)
    scarce = Scarce(label=RECIPE.classes[0], kept=0.5)
    paths = {
        FitStore(tmp_path, each)._path(task)
        for each in (
            made,
            replace(made, augmentation=REPEATED),
            replace(made, augmentation=GENERATED),
            replace(made, scarce=scarce),
        )
    }
    assert len(paths) == 4
