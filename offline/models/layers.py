"""Layers that several networks share, and the bounds of their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from rtbci.errors import ConfigError
from rtbci.montage.grids import Grid
from rtbci.recipe import RawSignal, Recipe

Width = Annotated[int, Field(ge=1, le=1024)]
"""Units or feature maps of a layer."""

Share = Annotated[float, Field(ge=0, lt=1)]
"""What dropout leaves out."""

Duration = Annotated[float, Field(gt=0, le=10)]
"""Length of a kernel or a pool, seconds; at the recipe's rate it is at least one point."""


class OnGrid(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """Lays a map's channels out on the recipe's grid, as :meth:`~rtbci.montage.grids.Grid.to_grid`.

    Parameters
    ----------
    recipe : Recipe
        Its channels and grid.

    Attributes
    ----------
    rows, columns : int
        Shape of the grid.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        grid = Grid.of(recipe.grid, recipe.channels)
        self.rows, self.columns = grid.shape
        # Each cell's channel. One that has none takes from the zero that forward puts behind them.
        sources = np.full(self.rows * self.columns, len(grid.flat))
        sources[grid.flat] = np.arange(len(grid.flat))
        self.register_buffer("sources", torch.from_numpy(sources))

    def forward(self, maps: Tensor) -> Tensor:
        """Return pictures (..., rows, columns) of maps (..., channels), zero off the electrodes."""
        flat = nn.functional.pad(maps, (0, 1)).index_select(-1, self.sources)
        return flat.unflatten(-1, [self.rows, self.columns])


def convolutions(
    planes: int, rows: int, columns: int, widths: Sequence[int], dropout: float
) -> tuple[nn.Sequential, int]:
    r"""Return convolutional blocks for pictures, and how many numbers they make of a picture.

    With :math:`h_0` the picture, block :math:`k` is

    .. math:: h_k = \mathrm{drop}(\mathrm{pool}(\mathrm{norm}(\mathrm{relu}(W_k * h_{k-1} + b_k))))

    where :math:`W_k` is a 3x3 convolution that keeps the size, ``norm`` is batch normalisation,
    ``pool`` takes the largest of 2x2 cells (a last odd row or column stays), and ``drop`` leaves
    out whole feature maps.

    Parameters
    ----------
    planes, rows, columns : int
        Shape of a picture.
    widths : sequence of int
        Feature maps of each block.
    dropout : float
        Share of feature maps that a block leaves out in training.
    """
    blocks: list[nn.Module] = []
    for width in widths:
        blocks.append(_block(planes, width, dropout))
        planes, rows, columns = width, (rows + 1) // 2, (columns + 1) // 2
    return nn.Sequential(*blocks), planes * rows * columns


def _block(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(outputs),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Dropout2d(dropout),
    )


def dense_head(inputs: int, hidden: int, classes: int, dropout: float) -> nn.Sequential:
    r"""Return what makes logits of features: :math:`V\,\mathrm{drop}(\mathrm{relu}(U h + c)) + d`.

    Parameters
    ----------
    inputs, hidden, classes : int
        Numbers in, in between and out; the input may have any shape (batch, ...).
    dropout : float
        Share of the hidden units that is left out in training.
    """
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )


def signal_of(recipe: Recipe) -> RawSignal:
    """Return what signal a recipe keeps, for networks that look at it.

    Raises
    ------
    ConfigError
        If it keeps none.
    """
    if recipe.signal is None:
        raise ConfigError(
            "the network looks at the signal itself, and the recipe keeps none: set recipe.signal, "
            "for example to {sfreq: 128, low: 1, high: 45}"
        )
    return recipe.signal


def points_in(duration_s: float, sfreq: float) -> int:
    """Return how many points a duration has at a rate, at least one."""
    return max(round(duration_s * sfreq), 1)
