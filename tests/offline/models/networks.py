"""What the tests of all networks need: recipes of many shapes, and a small training loop."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from offline.training import one_thread
from rtbci.montage.grids import GRID_NAMES
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import SEED_BANDS, Recipe


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Draw recipes of 4 to 62 channels, 1 to 3 bands, 1 or 2 features, 1 to 6 segments."""
    channels = draw(
        st.one_of(
            st.just(SEED_CHANNELS),
            st.lists(st.sampled_from(SEED_CHANNELS), min_size=4, max_size=20, unique=True),
        )
    )
    return Recipe(
        channels=tuple(channels),
        bands=SEED_BANDS[: draw(st.integers(1, 3))],
        features=draw(st.sampled_from([("de",), ("psd",), ("de", "psd")])),
        segments=draw(st.integers(1, 6)),
        classes=("negative", "neutral", "positive")[: draw(st.integers(2, 3))],
        grid=draw(st.sampled_from(GRID_NAMES)),
    )


def random_maps(recipe: Recipe, batch: int, seed: int = 0) -> Tensor:
    """Return noise in the shape of maps."""
    shape = (batch, recipe.segments, *recipe.map_shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def settled(network: nn.Module, maps: Tensor) -> nn.Module:
    """Return a network in evaluation mode whose running means are no longer nought and one."""
    network.train()
    with torch.no_grad():
        network(maps)
    return network.eval()


@one_thread()
def check_contract(network: nn.Module, recipe: Recipe) -> None:
    """Check what holds of any network: logits, the same scripted, and of each member alone."""
    maps = random_maps(recipe, 5)
    settled(network, 3 * maps + 1)
    with torch.inference_mode():
        logits = network(maps)
        assert logits.shape == (5, len(recipe.classes))
        assert torch.isfinite(logits).all()
        scripted = torch.jit.script(network)
        for _ in range(2):  # the first run observes, the second is optimised
            assert torch.allclose(scripted(maps), logits, atol=1e-5)
        others = torch.cat([maps[:1], 1e3 * maps[1:]])
        assert torch.allclose(network(others)[0], logits[0], atol=1e-5)
        assert torch.allclose(network(maps[:1])[0], logits[0], atol=1e-5)


@one_thread()
def learn(network: nn.Module, maps: Tensor, labels: Tensor, epochs: int) -> nn.Module:
    """Train a network and return it in evaluation mode."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(maps)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(maps[rows]), labels[rows]).backward()
            optimiser.step()
    return network.eval()


def accuracy(network: nn.Module, maps: Tensor, labels: Tensor) -> float:
    """Return the share of maps that a network names rightly."""
    with torch.inference_mode():
        return float((network(maps).argmax(1) == labels).float().mean())


def size(network: torch.nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())
