from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from offline.evaluation.intervals import (
    bootstrap_interval,
    paired_difference,
    spread,
)


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).beta(5, 3, 20)
    found = bootstrap_interval(values, seed=1, bootstraps=20_000)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert found == pytest.approx((expected.low, expected.high), abs=0.003)


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for k in range(400):
        low, high = bootstrap_interval(rng.normal(0.6, 0.1, 30), seed=k, bootstraps=400)
        held += low <= 0.6 <= high
    assert 0.9 <= held / 400 <= 0.98


def test_one_subject_gets_no_interval():
    found = spread(np.array([[0.5], [0.7]]), seed=0)
    assert (found.mean, found.sd, found.low, found.high) == (0.6, 0, 0.6, 0.6)
    assert found.seeds_sd == pytest.approx(np.std([0.5, 0.7], ddof=1))


def test_a_subject_counts_by_the_seeds_that_tested_it():
    scores = np.array([[0.2, 0.4, np.nan], [0.4, np.nan, 0.9]])
    found = spread(scores, seed=0)
    assert found.mean == pytest.approx(np.mean([0.3, 0.4, 0.9]))
    assert found.sd == pytest.approx(np.std([0.3, 0.4, 0.9], ddof=1))
    assert found.seeds_sd == pytest.approx(np.std([0.3, 0.65], ddof=1))


def test_one_seed_has_no_spread_over_seeds():
    assert spread(np.array([[0.2, 0.4]]), seed=0).seeds_sd == 0


def of(scores):
    return SimpleNamespace(recogniser="svm", per_subject=scores)


def test_pairs_show_what_two_intervals_hide():
    """Subjects differ a lot; on each, one recogniser is a little better."""
    rng = np.random.default_rng(0)
    names = [f"s{k}" for k in range(15)]
    base = rng.uniform(0.4, 0.9, 15)
    worse = of(dict(zip(names, base, strict=True)))
    better = of(dict(zip(reversed(names), (base + rng.normal(0.03, 0.01, 15))[::-1], strict=True)))
    found = paired_difference(better, worse, seed=0)
    assert found.mean == pytest.approx(0.03, abs=0.01)
    assert found.low < found.mean < found.high
    assert found.certain
    assert paired_difference(worse, better, seed=0).mean == pytest.approx(-found.mean)
    assert not paired_difference(worse, worse, seed=0).certain


def test_only_common_subjects_are_compared_and_one_is_too_few_to_be_certain():
    found = paired_difference(of({"a": 0.9, "b": 0.2}), of({"a": 0.5, "c": 0.9}), seed=0)
    assert (found.mean, found.subjects, found.certain) == (0.4, 1, False)
    with pytest.raises(ValueError, match="no common subject"):
        paired_difference(of({"a": 0.9}), of({"b": 0.2}), seed=0)
