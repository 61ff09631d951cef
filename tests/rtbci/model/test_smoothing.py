"""Smoothing: what its equations say, nothing from later, and nothing that sticks."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbci.errors import RecipeError
from rtbci.model.smoothing import Smoother
from rtbci.recipe import Exponential, HiddenMarkov, Recipe

FEW = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)
seconds = st.sampled_from([0.01, 0.5, 2.0, 30.0, 1e6])


def exponential(time_constant_s: float) -> Exponential:
    return Exponential(kind="exponential", time_constant_s=time_constant_s)


def hmm(dwell_s: float) -> HiddenMarkov:
    return HiddenMarkov(kind="hmm", dwell_s=dwell_s)


kinds = st.none() | seconds.map(exponential) | seconds.map(hmm)


def recipe(smoothing: Exponential | HiddenMarkov | None, classes: int = 3, **more: Any) -> Recipe:
    names = tuple(f"class {k}" for k in range(classes))
    return Recipe(classes=names, smoothing=smoothing, **more)


def predicted(seed: int, hops: int, classes: int = 3) -> np.ndarray:
    """Return log-probabilities of which some are 0."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.5), hops)
    probabilities[rng.random(hops) < 0.2, 0] = 0
    with np.errstate(divide="ignore"):
        return np.log(probabilities / probabilities.sum(axis=1, keepdims=True))


def odds(log_probabilities: np.ndarray) -> np.ndarray:
    """Return log-probabilities with the likeliest at 0 and none below log 1e-12."""
    return np.maximum(
        log_probabilities - log_probabilities.max(axis=1, keepdims=True), np.log(1e-12)
    )


def steadily(probabilities: list[float], hops: int) -> np.ndarray:
    return np.log(np.tile(probabilities, (hops, 1)))


@FEW
@given(seed=seeds, hops=st.integers(0, 60), classes=st.integers(2, 20))
def test_without_smoothing_each_hop_stands_by_itself(seed, hops, classes):
    said = predicted(seed, hops, classes)
    found = Smoother(recipe(None, classes)).apply(said + 5)
    np.testing.assert_allclose(found, np.exp(said), rtol=1e-12)
    assert ((found == 0) == np.isneginf(said)).all()


@FEW
@given(
    seed=seeds,
    hops=st.integers(1, 100),
    classes=st.integers(2, 6),
    hop_s=st.sampled_from([0.05, 0.1, 1.0]),
    time_constant_s=seconds,
)
def test_exponential_is_a_first_order_filter_that_starts_settled(
    seed, hops, classes, hop_s, time_constant_s
):
    said = predicted(seed, hops, classes)
    found = Smoother(recipe(exponential(time_constant_s), classes, hop_s=hop_s)).apply(said)
    keep = np.exp(-hop_s / time_constant_s)
    settled = keep * odds(said[:1])
    filtered, _ = scipy.signal.lfilter([1 - keep], [1, -keep], odds(said), axis=0, zi=settled)
    np.testing.assert_allclose(found, scipy.special.softmax(filtered, axis=1), rtol=1e-6)
    np.testing.assert_allclose(found[0], np.exp(said[0]), rtol=1e-6, atol=1e-12)


def transitions(classes: int, hop_s: float, dwell_s: float) -> np.ndarray:
    """Return the transition matrix of a jump process that leaves each state at rate 1/dwell."""
    rates = np.full((classes, classes), 1 / dwell_s / (classes - 1))
    np.fill_diagonal(rates, -1 / dwell_s)
    return scipy.linalg.expm(rates * hop_s)


@FEW
@given(
    seed=seeds,
    hops=st.integers(1, 6),
    classes=st.integers(2, 4),
    hop_s=st.sampled_from([0.1, 0.5, 2.0]),
    window_s=st.sampled_from([0.5, 1.0, 4.0]),
    dwell_s=st.sampled_from([0.1, 1.0, 30.0]),
)
def test_hmm_adds_up_all_ways_that_states_can_have_gone(
    seed, hops, classes, hop_s, window_s, dwell_s
):
    said = predicted(seed, hops, classes)
    made = recipe(hmm(dwell_s), classes, hop_s=hop_s, window_s=window_s)
    found = Smoother(made).apply(said)
    moves = transitions(classes, hop_s, dwell_s)
    likelihoods = np.exp(odds(said) * min(hop_s / window_s, 1))
    for now in range(hops):
        expected = np.zeros(classes)
        for way in product(range(classes), repeat=now + 1):
            chance = np.prod([moves[a, b] for a, b in pairwise(way)])
            expected[way[-1]] += chance * np.prod(likelihoods[range(now + 1), way])
        np.testing.assert_allclose(found[now], expected / expected.sum(), rtol=1e-6)


@pytest.mark.parametrize(("hop_s", "dwell_s"), [(0.001, 0.5), (0.01, 30.0), (0.1, 500.0)])
def test_belief_fades_as_states_end_whatever_the_hop(hop_s, dwell_s):
    smoother = Smoother(recipe(hmm(dwell_s), hop_s=hop_s))
    smoother.apply(steadily([0.8, 0.1, 0.1], 5))
    hops = round(dwell_s / hop_s)
    known = smoother.apply(np.zeros((hops + 1, 3)))[:, 0] - 1 / 3
    # After a mean dwell time a state is still there with e^-1, or has come back.
    assert known[-1] / known[0] == pytest.approx(np.exp(-3 / 2), rel=1e-9)


@FEW
@given(
    seed=seeds,
    smoothing=kinds,
    classes=st.integers(2, 20),
    cuts=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any),
)
def test_it_is_bit_identical_however_hops_are_grouped(seed, smoothing, classes, cuts):
    smoother = Smoother(recipe(smoothing, classes))
    said = predicted(seed, 60, classes)
    whole = smoother.apply(said)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=0, atol=1e-12)
    smoother.reset()
    pieces, at, turn = [], 0, 0
    while at < len(said):
        size = cuts[turn % len(cuts)]
        pieces.append(smoother.apply(said[at : at + size]))
        at, turn = at + size, turn + 1
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@FEW
@given(seed=seeds, smoothing=kinds, change=st.integers(0, 59), value=st.floats(-1e308, 0))
def test_no_hop_changes_one_before_it(seed, smoothing, change, value):
    said = predicted(seed, 60)
    before = Smoother(recipe(smoothing)).apply(said)
    changed = said.copy()
    changed[change:] = changed[change:, ::-1]
    changed[change, 1] = value
    after = Smoother(recipe(smoothing)).apply(changed)
    np.testing.assert_array_equal(after[:change], before[:change])
    np.testing.assert_array_equal(changed[:change], said[:change])


@pytest.mark.parametrize("dwell_s", [1e-300, 0.05, 1e300])
def test_nothing_is_lost_or_sticks_over_days_of_extremes(dwell_s):
    rng = np.random.default_rng(0)
    extremes = [0.0, -1e-300, -1.0, np.log(1e-12), -745.0, -1e308, -np.inf, np.inf, np.nan]
    said = rng.choice(extremes, (1_000_000, 3))
    for smoothing in (hmm(dwell_s), exponential(dwell_s)):
        found = Smoother(recipe(smoothing)).apply(said)
        assert np.isfinite(found).all()
        assert np.abs(found.sum(axis=1) - 1).max() < 1e-12


@pytest.mark.parametrize("smoothing", [hmm(30), exponential(2)])
@pytest.mark.parametrize("never", [-np.inf, np.log(1e-12), -1e300])
def test_a_class_that_was_ruled_out_for_a_day_comes_back_at_once(smoothing, never):
    smoother = Smoother(recipe(smoothing))
    surely = np.array([[0.0, never, never]])
    smoother.apply(np.repeat(surely, 864_000, axis=0))
    found = smoother.apply(np.repeat(surely[:, [1, 0, 2]], 100, axis=0))
    assert found[0].argmax() == 0
    assert found[-1, 1] > 0.9
    # One hop that rules all but one class out does not outweigh the ten seconds after it.
    smoother.reset()
    smoother.apply(surely)
    assert smoother.apply(steadily([0.2, 0.6, 0.2], 100))[-1].argmax() == 1


@pytest.mark.parametrize("smoothing", [hmm(30), exponential(3)])
def test_a_flickering_recogniser_is_calmed_and_a_changed_state_followed(smoothing):
    rng = np.random.default_rng(1)
    true = np.repeat([0, 2, 1, 0], 600)  # of a minute each
    said = np.log(rng.dirichlet(np.ones(3), len(true)))
    said[np.arange(len(true)), true] += 0.5
    said -= scipy.special.logsumexp(said, axis=1, keepdims=True)
    plain = Smoother(recipe(None)).apply(said).argmax(axis=1)
    smooth = Smoother(recipe(smoothing)).apply(said).argmax(axis=1)
    assert np.count_nonzero(np.diff(smooth)) < np.count_nonzero(np.diff(plain)) / 10
    assert (plain == true).mean() < 0.6
    settled = np.arange(len(true)) % 600 > 150
    assert (smooth == true)[settled].mean() > 0.9


def test_a_longer_dwell_time_holds_on_longer_to_a_state():
    step = np.concatenate([steadily([0.8, 0.2], 600), steadily([0.2, 0.8], 600)])
    changed = [
        Smoother(recipe(hmm(dwell_s), 2)).apply(step).argmax(axis=1).argmax()
        for dwell_s in (0.5, 5, 50, 500)
    ]
    assert changed == sorted(set(changed))


def test_a_state_that_lasts_less_than_a_hop_is_not_held_against_itself():
    made = recipe(hmm(0.01), 2, hop_s=1.0, window_s=1.0)
    found = Smoother(made).apply(steadily([0.6, 0.4], 5))
    np.testing.assert_allclose(found, np.tile([0.6, 0.4], (5, 1)), rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "share"),
    [
        ({"hop_s": 0.1, "window_s": 1.0}, 0.1),
        ({"hop_s": 1.0, "window_s": 1.0}, 1),
        ({"hop_s": 5.0, "window_s": 1.0}, 1),
        # Three windows, each half on the one before it: two windows' length of signal.
        ({"hop_s": 0.25, "window_s": 1.0, "segments": 3, "segment_s": 0.5}, 0.125),
        # Three windows with gaps between them: each sample is looked at three times as often.
        ({"hop_s": 0.25, "window_s": 1.0, "segments": 3, "segment_s": 5.0}, 0.25 / 3),
    ],
)
def test_a_sample_counts_once_however_often_it_is_looked_at(shape, share):
    found = Smoother(recipe(hmm(1e9), 2, **shape)).apply(steadily([0.9, 0.1], 1))
    assert found[0, 0] / found[0, 1] == pytest.approx(9**share, rel=1e-6)


def test_reset_is_a_new_start():
    for smoothing in (None, exponential(5), hmm(30)):
        smoother = Smoother(recipe(smoothing))
        said = predicted(0, 50)
        first = smoother.apply(said)
        again = smoother.apply(said)
        assert (smoothing is None) == np.array_equal(again, first)
        smoother.reset()
        np.testing.assert_array_equal(smoother.apply(said), first)


@pytest.mark.parametrize("shape", [(5, 2), (5, 4), (3,), (1, 5, 3)])
@pytest.mark.parametrize("smoothing", [None, exponential(1), hmm(1)])
def test_another_number_of_classes_is_refused(smoothing, shape):
    with pytest.raises(RecipeError, match="do not fit the recipe's 3 classes"):
        Smoother(recipe(smoothing)).apply(np.zeros(shape))
