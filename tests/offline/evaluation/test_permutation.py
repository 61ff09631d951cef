from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from offline.evaluation.permutation import permutation_p


def balanced_accuracy(counts, label):
    """One subject's, one seed's, from its trials' counts (trials, classes)."""
    recalls = [
        counts[label == k, k].sum() / counts[label == k].sum()
        for k in range(counts.shape[1])
        if counts[label == k].sum()
    ]
    return np.mean(recalls)


def statistic(counts, label, subject):
    scores = []
    for name in np.unique(subject):
        own = subject == name
        seeds = [one[own] for one in counts if one[own].any()]
        scores.append(np.mean([balanced_accuracy(one, label[own]) for one in seeds]))
    return np.mean(scores)


def test_the_value_is_that_of_all_exchanges():
    """Two subjects, four trials each: all 24 x 24 exchanges can be counted."""
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 20, (2, 8, 3))
    counts[0, :4] = 0  # the first subject was not tested with the first seed
    label = np.array([0, 1, 2, 1, 0, 0, 1, 2])
    subject = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    observed = statistic(counts, label, subject)
    orders = list(permutations(range(4)))
    values = [
        statistic(counts, np.concatenate([label[:4][list(a)], label[4:][list(b)]]), subject)
        for a, b in product(orders, orders)
    ]
    expected = np.mean([value >= observed - 1e-12 for value in values])
    found = permutation_p(counts, label, subject, seed=0, permutations=20_000)
    assert 0.05 < expected < 0.95
    assert found == pytest.approx(expected, abs=0.015)


def test_labels_never_leave_their_subject():
    """Each subject is named as one class, its own: no exchange within it changes anything."""
    label = np.repeat([0, 1], 5)
    counts = np.zeros((1, 10, 2), np.int64)
    counts[0, np.arange(10), label] = 7
    assert permutation_p(counts, label, subject=label, seed=0, permutations=200) == 1


def test_perfect_predictions_get_the_least_value_that_there_is():
    label = np.tile([0, 1, 2], 10)
    counts = 50 * np.eye(3, dtype=np.int64)[label][None]
    subject = np.repeat([0, 1], 15)
    assert permutation_p(counts, label, subject, seed=0, permutations=1500) == 1 / 1501


def test_guessing_gets_every_value_alike():
    """Windows of a trial resemble each other; a test by windows would find something each time."""
    rng = np.random.default_rng(0)
    label = np.tile([0, 1, 2], 5)
    found = []
    for k in range(200):
        counts = rng.multinomial(100, rng.dirichlet(np.full(3, 0.5), size=(1, 15)))
        found.append(permutation_p(counts, label, np.zeros(15, int), seed=k, permutations=199))
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_the_seed_fixes_it():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 9, (2, 12, 3))
    label, subject = np.tile([0, 1, 2], 4), np.repeat([0, 1], 6)
    first, again, other = (
        permutation_p(counts, label, subject, seed, permutations=300) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
