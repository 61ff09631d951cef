from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from offline.evaluation.abstaining import (
    LEAST_COVERAGE,
    POINTS,
    abstaining_of,
    answered_at,
    threshold_for,
)
from offline.evaluation.metrics import summarise
from offline.evaluation.report.metrics_file import plain
from tests.offline.evaluation.predicted import outcome, predictions


def said(seed, windows, n_classes, *, coarse=False):
    """Probabilities and labels in some accord; coarse ones are often equal."""
    rng = np.random.default_rng(seed)
    label = rng.integers(n_classes, size=windows)
    logits = rng.normal(size=(windows, n_classes)) + np.eye(n_classes)[label]
    if coarse:
        logits = np.round(logits)
    probabilities = np.exp(logits)
    return probabilities / probabilities.sum(axis=1, keepdims=True), label


def by_the_book(threshold, probabilities, label):
    """Coverage, accuracy and balanced accuracy of the windows that one threshold answers."""
    answered = probabilities.max(axis=1) >= threshold
    true, named = label[answered], probabilities[answered].argmax(axis=1)
    present = np.unique(label)
    balanced = np.nan
    if set(present) <= set(true):
        balanced = metrics.recall_score(true, named, labels=present, average="macro")
    return answered.mean(), metrics.accuracy_score(true, named), balanced


FEW = settings(max_examples=30, deadline=None)
cases = st.tuples(st.integers(0, 2**31), st.integers(1, 60), st.integers(2, 4))


@FEW
@given(cases, st.booleans(), st.integers(1, 30))
def test_each_point_is_the_accuracy_of_what_is_answered(case, coarse, points):
    probabilities, label = said(*case, coarse=coarse)
    found = abstaining_of(probabilities, label, points)
    assert 1 <= len(found.threshold) <= points
    assert found.coverage[0] == 1
    assert (np.diff(found.threshold) > 0).all()
    assert (np.diff(found.coverage) < 0).all()
    columns = (found.coverage, found.accuracy, found.balanced_accuracy)
    for point in zip(found.threshold, *columns, strict=True):
        np.testing.assert_allclose(point[1:], by_the_book(point[0], probabilities, label))


def test_points_lie_at_even_coverages():
    found = abstaining_of(*said(0, 5000, 3))
    np.testing.assert_allclose(found.coverage, np.arange(POINTS, 0, -1) / POINTS)


@FEW
@given(st.integers(0, 2**31), st.integers(1, 6))
def test_the_area_is_the_mean_risk_of_the_surest_windows_in_any_order_of_equals(seed, windows):
    rng = np.random.default_rng(seed)
    certainty = rng.choice([0.6, 0.7, 0.8], windows)
    label = rng.integers(2, size=windows)
    areas = []
    for order in permutations(range(windows)):
        if (np.diff(certainty[list(order)]) <= 0).all():
            risks = np.cumsum(label[list(order)]) / np.arange(1, windows + 1)
            areas.append(risks.mean())
    probabilities = np.stack([certainty, 1 - certainty], axis=1)  # it always names class 0
    assert abstaining_of(probabilities, label).risk_area == pytest.approx(np.mean(areas))


def test_who_knows_where_the_errors_are_gains_by_abstaining_and_who_does_not_gains_nothing():
    rng = np.random.default_rng(0)
    certainty = rng.uniform(0.5, 1, 20_000)
    sure = np.stack([certainty, 1 - certainty], axis=1)
    honest = (rng.random(len(certainty)) > certainty).astype(np.int64)
    blind = (rng.random(len(certainty)) > 0.75).astype(np.int64)
    for label, gains in ((honest, True), (blind, False)):
        found = abstaining_of(sure, label)
        half = np.searchsorted(-found.coverage, -0.5)
        assert found.accuracy[0] == pytest.approx(0.75, abs=0.01)
        assert found.accuracy[half] == pytest.approx(0.875 if gains else 0.75, abs=0.01)
        # The risk of the surest share c is c / 4, or 1 / 4 whatever is answered.
        assert found.risk_area == pytest.approx(0.125 if gains else 0.25, abs=0.01)


@FEW
@given(cases, st.booleans(), st.floats(0.3, 1))
def test_the_threshold_is_the_least_that_is_good_enough(case, coarse, accuracy):
    probabilities, label = said(*case, coarse=coarse)
    good = []
    for threshold in np.unique(probabilities.max(axis=1)):
        coverage, _, balanced = by_the_book(threshold, probabilities, label)
        if balanced >= accuracy and coverage >= LEAST_COVERAGE:
            good.append(threshold)
    found = threshold_for(accuracy, probabilities, label)
    if not good:
        assert found is None
    elif good[0] == probabilities.max(axis=1).min():
        assert found == 0
    else:
        assert found == good[0]
        answered = answered_at(found, probabilities, label)
        assert answered.balanced_accuracy >= accuracy


def test_a_handful_of_windows_or_of_one_class_alone_is_not_good_enough():
    label = np.repeat([0, 1], 500)
    certainty = np.full(1000, 0.6)
    certainty[[0, 1, 500, 501]] = 0.9  # 0.4 % of the windows, named rightly
    named = np.zeros(1000, np.int64)
    named[[500, 501]] = 1
    probabilities = np.where(named[:, None] == [0, 1], certainty[:, None], 1 - certainty[:, None])
    assert threshold_for(0.9, probabilities, label) is None
    certainty[:300] = 0.9  # many, but of one class
    certainty[[500, 501]] = 0.6
    probabilities = np.where(named[:, None] == [0, 1], certainty[:, None], 1 - certainty[:, None])
    assert threshold_for(0.9, probabilities, label) is None
    certainty[[500, 501]] = 0.9
    probabilities = np.where(named[:, None] == [0, 1], certainty[:, None], 1 - certainty[:, None])
    assert threshold_for(0.9, probabilities, label) == pytest.approx(0.9)


def test_the_figures_of_a_recogniser_hold_the_curve_of_all_its_windows():
    rng = np.random.default_rng(0)
    parts = [
        predictions([(recording, t, t % 3, 20) for t in range(6)], rng, skill=1.5)
        for recording in range(2)
    ]
    outcomes = [outcome(part, fold=str(k)) for k, part in enumerate(parts)]
    found = summarise(
        "svm", outcomes, ("a", "b"), ("x", "y", "z"), 0, permutations=20, bootstraps=20
    )
    expected = abstaining_of(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.label for part in parts]),
    )
    told = json.loads(json.dumps(plain(found), allow_nan=False))["abstaining"]
    assert told == plain(expected)
    assert len(told["threshold"]) <= POINTS
    assert told["accuracy"][0] == pytest.approx(found.confusion.trace() / found.confusion.sum())
