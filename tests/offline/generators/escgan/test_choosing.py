from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.generators.escgan.choosing import Choice, Chooser

counts_of_classes = st.lists(st.integers(1, 500), min_size=2, max_size=6).map(np.array)


@given(counts=counts_of_classes)
@settings(max_examples=25, deadline=None)
def test_every_class_is_a_target_and_none_its_own_reference(counts):
    for choice in (Choice.by_counts(counts), Choice.uniform(counts)):
        assert choice.targets.min() > 0
        assert choice.targets.sum() == pytest.approx(1)
        assert np.allclose(choice.references.sum(axis=1), 1)
        assert (np.diag(choice.references) == 0).all()
        assert ((choice.references > 0) | np.eye(len(counts), dtype=bool)).all()


@given(counts=counts_of_classes)
@settings(max_examples=25, deadline=None)
def test_as_many_edited_as_real_maps_make_the_classes_even(counts):
    shares, classes = counts / counts.sum(), len(counts)
    choice = Choice.by_counts(counts)
    if shares.max() <= 1.9 / classes:
        assert np.allclose(shares + choice.targets, 2 / classes)
    assert (np.diff(choice.targets[np.argsort(counts)]) <= 1e-12).all()


def test_what_is_edited_is_well_represented():
    choice = Choice.by_counts(np.array([10, 300, 100]))
    assert np.allclose(choice.references[0], [0, 0.75, 0.25])
    assert np.allclose(choice.references[2], [10 / 310, 300 / 310, 0])
    assert choice.targets.argmax() == 0
    blind = Choice.uniform(np.array([10, 300, 100]))
    assert np.allclose(blind.references[0], [0, 0.5, 0.5])
    assert np.allclose(blind.targets, 1 / 3)


@given(counts=counts_of_classes)
@settings(max_examples=25, deadline=None)
def test_weighed_by_the_odds_there_is_as_much_real_as_edited_of_each_class(counts):
    for choice in (Choice.by_counts(counts), Choice.uniform(counts)):
        real = counts * choice.odds(counts)
        assert np.allclose(real / real.sum(), choice.targets)
        assert real.sum() == pytest.approx(counts.sum())


@pytest.mark.parametrize("choose", [Choice.by_counts, Choice.uniform])
def test_balanced_classes_are_all_edited_to_each_other_as_often(choose):
    choice = choose(np.full(4, 25))
    assert np.allclose(choice.targets, 1 / 4)
    assert np.allclose(choice.references, (1 - np.eye(4)) / 3)


def test_a_class_without_maps_is_a_target_and_never_a_reference():
    for choice in (Choice.by_counts(np.array([0, 30, 30])), Choice.uniform(np.array([0, 30, 30]))):
        assert choice.targets[0] > 0
        assert (choice.references[:, 0] == 0).all()
        assert np.isfinite(choice.references).all()


@given(counts=counts_of_classes, seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_what_is_drawn_is_as_frequent_as_was_chosen(counts, seed):
    torch.manual_seed(seed)
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    choice = Choice.by_counts(counts)
    rows, targets = Chooser(choice, torch.from_numpy(labels)).draw(20000)
    assert rows.min() >= 0
    assert rows.max() < len(labels)
    assert (labels[rows] != targets.numpy()).all()
    often = np.bincount(targets, minlength=len(counts)) / 20000
    assert np.allclose(often, choice.targets, atol=0.02)
    expected = sum(p * choice.of_each(labels, t) for t, p in enumerate(choice.targets))
    drawn = np.bincount(rows, minlength=len(labels)) / 20000
    assert np.abs(drawn - expected).max() < 5 * np.sqrt(expected.max() / 20000)


@given(counts=counts_of_classes)
@settings(max_examples=25, deadline=None)
def test_each_maps_probability_is_its_classs_dealt_evenly(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    choice = Choice.by_counts(counts)
    for target in range(len(counts)):
        each = choice.of_each(labels, target)
        dealt = np.bincount(labels, each, minlength=len(counts))
        assert np.allclose(dealt, choice.references[target])
        assert len(np.unique(each[labels != target].round(12))) == 1  # as by_counts weighs them
