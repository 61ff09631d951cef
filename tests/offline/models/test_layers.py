from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from offline.models.layers import OnGrid, convolutions
from rtbci.montage.grids import Grid
from tests.offline.models.networks import random_maps, recipes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@given(recipe=recipes())
@settings(max_examples=25, deadline=None)
def test_a_map_lies_on_the_grid_as_in_the_signal_path(recipe):
    maps = random_maps(recipe, 3)
    expected = Grid.of(recipe.grid, recipe.channels).to_grid(maps.numpy())
    on_grid = OnGrid(recipe)
    for layer in (on_grid, torch.jit.script(on_grid)):
        assert np.array_equal(layer(maps).numpy(), expected)
        assert np.array_equal(layer(maps[0, 0, 0]).numpy(), expected[0, 0, 0])


@given(recipe=recipes())
@settings(max_examples=10, deadline=None)
def test_what_is_learned_reaches_every_channel_through_the_grid(recipe):
    maps = random_maps(recipe, 2).requires_grad_()
    pictures = OnGrid(recipe)(maps)
    weights = torch.randn_like(pictures)
    (pictures * weights).sum().backward()
    grid = Grid.of(recipe.grid, recipe.channels)
    assert np.array_equal(maps.grad.numpy(), grid.from_grid(weights.numpy()))


@pytest.mark.parametrize(("rows", "columns"), [(9, 9), (8, 9), (19, 19), (1, 1), (16, 16)])
def test_convolutions_say_how_much_they_make_of_a_picture(rows, columns):
    blocks, features = convolutions(4, rows, columns, (3, 7), dropout=0.1)
    assert blocks(torch.randn(2, 4, rows, columns)).flatten(1).shape == (2, features)
