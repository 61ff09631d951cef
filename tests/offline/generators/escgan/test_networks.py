from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings

from offline.generators.escgan.networks import Discriminator, Editor
from offline.generators.pictures import encoder
from rtbci.montage.grids import GRID_NAMES, Grid
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe
from tests.offline.generators.test_pictures import NINETEEN
from tests.offline.models.networks import recipes


def batch(recipe: Recipe, n: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(n, *recipe.stacked_shape), torch.arange(n) % len(recipe.classes)


@given(recipe=recipes())
@settings(max_examples=15, deadline=None)
def test_maps_of_any_montage_are_edited_and_judged(recipe):
    maps, targets = batch(recipe)
    edited, codes = Editor(recipe, 2)(maps, targets)
    assert edited.shape == maps.shape
    assert codes.shape[:2] == (5, 8)
    real, classes = Discriminator(recipe, 2)(edited)
    assert real.shape == (5,)
    assert classes.shape == (5, len(recipe.classes))


@pytest.mark.parametrize("grid", GRID_NAMES)
@pytest.mark.parametrize("channels", [NINETEEN, SEED_CHANNELS], ids=["19", "62"])
def test_the_mask_is_that_of_the_montage_in_use(channels, grid):
    recipe, seen = Recipe(channels=channels, grid=grid), []
    discriminator = Discriminator(recipe, 2)
    discriminator.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    discriminator(Editor(recipe, 2)(*batch(recipe))[0])
    mask = torch.from_numpy(Grid.of(grid, channels).mask)
    assert (seen[0][..., ~mask] == 0).all()
    assert (seen[0][..., mask] != 0).all()


@pytest.mark.parametrize("residual", [True, False])
def test_the_code_times_the_classs_embedding_is_what_is_decoded(residual):
    recipe = Recipe(channels=NINETEEN)
    editor = Editor(recipe, 2, residual).eval()
    maps, targets = batch(recipe)
    edited, codes = editor(maps, targets)
    assert torch.equal(codes, editor.encoder(editor.on_grid(maps)))
    embedded = editor.embedding.weight[targets].reshape(codes.shape)
    decoded = editor.off_grid(editor.decoder(codes * embedded))
    assert torch.allclose(edited, maps + decoded if residual else decoded, atol=1e-6)
    assert not torch.allclose(editor(maps, (targets + 1) % 3)[0], edited, atol=1e-6)


def test_both_have_the_papers_encoder():
    recipe = Recipe(channels=NINETEEN)
    of_paper = [tuple(p.shape) for p in encoder(5, 4).parameters()]
    for network in (Editor(recipe, 4), Discriminator(recipe, 4)):
        assert [tuple(p.shape) for p in network.encoder.parameters()] == of_paper
