"""Normalisation: what its equations say, and nothing from later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbci.errors import RecipeError
from rtbci.recipe import Normalisation, Recipe
from rtbci.signal.normalisation import Normaliser, Statistics

BANDS, CHANNELS = 5, 3
FEW = settings(max_examples=30, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)


def make_recipe(
    kind: str = "adaptive", time_constant_s: float = 10.0, hop_s: float = 0.1
) -> Recipe:
    return Recipe(
        channels=("FP1", "FP2", "CZ"),
        hop_s=hop_s,
        normalisation=Normalisation(kind=kind, time_constant_s=time_constant_s),
    )


def make_statistics(seed: int = 0) -> Statistics:
    rng = np.random.default_rng(seed)
    return Statistics(rng.normal(2, 1, (BANDS, CHANNELS)), rng.uniform(0.2, 2, (BANDS, CHANNELS)))


def make_maps(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(3, 1.5, (BANDS, CHANNELS)) + rng.normal(size=(count, BANDS, CHANNELS))


def by_the_book(
    values: np.ndarray, bad: np.ndarray, rate: float, mean: float, variance: float
) -> list[float]:
    """Standardise one band of one channel from the start anew for each value.

    The mean and variance of the training set and of all good values so far, each with the weight
    that is left of it by then; no recursion from one value to the next.
    """
    standardised = []
    for now in range(len(values)):
        good = [values[k] for k in range(now + 1) if not bad[k]]
        n = len(good)
        weights = np.array([(1 - rate) ** n] + [rate * (1 - rate) ** (n - 1 - k) for k in range(n)])
        centre = float(weights @ np.array([mean, *good]))
        # The training set counts with its spread, each later value as a point.
        spread = np.array([variance + (mean - centre) ** 2, *[(x - centre) ** 2 for x in good]])
        standardised.append((values[now] - centre) / np.sqrt(float(weights @ spread)))
    return standardised


@FEW
@given(
    seed=seeds,
    count=st.integers(1, 60),
    time_constant_s=st.floats(0.5, 200),
    hop_s=st.sampled_from([0.05, 0.1, 1.0]),
    share_bad=st.sampled_from([0, 0.3, 1]),
)
def test_adaptive_follows_the_exponentially_weighted_mean_and_variance(
    seed, count, time_constant_s, hop_s, share_bad
):
    statistics, maps = make_statistics(seed), make_maps(count, seed + 1)
    bad = np.random.default_rng(seed).random((count, CHANNELS)) < share_bad
    rate = 1 - np.exp(-hop_s / time_constant_s)
    found = Normaliser(make_recipe("adaptive", time_constant_s, hop_s), statistics).apply(maps, bad)
    for b in range(BANDS):
        for c in range(CHANNELS):
            mean, variance = statistics.mean[b, c], statistics.std[b, c] ** 2
            expected = by_the_book(maps[:, b, c], bad[:, c], rate, mean, variance)
            np.testing.assert_allclose(found[:, b, c], expected, rtol=1e-9, atol=1e-9)


@FEW
@given(seed=seeds, count=st.integers(1, 40))
def test_training_is_the_plain_z_score_for_ever(seed, count):
    statistics, maps = make_statistics(seed), make_maps(count, seed + 1)
    found = Normaliser(make_recipe("training"), statistics).apply(maps)
    np.testing.assert_allclose(found, (maps - statistics.mean) / statistics.std, rtol=1e-12)


@FEW
@given(
    seed=seeds,
    kind=st.sampled_from(["training", "adaptive"]),
    count=st.integers(2, 40),
    data=st.data(),
)
def test_later_maps_change_nothing_earlier(seed, kind, count, data):
    now = data.draw(st.integers(1, count - 1))
    maps = make_maps(count, seed)
    before = Normaliser(make_recipe(kind), make_statistics()).apply(maps)
    maps[now:] = data.draw(st.floats(-1e6, 1e6))
    after = Normaliser(make_recipe(kind), make_statistics()).apply(maps)
    np.testing.assert_array_equal(after[:now], before[:now])
    assert (after[now:] != before[now:]).any()


@FEW
@given(
    seed=seeds,
    kind=st.sampled_from(["training", "adaptive"]),
    cuts=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any),
)
def test_it_does_not_matter_how_maps_come(seed, kind, cuts):
    maps = make_maps(40, seed)
    bad = np.random.default_rng(seed).random((40, CHANNELS)) < 0.2
    whole = Normaliser(make_recipe(kind), make_statistics()).apply(maps, bad)
    normaliser, pieces, at, turn = Normaliser(make_recipe(kind), make_statistics()), [], 0, 0
    while at < len(maps):  # live, one at a time; offline, thousands
        part = slice(at, at + cuts[turn % len(cuts)])
        pieces.append(normaliser.apply(maps[part], bad[part]))
        at, turn = part.stop, turn + 1
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    # As they come from a transposed array or from a file that must not be written to.
    normaliser.reset()
    turned = np.asfortranarray(maps)
    turned.flags.writeable = False
    np.testing.assert_array_equal(normaliser.apply(turned, np.asfortranarray(bad)), whole)


@FEW
@given(seed=seeds, absurd=st.floats(-1e9, 1e9))
def test_a_bad_channel_teaches_nothing(seed, absurd):
    maps = make_maps(30, seed)
    bad = np.zeros((30, CHANNELS), bool)
    bad[10:20, 1] = True
    plain = Normaliser(make_recipe(), make_statistics()).apply(maps, bad)
    maps[10:20, :, 1] = absurd
    found = Normaliser(make_recipe(), make_statistics()).apply(maps, bad)
    np.testing.assert_array_equal(found[20:], plain[20:])
    np.testing.assert_array_equal(found[:, :, [0, 2]], plain[:, :, [0, 2]])


def test_a_new_wearer_s_mean_and_variance_are_learnt():
    # Far from the training set, with another spread in each band and channel.
    rng = np.random.default_rng(4)
    centre = rng.normal(20, 5, (BANDS, CHANNELS))
    spread = rng.uniform(0.1, 4, (BANDS, CHANNELS))
    maps = centre + spread * rng.normal(size=(20_000, BANDS, CHANNELS))
    found = Normaliser(make_recipe(time_constant_s=100.0), make_statistics()).apply(maps)
    assert np.abs(found[:10]).min() > 0.5  # at first the wearer is far off
    late = found[10_000:]
    # A memory of n values knows a mean to within 1 / sqrt(2 n).
    assert np.abs(late.mean(axis=0)).max() < 0.1
    np.testing.assert_allclose(late.std(axis=0), 1, atol=0.05)


def test_a_wearer_who_never_changes_does_not_blow_up():
    found = Normaliser(make_recipe(time_constant_s=1.0), make_statistics()).apply(
        np.full((3000, BANDS, CHANNELS), 4.0)
    )
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[-1], 0, atol=1e-6)


def test_reset_goes_back_to_the_training_set_and_its_statistics_stay_untouched():
    statistics, maps = make_statistics(), make_maps(30, 1)
    mean, std = statistics.mean.copy(), statistics.std.copy()
    normaliser = Normaliser(make_recipe(), statistics)
    first = normaliser.apply(maps)
    assert not np.array_equal(normaliser.apply(maps), first)
    normaliser.reset()
    np.testing.assert_array_equal(normaliser.apply(maps), first)
    np.testing.assert_array_equal(statistics.mean, mean)
    np.testing.assert_array_equal(statistics.std, std)


def test_statistics_are_those_of_the_maps_with_a_floor():
    maps = make_maps(50, 0)
    maps[:, 2, 1] = 7.0
    fitted = Statistics.fit(maps)
    np.testing.assert_allclose(fitted.mean, maps.mean(axis=0))
    assert fitted.std[2, 1] == pytest.approx(1e-3)
    fitted.std[2, 1] = 0
    np.testing.assert_allclose(fitted.std, maps.std(axis=0), atol=1e-12)
    # A single map has no spread at all, and must still be usable.
    alone = Statistics.fit(maps[:1])
    assert np.isfinite(Normaliser(make_recipe("training"), alone).apply(maps)).all()


def test_no_maps_and_wrong_shapes_are_refused():
    with pytest.raises(RecipeError, match="no training maps"):
        Statistics.fit(np.zeros((0, BANDS, CHANNELS)))
    right = make_statistics()
    for shape in [(BANDS, CHANNELS + 1), (CHANNELS, BANDS), (BANDS, 1), ()]:
        wrong = np.ones(shape)
        for statistics in (Statistics(wrong, right.std), Statistics(right.mean, wrong)):
            with pytest.raises(RecipeError, match=r"do not fit the recipe's maps \(5, 3\)"):
                Normaliser(make_recipe(), statistics)
    for shape in [(4, BANDS, CHANNELS + 1), (4, BANDS + 1, CHANNELS), (BANDS, CHANNELS)]:
        with pytest.raises(RecipeError, match=r"maps of shape .* do not fit .* \(5, 3\)"):
            Normaliser(make_recipe(), right).apply(np.zeros(shape))
    for shape in [(3, CHANNELS), (4, BANDS), (4,)]:
        with pytest.raises(RecipeError, match=r"bad channels of shape .* do not fit"):
            Normaliser(make_recipe(), right).apply(np.zeros((4, BANDS, CHANNELS)), np.ones(shape))
