"""A small convolutional network on maps laid out as pictures."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from offline.models.layers import OnGrid, Share, Width, convolutions, dense_head
from rtbci.configuration import Settings
from rtbci.recipe import Recipe


class CnnSettings(Settings):
    """Size of the network.

    Attributes
    ----------
    widths : tuple of int
        Feature maps of the three blocks.
    hidden : int
        Units of the dense layer before the output.
    dropout : float
        Share of feature maps that a block leaves out in training.
    dense_dropout : float
        Share of the dense layer's units that is left out in training.
    """

    kind: Literal["cnn"] = "cnn"
    widths: tuple[Width, Width, Width] = (16, 32, 64)
    hidden: Width = 64
    dropout: Share = 0.1
    dense_dropout: Share = 0.3


class Cnn(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Three convolutional blocks and a dense head.

    The blocks are those of :func:`~offline.models.layers.convolutions`, the head is that of
    :func:`~offline.models.layers.dense_head`.

    A 9x9 picture shrinks to 5x5, 3x3 and 2x2; 19x19 to 10x10, 5x5 and 3x3.

    Of a recipe with several segments, each map is as many more planes of the picture.

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, grid and classes.
    settings : CnnSettings
        Size of the network.
    """

    def __init__(self, recipe: Recipe, settings: CnnSettings) -> None:
        super().__init__()
        self.on_grid = OnGrid(recipe)
        planes = recipe.stacked_shape[0]
        self.blocks, features = convolutions(
            planes, self.on_grid.rows, self.on_grid.columns, settings.widths, settings.dropout
        )
        self.head = dense_head(
            features, settings.hidden, len(recipe.classes), settings.dense_dropout
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits (batch, classes) of maps (batch, segments, planes, channels)."""
        pictures = self.on_grid(maps).flatten(1, 2)
        logits: Tensor = self.head(self.blocks(pictures))
        return logits
