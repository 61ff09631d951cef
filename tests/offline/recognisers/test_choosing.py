from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from offline.models.registry import NETWORKS
from offline.recognisers import (
    RECOGNISERS,
    Inputs,
    Kind,
    fit_chosen,
    log_probabilities,
    most_windows,
    thinned,
)
from offline.recognisers.tangent_space import TangentFeatures
from offline.scores import Scores
from rtbci.errors import ConfigError
from tests.offline.recognisers.picking import some_of

NAMES = tuple(RECOGNISERS)
LEARNING = tuple(name for name in NAMES if name != "trivial")
RANDOM = ("mlp", *NETWORKS)


def recalls(fitted, inputs, labels, n_classes=3):
    named = log_probabilities(fitted, inputs, n_classes).argmax(axis=1)
    return Scores.of(labels, named, [str(k) for k in range(n_classes)]).recalls


def only(inputs, labels, classes):
    kept = np.isin(labels, classes)
    return some_of(inputs, np.flatnonzero(kept)), labels[kept]


@pytest.fixture
def register(monkeypatch):
    def add(name, kind):
        monkeypatch.setitem(RECOGNISERS, name, kind)

    return add


@pytest.mark.parametrize("name", LEARNING)
def test_learns_what_can_be_told_apart(name, recipe, settings, part):
    train, validation, (new, labels) = part(450, 1), part(150, 2), part(600, 3)
    fitted = fit_chosen(name, *train, *validation, recipe, 0, settings)
    assert min(recalls(fitted, new, labels)) > 0.75
    assert fitted.validation == pytest.approx(np.mean(recalls(fitted, *validation)))
    assert any(each.items() <= fitted.chosen.items() for each in RECOGNISERS[name].grid)


def test_trivial_says_the_shares_of_the_training_part(recipe, settings, part):
    inputs, labels = part(200, 1, shares=(0.6, 0.3, 0.1))
    fitted = fit_chosen("trivial", inputs, labels, *part(60, 2), recipe, 0, settings)
    expected = np.bincount(labels) / 200
    assert np.exp(log_probabilities(fitted, inputs, 3)) == pytest.approx(
        np.tile(expected, (200, 1))
    )
    assert fitted.validation == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_probabilities_even_of_what_lies_far_out(name, recipe, settings, part):
    fitted = fit_chosen(name, *part(150, 1), *part(60, 2), recipe, 0, settings)
    near, _ = part(50, 3)
    far = Inputs(
        1e3 * near.maps,
        1e6 * near.covariances,
        replace(near.segments, maps=1e3 * near.segments.maps),
        replace(near.signal, points=1e3 * near.signal.points),
    )
    for inputs in (near, far):
        said = log_probabilities(fitted, inputs, 3)
        assert said.shape == (50, 3)
        assert np.exp(said).sum(axis=1) == pytest.approx(1, abs=1e-12)
        assert (said > np.log(0.9e-12)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_training_lacks_keeps_its_place(name, recipe, settings, part):
    train = only(*part(450, 1), (0, 2))
    validation, (new, labels) = part(150, 2), part(300, 3)
    fitted = fit_chosen(name, *train, *validation, recipe, 0, settings)
    said = np.exp(log_probabilities(fitted, new, 3))
    assert said[:, 1] == pytest.approx(1e-12, rel=1e-3)
    assert said.sum(axis=1) == pytest.approx(1, abs=1e-12)
    if name != "trivial":
        first, lacking, last = recalls(fitted, new, labels)
        assert min(first, last) > 0.75
        assert lacking == 0
        # What cannot be recognised counts as missed, for every candidate alike.
        assert fitted.validation == pytest.approx(np.mean(recalls(fitted, *validation)))


@pytest.mark.parametrize("name", LEARNING)
def test_the_rare_class_is_found_as_well_as_the_frequent_one(name, recipe, settings, part):
    shares, two = (0.88, 0.12), recipe.model_copy(update={"classes": ("rest", "task")})
    parts = (part(n, seed, shares, distance=1.0) for n, seed in ((800, 1), (800, 2), (2000, 3)))
    train, validation, (new, labels) = parts
    fitted = fit_chosen(name, *train, *validation, two, 0, settings)
    frequent, rare = recalls(fitted, new, labels, n_classes=2)
    assert abs(frequent - rare) < 0.25
    assert rare > 0.6


def test_validation_decides_and_not_the_training_score(recipe, settings, part, register):
    def build(recipe, seed, settings, *, n_neighbors):
        return KNeighborsClassifier(n_neighbors)  # an estimator that is not ours

    many, one = {"n_neighbors": 51}, {"n_neighbors": 1}
    (train, labels), (held_out, checked) = part(300, 1), part(300, 2)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(300) < 0.4, rng.integers(0, 3, 300), labels)
    for grid in ((many, one), (one, many)):
        register("own", Kind("own", "maps", build, grid))
        honest = fit_chosen("own", train, noisy, held_out, checked, recipe, 0, settings)
        assert honest.chosen == many  # one neighbour has learned all training windows by heart
        by_heart = fit_chosen("own", train, noisy, train, noisy, recipe, 0, settings)
        assert by_heart.chosen == one
        assert by_heart.validation == 1


def test_of_equals_the_first_is_taken(recipe, settings, part):
    easy = (part(300, 1, distance=30), part(90, 2, distance=30))
    fitted = fit_chosen("logistic-regression", *easy[0], *easy[1], recipe, 0, settings)
    assert fitted.validation == 1
    assert fitted.chosen == RECOGNISERS["logistic-regression"].grid[0]


def test_what_was_chosen_is_not_fitted_again(recipe, settings, part):
    (train, labels), validation = part(300, 1), part(150, 2)
    fitted = fit_chosen("logistic-regression", train, labels, *validation, recipe, 0, settings)
    alone = LogisticRegression(
        C=fitted.chosen["C"], class_weight="balanced", tol=1e-5, max_iter=1000
    ).fit(train.seen_by("maps"), labels)
    assert np.allclose(fitted.estimator.coef_, alone.coef_, rtol=1e-10)


def test_the_tangent_space_is_the_training_parts_alone(recipe, settings, part):
    (train, labels), (held_out, checked), (new, _) = part(90, 1), part(60, 2), part(20, 3)
    other = Inputs(covariances=50 * held_out.covariances)  # far off, of the same classes
    vectors = TangentFeatures().fit(train.covariances, labels)
    scaler = StandardScaler().fit(vectors.transform(train.covariances))
    expected = scaler.transform(vectors.transform(new.covariances))
    fitted = fit_chosen("tangent-space", train, labels, other, checked, recipe, 0, settings)
    said = fitted.estimator[:-1].transform(new.covariances)
    assert said == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", [name for name in LEARNING if name not in RANDOM])
def test_the_order_of_training_windows_does_not_matter(name, recipe, settings, part):
    (train, labels), validation, (new, _) = part(300, 1), part(90, 2), part(100, 3)
    order = np.random.default_rng(0).permutation(300)
    shuffled = some_of(train, order)
    said = [
        log_probabilities(fit_chosen(name, inputs, each, *validation, recipe, 0, settings), new, 3)
        for inputs, each in ((train, labels), (shuffled, labels[order]))
    ]
    assert said[1] == pytest.approx(said[0], abs=5e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_fixes_every_number(name, recipe, settings, part):
    train, validation, (new, _) = part(90, 1), part(30, 2), part(40, 3)
    said = []
    for seed in (4, 4, 5):
        np.random.seed(len(said))  # the process's own numbers play no part
        fitted = fit_chosen(name, *train, *validation, recipe, seed, settings)
        said.append(log_probabilities(fitted, new, 3))
    assert np.array_equal(said[0], said[1])
    assert np.array_equal(said[0], said[2]) == (name not in RANDOM)


@pytest.mark.parametrize("name", NAMES)
def test_a_window_is_judged_by_itself(name, recipe, settings, part):
    fitted = fit_chosen(name, *part(150, 1), *part(60, 2), recipe, 0, settings)
    new, _ = part(40, 3)
    together = log_probabilities(fitted, new, 3)
    some = some_of(new, np.arange(7, 9))
    tolerance = 1e-4 if name in NETWORKS else 1e-9  # the network computes in single precision
    assert log_probabilities(fitted, some, 3) == pytest.approx(together[7:9], abs=tolerance)


def test_too_many_windows_are_thinned_and_the_network_takes_all(recipe, settings, part):
    tight = settings.model_copy(update={"max_train_windows": 60})
    (train, labels), (held_out, checked), (new, _) = part(300, 1), part(90, 2), part(40, 3)
    rows, some = thinned(labels, 60), thinned(checked, 60)
    before = fit_chosen(
        "k-nn", Inputs(train.maps[rows]), labels[rows],
        Inputs(held_out.maps[some]), checked[some], recipe, 0, tight,
    )  # fmt: skip
    fitted = fit_chosen("k-nn", train, labels, held_out, checked, recipe, 0, tight)
    untouched = fit_chosen("k-nn", train, labels, held_out, checked, recipe, 0, settings)
    said, expected, other = (log_probabilities(f, new, 3) for f in (fitted, before, untouched))
    assert np.array_equal(said, expected)
    assert fitted.validation == before.validation
    assert not np.array_equal(said, other)
    assert most_windows("k-nn", tight) == most_windows("rbf-svm", tight) == 60
    assert most_windows("rbf-svm", settings) == most_windows("tangent-space", settings) == 5000
    assert most_windows("cnn", tight) is None


def test_parts_that_cannot_be_learned_from_are_refused_in_one_line(recipe, settings, part):
    train, validation = part(90, 1), part(30, 2)
    with pytest.raises(ConfigError, match="windows of neutral only; .* two classes"):
        fit_chosen("k-nn", *only(*train, (1,)), *validation, recipe, 0, settings)
    with pytest.raises(ConfigError, match="no window of .* classes negative, positive"):
        fit_chosen("k-nn", *only(*train, (0, 2)), *only(*validation, (1,)), recipe, 0, settings)
    with pytest.raises(ConfigError, match="no recogniser 'knn'"):
        fit_chosen("knn", *train, *validation, recipe, 0, settings)


def test_covariances_are_asked_for_where_they_are_needed(recipe, settings, part):
    train, validation = part(90, 1), part(30, 2)
    maps_only = replace(train[0], covariances=None)
    with pytest.raises(ValueError, match="covariances"):
        fit_chosen("tangent-space", maps_only, train[1], *validation, recipe, 0, settings)
    fit_chosen("logistic-regression", maps_only, train[1], *validation, recipe, 0, settings)
