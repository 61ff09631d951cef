from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from offline.proof.robustness import CLEAN, Robustness, attack

pytest.importorskip("art")


def linear(classes: int, size: int = 12, seed: int = 0) -> tuple[nn.Module, np.ndarray, np.ndarray]:
    """A linear network, and inputs that it recognises all rightly."""
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(size, classes, bias=False))
    with torch.no_grad():
        network[1].weight.copy_(torch.randn(classes, size, generator=generator))
    inputs = torch.randn(60, 1, 3, size // 3, generator=generator)
    labels = network(inputs).argmax(dim=1).numpy()
    return network.eval(), inputs.numpy(), labels


def margins(network: nn.Module, inputs: np.ndarray, norm: int) -> np.ndarray:
    """Least change of each input, in the dual of a norm, that puts another of two classes first."""
    weight = network[1].weight.detach().numpy()
    score = inputs.reshape(len(inputs), -1) @ (weight[0] - weight[1])
    return np.abs(score) / np.linalg.norm(weight[0] - weight[1], ord=norm)


def test_of_a_linear_network_the_gradients_sign_is_the_best_attack_there_is():
    network, inputs, labels = linear(2)
    eps = float(np.median(margins(network, inputs, 1)))
    found = attack(network, inputs, labels, Robustness(attacks=("fgsm", "pgd"), eps=eps), 0)
    expected = float((margins(network, inputs, 1) > eps).mean())
    assert found.accuracy[CLEAN] == 1
    assert found.accuracy["fgsm"] == pytest.approx(expected, abs=0.02)
    assert found.accuracy["pgd"] == pytest.approx(expected, abs=0.02)
    assert math.isnan(found.least_change)


def test_deepfool_finds_the_distance_to_the_boundary():
    network, inputs, labels = linear(2)
    found = attack(network, inputs, labels, Robustness(attacks=("deepfool",)), 0)
    assert found.least_change == pytest.approx(np.median(margins(network, inputs, 2)), rel=0.1)
    assert found.accuracy["deepfool"] < 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_autoattack_misleads_at_least_as_often_and_the_seed_fixes_it(classes):
    network, inputs, labels = linear(classes)
    settings = Robustness(attacks=("fgsm", "autoattack"), eps=0.2, windows=30)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    found = attack(network, inputs, labels, settings, 3)
    assert found.accuracy["autoattack"] <= found.accuracy["fgsm"] + 1e-9
    assert found.accuracy["autoattack"] < 1
    assert attack(network, inputs, labels, settings, 3).accuracy == found.accuracy
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()


def test_who_is_wrong_already_is_wrong_when_clean():
    network, inputs, labels = linear(3)
    wrong = labels.copy()
    wrong[::4] = (wrong[::4] + 1) % 3
    found = attack(network, inputs, wrong, Robustness(attacks=()), 0)
    assert found.accuracy == {CLEAN: pytest.approx(0.75)}
    # Nor is anybody led to the right answer.
    attacked = attack(network, inputs, wrong, Robustness(attacks=("deepfool", "fgsm")), 0).accuracy
    assert attacked["deepfool"] < 0.1
    assert attacked["fgsm"] <= 0.75
