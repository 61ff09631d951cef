from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional

from offline.generators.escgan import losses

seeds = st.integers(0, 999)


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_reconstruction_is_the_mean_squared_error_of_all_numbers(seed):
    real, rebuilt = noise(seed, 4, 5, 6), noise(seed + 1, 4, 5, 6)
    expected = np.mean((real.numpy() - rebuilt.numpy()) ** 2)
    assert losses.reconstruction(real, rebuilt).item() == pytest.approx(expected, rel=1e-5)


@given(seed=seeds, scale=st.floats(0.1, 30))
@settings(max_examples=25, deadline=None)
def test_whether_real_is_judged_by_binary_cross_entropy(seed, scale):
    real, edited = scale * noise(seed, 7), scale * noise(seed + 1, 5)
    weights = noise(seed + 2, 12).exp().split([7, 5])

    def entropy(values, wanted, weight=None):
        aim = torch.full_like(values, wanted)
        return functional.binary_cross_entropy_with_logits(values, aim, weight)

    assert torch.allclose(losses.adversarial(edited), entropy(edited, 1.0), rtol=1e-4)
    expected = entropy(real, 1.0, weights[0]) + entropy(edited, 0.0, weights[1])
    assert torch.allclose(losses.real_or_edited(real, edited, *weights), expected, rtol=1e-4)


@given(seed=seeds, classes=st.integers(2, 5), scale=st.floats(0, 20))
@settings(max_examples=25, deadline=None)
def test_boundary_is_half_the_divergence_from_doubt(seed, classes, scale):
    logits = scale * noise(seed, 6, classes)
    even = Categorical(probs=torch.full((6, classes), 1 / classes))
    expected = 0.5 * kl_divergence(even, Categorical(logits=logits)).mean()
    assert losses.boundary(logits).item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-5)


def test_boundary_by_hand_and_nought_where_the_classes_are_as_likely():
    half_sure = torch.tensor([[math.log(3.0), 0.0]])  # 3/4 and 1/4
    expected = 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert losses.boundary(half_sure).item() == pytest.approx(expected, rel=1e-5)
    assert losses.boundary(torch.full((3, 3), 7.0)).item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(losses.boundary(torch.tensor([[1e4, 0.0]])))


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_diversity_is_that_of_each_map_and_the_next(seed):
    edited, codes = noise(seed, 5, 2, 3), noise(seed + 1, 5, 4, 2, 2)
    E, Z = edited.numpy(), codes.numpy()
    pairs = [(k, (k + 1) % 5) for k in range(5)]
    ratios = [np.abs(E[i] - E[j]).mean() / np.abs(Z[i] - Z[j]).mean() for i, j in pairs]
    expected = np.mean(np.exp(-np.array(ratios)))
    assert losses.diversity(edited, codes).item() == pytest.approx(expected, rel=1e-5)


def test_diversity_grows_with_the_maps_and_cannot_be_had_from_smaller_codes():
    edited, codes = noise(1, 5, 2, 3).requires_grad_(), noise(2, 5, 4).requires_grad_()
    losses.diversity(edited, codes).backward()
    assert codes.grad is None
    assert edited.grad.abs().sum() > 0
    assert losses.diversity(2 * edited, codes) < losses.diversity(edited, codes)


def test_maps_that_are_all_alike_have_the_worst_diversity_and_it_is_a_number():
    alike, codes = torch.ones(4, 2, 3, requires_grad=True), torch.ones(4, 5)
    loss = losses.diversity(alike, codes)
    loss.backward()
    assert loss.item() == 1
    assert torch.isfinite(alike.grad).all()


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_classes_and_targets_are_judged_by_the_logarithm_of_their_probability(seed):
    logits, wanted = noise(seed, 4, 3), torch.tensor([0, 2, 1, 1])
    odds = np.exp(logits.numpy())
    each = -np.log((odds / odds.sum(1, keepdims=True))[range(4), wanted])
    assert losses.target(logits, wanted).item() == pytest.approx(each.mean(), rel=1e-4)
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0])
    expected = (each * weights.numpy()).mean()
    assert losses.classes(logits, wanted, weights).item() == pytest.approx(expected, rel=1e-4)


def test_boundary_and_target_together_leave_a_map_near_the_boundary_on_its_targets_side():
    logits = torch.zeros(1, 3, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        (5 * losses.boundary(logits) + losses.target(logits, torch.tensor([2]))).backward()
        optimiser.step()
    # Where the derivatives cancel: (5/2 / 3 + 1) / (5/2 + 1).
    assert logits.softmax(1)[0, 2].item() == pytest.approx(11 / 21, abs=1e-3)
