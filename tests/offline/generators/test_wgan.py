from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from offline.device import CPU
from offline.generators.adversarial import Opponents
from offline.generators.noise import FromNoise, Judge
from offline.generators.wgan import WganDuel, WganGp, WganSettings, gradient_penalty, wasserstein
from tests.offline.generators.learning import check_learned
from tests.offline.generators.material import RECIPE, maps

NO_LABELS = torch.zeros(8, dtype=torch.int64)


class Slope(nn.Module):
    """A critic whose gradient is the same everywhere: x is worth a x."""

    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.slope = nn.Parameter(slope)

    def forward(self, maps: Tensor, labels: Tensor) -> Tensor:
        return (maps * self.slope).flatten(1).sum(1)


class Bowl(nn.Module):
    """A critic whose gradient at x is x."""

    def forward(self, maps: Tensor, labels: Tensor) -> Tensor:
        return 0.5 * maps.flatten(1).pow(2).sum(1)


def test_the_penalty_of_a_slope_and_its_gradient_are_those_of_the_equation():
    slope = torch.randn(3, 4)
    critic, norm = Slope(slope.clone()), slope.norm()
    penalty = gradient_penalty(critic, torch.randn(8, 3, 4), torch.randn(8, 3, 4), NO_LABELS)
    assert penalty.item() == pytest.approx((norm.item() - 1) ** 2, rel=1e-5)
    penalty.backward()
    assert torch.allclose(critic.slope.grad, 2 * (norm - 1) * slope / norm, atol=1e-5)


def test_it_is_taken_between_a_real_map_and_a_made_one():
    real = torch.randn(8, 3, 4)
    expected = (real.flatten(1).norm(dim=1) - 1).pow(2).mean()
    assert gradient_penalty(Bowl(), real, real, NO_LABELS).item() == pytest.approx(expected.item())
    # From nought to a map of norm 1 the gradient's norm is the share: E[(e - 1)^2] = 1/3.
    unit = torch.zeros(4000, 1, 1), torch.ones(4000, 1, 1)
    found = gradient_penalty(Bowl(), *unit, torch.zeros(4000, dtype=torch.int64))
    assert found.item() == pytest.approx(1 / 3, abs=0.03)


def test_the_penalty_is_of_each_map_with_its_own_class():
    judge = Judge(RECIPE, width=2, plain=4)
    nn.init.normal_(judge.of_class.weight)
    map_, label = torch.randn(1, *RECIPE.map_shape), torch.tensor([1])
    x = map_.clone().requires_grad_()
    judge(x, label).sum().backward()
    expected = (x.grad.norm() - 1) ** 2
    assert torch.allclose(gradient_penalty(judge, map_, map_, label), expected, atol=1e-6)
    other = gradient_penalty(judge, map_, map_, torch.tensor([2]))
    assert not torch.allclose(other, expected, atol=1e-4)


def test_the_distance_is_how_much_more_real_ones_are_worth():
    assert wasserstein(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0])).item() == 3.5


@pytest.mark.parametrize(("batches", "passes"), [(6, 1), (2, 3), (1, 6)])
@pytest.mark.parametrize(("critic_steps", "moved"), [(1, 6), (2, 3), (5, 2), (50, 1)])
def test_the_generator_moves_once_for_several_steps_of_the_critic(
    critic_steps, moved, batches, passes
):
    settings = WganSettings(critic_steps=critic_steps, batch_size=-(-75 // batches))
    networks = Opponents(FromNoise(RECIPE, settings.noise, 2), Judge(RECIPE, 2, plain=4))
    real = maps()
    assert len(real) == 75
    x = torch.from_numpy(real.x.astype(np.float32))
    duel = WganDuel(networks, x, torch.from_numpy(real.labels), settings, (0.0, 0.9), CPU)
    for _ in range(passes):
        assert set(duel.epoch()) == {"critic", "gradient penalty", "generator"}
    done = {
        name: {int(each["step"]) for each in optimiser["state"].values()}
        for name, optimiser in duel.state()["optimisers"].items()
    }
    assert done == {"generator": {moved}, "discriminator": {6}}


def test_its_critic_judges_each_map_alone_and_its_weights_are_the_papers():
    generator = WganGp(RECIPE, WganSettings(epochs=1, least_steps=1, width=2)).fit(maps())
    assert not any("discriminator" in k and "running" in k for k in generator.state())
    assert (WganSettings().gradient_penalty, WganSettings().critic_steps) == (10, 5)


def test_it_learns_where_each_class_lies_and_how_much_it_varies():
    check_learned(
        WganGp, WganSettings(epochs=60, least_steps=1, width=4, learning_rate=5e-3, critic_steps=3)
    )
