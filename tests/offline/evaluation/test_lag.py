"""Lag: what smoothing really adds, for as strong evidence as the recogniser's really is."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.evaluation.lag import LONGEST_S, lag_s, step_response_s
from rtbci.errors import RecipeError
from rtbci.recipe import Exponential, HiddenMarkov, Recipe

SYMMETRIC = np.log([0.7, 0.2, 0.1]), np.log([0.2, 0.7, 0.1])


def recipe(smoothing: Exponential | HiddenMarkov | None, **more: object) -> Recipe:
    return Recipe(smoothing=smoothing, **more)


def exponential(time_constant_s: float) -> Exponential:
    return Exponential(kind="exponential", time_constant_s=time_constant_s)


def hmm(dwell_s: float) -> HiddenMarkov:
    return HiddenMarkov(kind="hmm", dwell_s=dwell_s)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    time_constant_s=st.floats(0.01, 400),
    hop_s=st.sampled_from([0.05, 0.1, 1.0]),
    certainty=st.floats(0.5, 0.999),
)
def test_an_exponential_filter_is_half_way_after_ln_2_time_constants(
    time_constant_s, hop_s, certainty
):
    before = np.log([certainty, (1 - certainty) * 0.7, (1 - certainty) * 0.3])
    after = before[[1, 0, 2]]
    found = step_response_s(recipe(exponential(time_constant_s), hop_s=hop_s), before, after)
    # The first hop of the change has already moved the filter.
    assert found == pytest.approx(time_constant_s * np.log(2) - hop_s / 2, abs=0.51 * hop_s)


def test_without_smoothing_there_is_none():
    assert step_response_s(recipe(None), *SYMMETRIC) == 0.0


@pytest.mark.parametrize("make", [exponential, hmm])
def test_slower_smoothing_lags_more(make):
    lags = [step_response_s(recipe(make(s)), *SYMMETRIC) for s in (1, 5, 25, 125)]
    assert lags == sorted(set(lags))
    assert lags[0] > 0
    assert lags[-1] < LONGEST_S


def test_hmm_lags_by_what_it_takes_to_outweigh_the_chance_of_a_change():
    # Two certain states far apart: the odds stand at 1 to (fading/2) / (1 - likelihood ratio), and
    # each hop after the change multiplies them by the likelihood ratio, until they are even.
    made = Recipe(classes=("a", "b"), smoothing=hmm(1000.0), hop_s=0.1, window_s=1.0)
    before = np.log([0.9, 0.1])
    found = step_response_s(made, before, before[::-1])
    ratio = 9**0.1
    leaving = 0.1 / 1000
    odds = leaving / (ratio - 1)
    hops = 0
    while odds < 1:
        odds = (odds + leaving) * ratio
        hops += 1
    assert found == pytest.approx((hops - 1) * 0.1, abs=0.11)
    assert found > 3


def test_stronger_evidence_is_followed_sooner_by_the_hmm_alone():
    weak, strong = np.log([0.4, 0.3, 0.3]), np.log([0.9, 0.05, 0.05])
    lags = [step_response_s(recipe(hmm(30)), said, said[[1, 0, 2]]) for said in (weak, strong)]
    assert lags[1] < lags[0] / 2
    lags = [
        step_response_s(recipe(exponential(3)), said, said[[1, 0, 2]]) for said in (weak, strong)
    ]
    assert lags[0] == pytest.approx(lags[1], abs=0.11)


@pytest.mark.parametrize("dwell_s", [5, 30, 120])
def test_the_same_signal_at_another_hop_is_the_same_evidence(dwell_s):
    hops_s = (0.01, 0.05, 0.1, 0.5, 1.0)
    # The hop in which the change is told has been heard as well.
    heard = [
        step_response_s(recipe(hmm(dwell_s), hop_s=hop_s, window_s=1.0), *SYMMETRIC) + hop_s
        for hop_s in hops_s
    ]
    assert heard[0] > 1.4
    for hop_s, found in zip(hops_s, heard, strict=True):
        assert found == pytest.approx(heard[0], abs=1.01 * hop_s)


@pytest.mark.parametrize("smoothing", [exponential(1e6), hmm(1e9)])
def test_what_is_told_too_late_is_said_never_to_be_told(smoothing):
    weakly = np.log([0.3334, 0.3333, 0.3333])
    assert step_response_s(recipe(smoothing), weakly, weakly[[1, 0, 2]]) == float("inf")


def test_who_favours_nothing_never_changes():
    for smoothing in (None, exponential(1), hmm(1)):
        assert step_response_s(recipe(smoothing), SYMMETRIC[0], np.zeros(3)) == float("inf")


def test_before_lasts_until_the_smoother_is_settled():
    # Weak evidence for hours makes as firm a belief as there can be, not that of a minute.
    made = recipe(hmm(3600.0), window_s=60)
    weak, strong = np.log([0.36, 0.32, 0.32]), np.log([0.05, 0.9, 0.05])
    constant = np.array([100.0, 100.0, 100.0])
    found = step_response_s(made, weak, strong)
    assert found == step_response_s(made, weak + constant, strong - constant)
    assert found == pytest.approx(settled_lag(made, weak, strong), abs=0.11)


def settled_lag(made: Recipe, before: np.ndarray, after: np.ndarray) -> float:
    """Step from the belief that the same evidence leaves as it is: an eigenvector."""
    share, n = made.hop_s / made.window_s, len(before)
    rest = np.exp(-made.hop_s / made.smoothing.dwell_s * n / (n - 1))
    moves = rest * np.eye(n) + (1 - rest) / n
    values, vectors = np.linalg.eig(np.diag(np.exp(share * before)) @ moves)
    belief = np.abs(vectors[:, values.argmax()])
    for hop in range(10_000):
        belief = np.exp(share * after) * (moves @ belief)
        belief /= belief.sum()
        if belief.argmax() == after.argmax():
            return hop * made.hop_s
    raise AssertionError


def windows(strength: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities that speak for the true class, and the labels, classes mixed."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1, 2], [50, 200, 100]))
    logits = rng.normal(size=(len(labels), 3))
    logits[np.arange(len(labels)), labels] += strength
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), labels


@pytest.mark.parametrize("smoothing", [None, exponential(2), hmm(30)])
def test_a_recogniser_s_lag_is_the_median_over_changes_between_its_means(smoothing):
    said, labels = windows(1.0)
    made = recipe(smoothing)
    means = [said[labels == c].mean(axis=0) for c in range(3)]
    steps = [step_response_s(made, means[i], means[j]) for i, j in permutations(range(3), 2)]
    assert lag_s(made, said, labels) == np.median(steps)
    assert np.isfinite(steps).all()
    assert (lag_s(made, said, labels) == 0) == (smoothing is None)


def test_a_better_recogniser_lags_less_in_the_hmm():
    lags = [lag_s(recipe(hmm(30)), *windows(strength)) for strength in (0.5, 1, 3)]
    assert lags == sorted(set(lags), reverse=True)


def test_a_class_that_is_never_favoured_is_never_told():
    said, labels = windows(1.0)
    said[labels == 2] = said[labels == 2][:, [2, 1, 0]]
    # Two of six changes are to that class: the median is still one of the others.
    assert lag_s(recipe(None), said, labels) == 0
    said[labels == 1] = said[labels == 1][:, [1, 0, 2]]
    assert lag_s(recipe(None), said, labels) == float("inf")
    assert lag_s(recipe(hmm(30)), np.zeros((30, 3)), np.arange(30) % 3) == float("inf")


def test_a_class_without_windows_has_no_lag():
    said, labels = windows(1.0)
    for smoothing in (None, hmm(30)):
        assert np.isnan(lag_s(recipe(smoothing), said[labels != 1], labels[labels != 1]))


@pytest.mark.parametrize("smoothing", [None, exponential(2), hmm(30)])
def test_one_window_without_any_chance_for_its_class_does_not_decide(smoothing):
    labels = np.repeat([0, 1], 100)
    said = np.log(np.where(labels[:, None] == [0, 1], 0.8, 0.2))
    said[0] = [-np.inf, 0]
    made = recipe(smoothing, classes=("rest", "work"))
    assert np.isfinite(lag_s(made, said, labels))
    assert (lag_s(made, said, labels) == 0) == (smoothing is None)


def test_other_classes_than_the_recipe_s_are_refused():
    with pytest.raises(RecipeError, match="3 classes"):
        step_response_s(recipe(None), np.zeros(2), np.zeros(2))
