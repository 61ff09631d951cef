"""What networks on maps share: a picture on the grid and back, the way down and the way up."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rtbci.montage.grids import Grid
from rtbci.recipe import Recipe

SLOPE = 0.2
"""Of leaky rectifiers below nought, as in DCGAN (Radford et al. 2016, arXiv 1511.06434)."""


class OffGrid(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Takes a picture's electrodes as a map: back from :class:`~offline.models.layers.OnGrid`.

    One after the other is the head's mask of the montage in use: what a network draws between and
    beside the electrodes reaches neither a loss nor another network, and of any picture :math:`P`

    .. math:: \mathrm{on}(\mathrm{off}(P)) = M \odot P

    where :math:`M` is 1 at an electrode and 0 elsewhere.

    Parameters
    ----------
    recipe : Recipe
        Its channels and grid.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        grid = Grid.of(recipe.grid, recipe.channels)
        self.register_buffer("cells", torch.from_numpy(grid.flat.copy()))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return maps (..., channels) of pictures (..., rows, columns)."""
        return pictures.flatten(-2).index_select(-1, self.cells)


def encoder(planes: int, width: int, plain: int = 0) -> nn.Sequential:
    """Return four convolutions that halve a picture twice: ESC-GAN's encoder.

    3x3 convolutions to ``h``, ``2h``, ``2h`` and ``4h`` feature maps, of which the second and the
    fourth take every other cell, each with batch normalisation and a leaky rectifier.

    Parameters
    ----------
    planes : int
        Of a picture.
    width : int
        The paper's ``h``.
    plain : int
        How many of them, from the first on, go without batch normalisation.
    """
    widths = (planes, width, 2 * width, 2 * width, 4 * width)
    layers: list[nn.Module] = []
    for number, stride in enumerate((1, 2, 1, 2)):
        inputs, outputs = widths[number : number + 2]
        layers.append(nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1))
        if number >= plain:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.LeakyReLU(SLOPE))
    return nn.Sequential(*layers)


def encoded_shape(rows: int, columns: int, width: int) -> tuple[int, int, int]:
    """Return the shape of what :func:`encoder` makes: (feature maps, rows, columns)."""
    return 4 * width, (rows + 3) // 4, (columns + 3) // 4


def decoder(planes: int, rows: int, columns: int, width: int, slope: float) -> nn.Sequential:
    """Return four transposed convolutions that lead from an encoder's output back to a picture.

    They are the encoder's in reverse, with batch normalisation and a rectifier after each but the
    last: standardised maps have any sign, and no bound that a tangent would give them.

    Parameters
    ----------
    planes, rows, columns : int
        Shape of a picture.
    width : int
        The encoder's.
    slope : float
        Of the rectifiers below nought; 0 is the plain one.
    """
    # A convolution of stride 2 makes as much of 2n - 1 cells as of 2n: which it was is told here.
    half = (rows + 1) // 2, (columns + 1) // 2
    to_half, to_whole = ((half[0] + 1) % 2, (half[1] + 1) % 2), ((rows + 1) % 2, (columns + 1) % 2)
    inner = [
        nn.ConvTranspose2d(4 * width, 2 * width, 3, stride=2, padding=1, output_padding=to_half),
        nn.ConvTranspose2d(2 * width, 2 * width, 3, padding=1),
        nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=to_whole),
    ]
    layers: list[nn.Module] = []
    for layer in inner:
        layers += [layer, nn.BatchNorm2d(layer.out_channels), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, planes, 3, padding=1))
