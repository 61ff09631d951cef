from __future__ import annotations

import pytest
import torch

from offline.models.attention import AttentionSettings
from offline.models.cnn import CnnSettings
from offline.models.ensemble import Ensemble
from offline.models.registry import build_network
from rtbci.recipe import SEED_BANDS, Recipe
from tests.offline.models.networks import random_maps, settled

RECIPE = Recipe(channels=("F3", "F4", "P3", "P4", "OZ"), bands=SEED_BANDS[:2], segments=2)


def members(settings, n: int = 3) -> list[torch.nn.Module]:
    maps = random_maps(RECIPE, 20, seed=1)
    return [settled(build_network(RECIPE, settings), maps) for _ in range(n)]


@pytest.mark.parametrize("settings", [CnnSettings(), AttentionSettings()])
def test_its_probabilities_are_the_mean_of_the_members_also_scripted(settings):
    networks, maps = members(settings), random_maps(RECIPE, 7)
    together = Ensemble(networks).eval()
    with torch.inference_mode():
        mean = torch.stack([network(maps).softmax(1) for network in networks]).mean(0)
        assert torch.allclose(together(maps).exp(), mean, atol=1e-6)
        scripted = torch.jit.script(together)
        for _ in range(2):  # the first run observes, the second is optimised
            assert torch.allclose(scripted(maps).exp(), mean, atol=1e-6)


def test_members_that_are_sure_of_different_things_give_finite_numbers():
    class Sure(torch.nn.Module):
        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            logits = torch.full((len(seen), 3), -1e4)
            logits[:, self.index] = 1e4
            return logits

    said = Ensemble([Sure(0), Sure(1)])(torch.zeros(2, 1))
    assert torch.allclose(said[:, :2], torch.tensor(0.5).log())
    assert torch.isfinite(said).all()
