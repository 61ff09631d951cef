from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from torch import nn

from offline.generators.noise import FromNoise, Judge
from rtbci.montage.grids import Grid
from tests.offline.generators.material import RECIPE
from tests.offline.models.networks import recipes


@given(recipe=recipes())
@settings(max_examples=15, deadline=None)
def test_maps_of_any_montage_are_made_and_judged(recipe):
    classes = len(recipe.classes)
    labels = torch.arange(6) % classes
    maps = FromNoise(recipe, noise=5, width=2).draw(labels)
    assert maps.shape == (6, *recipe.stacked_shape)
    verdicts = Judge(recipe, width=2, plain=1)(maps, labels)
    assert verdicts.shape == (6,)


def test_the_judge_sees_nothing_beside_the_electrodes():
    judge, seen = Judge(RECIPE, width=2, plain=4), []
    judge.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    labels = torch.zeros(3, dtype=torch.int64)
    judge(FromNoise(RECIPE, noise=5, width=2).draw(labels), labels)
    mask = torch.from_numpy(Grid.of(RECIPE.grid, RECIPE.channels).mask)
    assert (seen[0][..., ~mask] == 0).all()
    assert (seen[0][..., mask] != 0).all()


def test_the_class_decides_what_is_made_of_the_same_noise():
    network = FromNoise(RECIPE, noise=5, width=4).eval()
    noise = torch.randn(1, 5).expand(3, 5)
    made = network(noise, torch.arange(3))
    assert (made[0] - made[1]).abs().mean() > 1e-4
    assert torch.allclose(made[:1], network(noise[:1], torch.tensor([0])), atol=1e-6)


def test_the_verdict_is_the_projection_of_its_equation():
    judge = Judge(RECIPE, width=2, plain=4)
    maps, labels = torch.randn(5, *RECIPE.map_shape), torch.tensor([0, 1, 2, 1, 0])
    at_first = judge(maps, labels)
    assert torch.equal(at_first, judge(maps, labels.flip(0)))  # no class counts yet
    nn.init.normal_(judge.of_class.weight)
    features = judge.encoder(judge.on_grid(maps)).flatten(1)
    expected = at_first + torch.stack(
        [features[k] @ judge.of_class.weight[labels[k]] for k in range(5)]
    )
    assert torch.allclose(judge(maps, labels), expected, atol=1e-5)


@pytest.mark.parametrize("plain", [0, 1, 4])
def test_batch_normalisation_is_where_it_is_wanted(plain):
    judge, labels = Judge(RECIPE, width=4, plain=plain), torch.zeros(4, dtype=torch.int64)
    maps = torch.randn(4, *RECIPE.map_shape)
    others = torch.cat([maps[:1], 5 * maps[1:]])
    alone = torch.allclose(judge(maps, labels)[0], judge(others, labels)[0], atol=1e-5)
    assert alone == (plain == 4)
