"""Recipes that keep the signal, and windows in which a rhythm tells the classes apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import RawSignal, Recipe
from tests.offline.models.networks import accuracy, learn, settled


def make_recipe(channels: int, sfreq: float, window_s: float, classes: int) -> Recipe:
    return Recipe(
        classes=tuple(f"class {k}" for k in range(classes)),
        channels=SEED_CHANNELS[:channels],
        window_s=window_s,
        signal=RawSignal(sfreq=sfreq, high=min(45.0, 0.45 * sfreq)),
    )


RECIPES = [
    make_recipe(4, 64.0, 0.5, 2),
    make_recipe(14, 100.0, 1.0, 3),
    make_recipe(32, 128.0, 2.0, 3),
    make_recipe(62, 128.0, 1.0, 3),
    make_recipe(62, 200.0, 1.5, 2),
    make_recipe(5, 256.0, 4.0, 3),
    make_recipe(1, 173.61, 0.7, 2),
]

SMALL = make_recipe(4, 64.0, 1.0, 2)


def noise(recipe: Recipe, batch: int, seed: int = 0) -> Tensor:
    """White noise in the shape of a recipe's windows."""
    assert recipe.signal is not None
    points = round(recipe.window_s * recipe.signal.sfreq)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, len(recipe.channels), points, generator=generator)


@dataclass(frozen=True)
class Rhythm:
    """What tells two classes apart: the electrode that carries a rhythm, and its frequency."""

    electrodes: tuple[int, int]
    hertz: tuple[float, float]

    def windows(self, n: int, seed: int) -> tuple[Tensor, Tensor]:
        """Windows of SMALL in which the rhythm, at any phase, is as strong as the noise is."""
        signal = noise(SMALL, n, seed)
        generator = torch.Generator().manual_seed(seed + 1)
        labels = torch.randint(2, (n,), generator=generator)
        phases = 2 * torch.pi * torch.rand(n, 1, generator=generator)
        times = torch.arange(signal.shape[2]) / 64
        hertz = torch.tensor(self.hertz)[labels, None]
        wave = 2**0.5 * torch.sin(2 * torch.pi * hertz * times + phases)
        signal[torch.arange(n), torch.tensor(self.electrodes)[labels]] += wave
        return signal / signal.std(dim=(0, 2), keepdim=True), labels


PLACE = Rhythm(electrodes=(1, 2), hertz=(10.0, 10.0))
PITCH = Rhythm(electrodes=(1, 1), hertz=(10.0, 20.0))


def accuracy_after_training(network: nn.Module, rhythm: Rhythm) -> float:
    """Share of windows that a network names right that it has not learned from."""
    learn(network, *rhythm.windows(512, seed=1), epochs=8)
    return accuracy(network, *rhythm.windows(400, seed=100))


def check_contract(network: nn.Module, recipe: Recipe) -> None:
    """Check what holds of any network: logits, the same scripted, and of each window alone."""
    signal = noise(recipe, 5)
    settled(network, noise(recipe, 16, seed=1) + 0.5)
    with torch.inference_mode():
        logits = network(signal)
        assert logits.shape == (5, len(recipe.classes))
        assert logits.std() > 1e-3
        scripted = torch.jit.script(network)
        for _ in range(3):  # the second and third run are optimised
            assert torch.equal(scripted(signal), logits)
        alone = torch.cat([network(window[None]) for window in signal])
        assert torch.allclose(alone, logits, atol=1e-5)
        others = torch.cat([signal[:1], 1e3 * signal[1:]])
        assert torch.allclose(network(others)[0], logits[0], atol=1e-5)
    assert torch.allclose(network(signal), logits, atol=1e-6)  # with gradients, as in training


def seen_points(network: nn.Module, recipe: Recipe) -> list[bool]:
    """Whether each point of a window changes a network's logits."""
    signal = noise(recipe, 3).requires_grad_()
    network.eval()(signal)[:, 0].sum().backward()
    assert signal.grad is not None
    return (signal.grad.abs().amax(dim=(0, 1)) > 0).tolist()
