from __future__ import annotations

import pytest
import torch

from offline.generators.signal_gan.anatomy import Anatomy
from offline.generators.signal_gan.heads import Heads
from offline.generators.signal_gan.losses import adversarial_loss, critic_loss, power_loss

LABELS = torch.arange(2000) % 2


def anatomy(level: float, spread: float) -> Anatomy:
    shape = 2, 3, 4
    return Anatomy(
        torch.full(shape, level), torch.full(shape, spread), torch.eye(4).expand(2, 3, 4, 4),
        torch.zeros(0, 3, 4), Heads(torch.eye(4), torch.eye(4), torch.zeros(0, 4, 4)),
    )  # fmt: skip


def power(mean: float, std: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return mean + std * torch.randn(2000, 3, 4, generator=generator)


def test_power_of_the_right_mean_and_spread_costs_nothing_and_of_another_costs():
    right = power_loss(power(2.0, 0.5), LABELS, anatomy(2.0, 0.5)).item()
    assert abs(right) < 0.01
    assert power_loss(power(2.5, 0.5), LABELS, anatomy(2.0, 0.5)).item() > 0.3
    assert power_loss(power(2.0, 0.1), LABELS, anatomy(2.0, 0.5)).item() > 0.2
    assert power_loss(power(2.0, 1.0), LABELS, anatomy(2.0, 0.5)).item() > 0.3


def test_small_batches_cost_no_more_than_large_ones():
    """A batch's own mean would be punished for its noise, and windows become all alike."""
    values, wanted = power(2.0, 0.5), anatomy(2.0, 0.5)
    small = [power_loss(values[k : k + 8], LABELS[k : k + 8], wanted) for k in range(0, 2000, 8)]
    assert abs(torch.stack(small).mean().item()) < 0.02


def test_the_critics_hinges_are_the_papers():
    real, made = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert critic_loss(real, made).item() == pytest.approx(0.25 + 0.5)
    assert adversarial_loss(made).item() == pytest.approx(1.5)
