from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from offline.generators.pictures import OffGrid, decoder, encoded_shape, encoder
from offline.models.layers import OnGrid
from rtbci.montage.grids import GRID_NAMES, Grid
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe
from tests.offline.models.networks import random_maps, recipes

NINETEEN = tuple("FP1 FP2 F7 F3 FZ F4 F8 T7 C3 CZ C4 T8 P7 P3 PZ P4 P8 O1 O2".split())
montages = pytest.mark.parametrize("channels", [NINETEEN, SEED_CHANNELS], ids=["19", "62"])
grids = pytest.mark.parametrize("grid", GRID_NAMES)


@given(recipe=recipes())
@settings(max_examples=25, deadline=None)
def test_a_map_comes_back_from_the_grid_as_it_was(recipe):
    maps = random_maps(recipe, 3)
    assert torch.equal(OffGrid(recipe)(OnGrid(recipe)(maps)), maps)


@montages
@grids
def test_off_the_grid_and_on_again_is_the_montages_mask(channels, grid):
    recipe = Recipe(channels=channels, grid=grid)
    mask = Grid.of(grid, channels).mask
    pictures = torch.randn(4, 5, *mask.shape)
    masked = OnGrid(recipe)(OffGrid(recipe)(pictures))
    assert np.array_equal(masked.numpy(), pictures.numpy() * mask)
    assert int(mask.sum()) == len(channels)


@grids
def test_what_is_encoded_is_decoded_to_the_grids_own_size(grid):
    rows, columns = Grid.of(grid, SEED_CHANNELS).shape
    pictures = torch.randn(3, 5, rows, columns)
    codes = encoder(5, 6)(pictures)
    assert codes.shape == (3, *encoded_shape(rows, columns, 6))
    assert decoder(5, rows, columns, 6, 0.0)(codes).shape == pictures.shape


@given(rows=st.integers(1, 24), columns=st.integers(1, 24))
@settings(max_examples=25, deadline=None)
def test_there_and_back_again_whatever_the_size(rows, columns):
    pictures = torch.randn(2, 1, rows, columns)
    codes = encoder(1, 1, plain=4)(pictures)
    assert codes.shape[1:] == encoded_shape(rows, columns, 1)
    assert decoder(1, rows, columns, 1, 0.2).eval()(codes).shape == pictures.shape


def test_the_encoder_is_that_of_the_paper():
    layers = [layer for layer in encoder(5, 128) if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [128, 256, 256, 512]
    assert [layer.stride[0] for layer in layers] == [1, 2, 1, 2]
    assert {layer.kernel_size for layer in layers} == {(3, 3)}
    for plain in range(5):
        norms = [layer for layer in encoder(5, 8, plain) if isinstance(layer, nn.BatchNorm2d)]
        assert len(norms) == 4 - plain
        first = encoder(5, 8, plain)[1]
        assert isinstance(first, nn.BatchNorm2d) == (plain == 0)
