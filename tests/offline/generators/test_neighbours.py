from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from offline.generators.generator import Real
from offline.generators.neighbours import Adasyn, AdasynSettings, Smote, SmoteSettings
from tests.offline.generators.material import RECIPE, maps

both = pytest.mark.parametrize(
    ("kind", "chosen"), [(Smote, SmoteSettings), (Adasyn, AdasynSettings)], ids=["smote", "adasyn"]
)


def pairs(real: Real, label: int, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each map of a class beside each of its nearest, both flat, by plain distances."""
    flat = real.x.reshape(len(real), -1)
    own = (flat / flat.std(axis=0))[real.labels == label]
    distances = cdist(own, own)
    np.fill_diagonal(distances, -1)  # itself first, whatever lies at the same place
    nearest = np.argsort(distances, axis=1)[:, 1 : neighbours + 1]
    inside = flat[real.labels == label]
    return np.repeat(inside, nearest.shape[1], axis=0), inside[nearest.ravel()]


def distance_to_ways(made: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return how far each made map is from the nearest way between two real ones."""
    way = second - first
    offset = made.reshape(len(made), 1, -1) - first
    share = np.clip((offset * way).sum(-1) / (way**2).sum(-1), 0, 1)
    return np.linalg.norm(offset - share[..., None] * way, axis=-1).min(axis=1)


@both
@given(neighbours=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_every_map_lies_on_the_way_from_a_map_to_one_of_its_nearest(kind, chosen, neighbours, seed):
    real = maps(seed=seed)
    made = kind(RECIPE, chosen(neighbours=neighbours)).fit(real).sample(60, 1, seed)
    assert distance_to_ways(made, *pairs(real, 1, neighbours)).max() < 1e-4
    assert distance_to_ways(made, *pairs(real, 0, neighbours)).max() > 0.1


@both
@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_there_are_exactly_as_many_as_asked_for_of_the_smallest_and_of_the_largest(kind, chosen, n):
    generator = kind(RECIPE, chosen()).fit(maps(counts=(6, 90, 30)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing that a person should read about
        for label in range(3):
            assert generator.sample(n, label).shape == (n, *RECIPE.map_shape)


@both
def test_a_class_of_two_maps_has_one_way(kind, chosen):
    real = maps(counts=(2, 30, 30))
    real = Real(real.x, real.labels, np.arange(62))
    made = kind(RECIPE, chosen()).fit(real).sample(20, 0)
    two = real.x[:2].reshape(2, -1)
    assert distance_to_ways(made, two[:1], two[1:]).max() < 1e-4


def test_adasyn_makes_more_where_other_classes_are_near():
    real = maps(counts=(40, 40, 40), spread=100.0)
    x = real.x.copy()
    x[:10] += 100.0  # a quarter of class 0 lies amid class 1
    real = Real(x, real.labels, real.trials)
    beside = {
        kind.kind: np.mean(kind(RECIPE, chosen()).fit(real).sample(400, 0).mean(axis=(1, 2)) > 50)
        for kind, chosen in ((Smote, SmoteSettings), (Adasyn, AdasynSettings))
    }
    assert beside["smote"] == pytest.approx(0.25, abs=0.08)
    assert beside["adasyn"] > 0.95


def test_few_maps_of_adasyns_are_drawn_from_all_that_it_would_make():
    real = maps(counts=(40, 40, 40), spread=0.0)  # every map has neighbours of other classes
    halves = 100.0 * (np.arange(120) % 40 < 20)[:, None, None]
    generator = Adasyn(RECIPE, AdasynSettings())
    made = generator.fit(Real(real.x + halves, real.labels, real.trials)).sample(60, 0)
    assert np.mean(made.mean(axis=(1, 2)) > 50) == pytest.approx(0.5, abs=0.2)


def test_adasyn_of_a_class_that_lies_apart_is_smote_and_says_so(caplog):
    real = maps(spread=1000.0)
    smote, adasyn = Smote(RECIPE, SmoteSettings()), Adasyn(RECIPE, AdasynSettings())
    with caplog.at_level(logging.WARNING):
        made = adasyn.fit(real).sample(30, 2)
    assert [record.message for record in caplog.records] == [
        "adasyn: no map of class positive has a neighbour of another class; made as by smote"
    ]
    ways = pairs(real, 2, 5)
    assert distance_to_ways(made, *ways).max() < 1e-2
    assert distance_to_ways(smote.fit(real).sample(30, 2), *ways).max() < 1e-2


def test_what_is_near_does_not_hang_on_a_numbers_unit():
    real = maps()
    unit = np.ones(RECIPE.map_shape)
    unit[2] = 1024.0
    other = Real(real.x * unit, real.labels, real.trials)
    made = [Smote(RECIPE, SmoteSettings()).fit(each).sample(40, 1, 5) for each in (real, other)]
    assert np.allclose(made[0] * unit, made[1], rtol=1e-3, atol=1e-2)
