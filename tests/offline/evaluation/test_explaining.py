from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from offline.evaluation.fitting import run_task
from offline.evaluation.outcome import Task
from offline.evaluation.protocols import LeaveOneSubjectOut
from offline.evaluation.store import FitStore
from offline.explain import gradients
from offline.explain.explanation import Explanation
from tests.offline.evaluation.people import CHANNELS, RECIPE, bench

EXPLAINING = replace(bench(subjects=3, sessions=1, protocol=LeaveOneSubjectOut()), explain=True)


def task(name: str, draw: int | None = None) -> Task:
    return Task(name, EXPLAINING.folds(0)[0].name, 0, draw)


def assert_alike(found: Explanation, expected: Explanation) -> None:
    for each in fields(Explanation):
        np.testing.assert_array_equal(getattr(found, each.name), getattr(expected, each.name))


def test_what_is_explained_are_the_test_windows():
    # Of a linear recogniser of two classes, attributions add up to the log-odds of the true class
    # less those of a window of zeros, whose sign differs between classes: so they are known from
    # what was said of the test part.
    fit = run_task(EXPLAINING, task("logistic-regression"))
    log_odds = np.diff(fit.said.log_probabilities[fit.said.tested], axis=1)[:, 0]
    apart = log_odds[fit.said.label == 1].mean() - log_odds[fit.said.label == 0].mean()
    assert fit.explanation.attributions.sum() == pytest.approx(apart, rel=1e-4)
    assert fit.explanation.electrode_nats.shape == (2, len(CHANNELS))
    assert fit.explanation.band_nats.shape == (2, len(RECIPE.bands))


def test_it_is_done_where_it_is_asked_for_and_labels_mean_something():
    assert run_task(replace(EXPLAINING, explain=False), task("k-nn")).explanation is None
    assert run_task(EXPLAINING, task("k-nn", draw=0)).explanation is None
    assert run_task(EXPLAINING, task("trivial")).explanation is None
    assert run_task(EXPLAINING, task("k-nn")).explanation is not None


def test_explaining_changes_no_prediction():
    explained = run_task(EXPLAINING, task("cnn")).said
    not_explained = run_task(replace(EXPLAINING, explain=False), task("cnn")).said
    np.testing.assert_array_equal(explained.log_probabilities, not_explained.log_probabilities)


@pytest.mark.parametrize("name", ["logistic-regression", "tangent-space"])
def test_what_is_saved_is_loaded(tmp_path, name):
    made = run_task(EXPLAINING, task(name))
    FitStore(tmp_path, EXPLAINING).save(made)
    found = FitStore(tmp_path, EXPLAINING).load(task(name))
    assert found is not None
    assert_alike(found.explanation, made.explanation)


def test_a_fit_without_an_explanation_is_none_where_one_is_asked_for(tmp_path, monkeypatch):
    plain = replace(EXPLAINING, explain=False)
    unexplained, explaining = FitStore(tmp_path, plain), FitStore(tmp_path, EXPLAINING)
    for each in (task("k-nn"), task("k-nn", draw=0), task("trivial")):
        unexplained.save(run_task(plain, each))
    assert explaining.load(task("k-nn")) is None
    # What is never explained need not be fitted again, and neither is what was explained once.
    assert explaining.load(task("k-nn", draw=0)) is not None
    assert explaining.load(task("trivial")) is not None
    explaining.save(run_task(EXPLAINING, task("k-nn")))
    assert explaining.load(task("k-nn")).explanation is not None
    assert unexplained.load(task("k-nn")).explanation is None
    monkeypatch.setattr(gradients, "version", lambda name: "another")
    assert explaining.load(task("k-nn")) is None
