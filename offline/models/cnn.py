"""A small convolutional network on maps laid out as pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from offline.models.layers import OnGrid
from rtbci.configuration import Settings
from rtbci.recipe import Recipe

Width = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(ge=0, lt=1)]


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

    With :math:`h_0` the picture, block :math:`k` is

    .. math:: h_k = \mathrm{drop}(\mathrm{pool}(\mathrm{norm}(\mathrm{relu}(W_k * h_{k-1} + b_k))))

    where :math:`W_k` is a 3x3 convolution that keeps the size, ``norm`` is batch normalisation,
    ``pool`` takes the largest of 2x2 cells (a last odd row or column stays), and ``drop`` leaves
    out whole feature maps. The head is :math:`V\,\mathrm{drop}(\mathrm{relu}(U h_3 + c)) + d`.

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
        rows, columns = self.on_grid.rows, self.on_grid.columns
        width = recipe.segments * recipe.map_shape[0]
        blocks: list[nn.Module] = []
        for wider in settings.widths:
            blocks.append(_block(width, wider, settings.dropout))
            width, rows, columns = wider, (rows + 1) // 2, (columns + 1) // 2
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width * rows * columns, settings.hidden),
            nn.ReLU(),
            nn.Dropout(settings.dense_dropout),
            nn.Linear(settings.hidden, len(recipe.classes)),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits (batch, classes) of maps (batch, segments, planes, channels)."""
        pictures = self.on_grid(maps).flatten(1, 2)
        logits: Tensor = self.head(self.blocks(pictures))
        return logits


def _block(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(outputs),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Dropout2d(dropout),
    )


def parameter_count(network: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())
