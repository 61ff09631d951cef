"""A network that sees the signal as an image: topographies interpolated from the electrodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from offline.models.layers import Share, Width, convolutions, dense_head
from rtbci.configuration import Settings
from rtbci.montage.positions import electrode_positions
from rtbci.recipe import Recipe

_HALF_SPHERE = np.pi / 2


class ImageSettings(Settings):
    """Size of the images and of the network.

    Attributes
    ----------
    size : int
        Rows, and columns, of an image.
    widths : tuple of int
        Feature maps of the three convolutional blocks.
    hidden : int
        Units of the dense layer before the output.
    dropout : float
        Share of feature maps that a block leaves out in training.
    dense_dropout : float
        Share of the dense layer's units that is left out in training.
    """

    kind: Literal["image"] = "image"
    size: Annotated[int, Field(ge=8, le=64)] = 16
    widths: tuple[Width, Width, Width] = (16, 32, 64)
    hidden: Width = 64
    dropout: Share = 0.1
    dense_dropout: Share = 0.3


class TopographicImage(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Topographic images, one colour plane a band, and a convolutional network that looks at them.

    After Bashivan et al. 2016, Learning representations from EEG with deep recurrent-convolutional
    neural networks, ICLR, arXiv 1511.06448. The electrodes are projected
    onto a plane (:func:`azimuthal_equidistant`), and each plane of a map is interpolated between
    them onto an image of ``size`` x ``size`` pixels, zero outside the head:

    .. math:: I_{pj} = \sum_c P_{jc}\,x_{pc}

    The interpolation is linear in the values, so :math:`P` (pixels, channels) is computed once
    (:func:`topography`) and is part of the network, but nothing that it learns. Blocks of 3x3
    convolutions (:func:`~offline.models.layers.convolutions`) and a dense head make the logits.

    Two things differ from the paper. Its images are interpolated by Clough and Tocher's cubics over
    triangles, which end at the outermost electrodes; radial functions fill the head, and do so from
    any electrodes. And it goes through a sequence of images with recurrent layers; here the images
    of all segments are planes of one.

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, channels and classes.
    settings : ImageSettings
        Size of the images and of the network.
    """

    def __init__(self, recipe: Recipe, settings: ImageSettings) -> None:
        super().__init__()
        self.size = settings.size
        weights = topography(recipe.channels, settings.size).astype(np.float32)
        self.register_buffer("topography", torch.from_numpy(weights.T.copy()))
        planes = recipe.stacked_shape[0]
        self.blocks, features = convolutions(
            planes, self.size, self.size, settings.widths, settings.dropout
        )
        classes = len(recipe.classes)
        self.head = dense_head(features, settings.hidden, classes, settings.dense_dropout)

    def images(self, maps: Tensor) -> Tensor:
        """Return images (..., size, size) of maps (..., channels)."""
        return torch.matmul(maps, self.topography).unflatten(-1, [self.size, self.size])

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits (batch, classes) of maps (batch, segments, planes, channels)."""
        logits: Tensor = self.head(self.blocks(self.images(maps).flatten(1, 2)))
        return logits


def topography(channels: Sequence[str], size: int) -> NDArray[np.float64]:
    """Return the weights that make an image of the values at the electrodes.

    Parameters
    ----------
    channels : sequence of str
        Electrodes.
    size : int
        Rows, and columns, of the image.

    Returns
    -------
    array, shape (size * size, channels)
        The image's rows one after another, front of the head first and left of the head left. The
        head is the disc in it, down to the equator or to the lowest electrode. A pixel's weights
        sum to one inside the head and are zero outside.

    Raises
    ------
    ChannelError
        If an electrode's position is unknown.
    """
    electrodes = azimuthal_equidistant(electrode_positions(channels))
    radius = max(float(np.linalg.norm(electrodes, axis=1).max()), _HALF_SPHERE)
    pixels = _pixel_centres(size) * radius
    inside = np.linalg.norm(pixels, axis=1) <= radius
    weights = np.zeros((size * size, len(electrodes)))
    weights[inside] = interpolation(electrodes, pixels[inside])
    return weights


def azimuthal_equidistant(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Unroll positions on the head onto a plane.

    A position at the angle :math:`\theta` from the vertex and the azimuth :math:`\varphi` lies at
    :math:`\theta\,(\cos\varphi, \sin\varphi)`: distances from the vertex and directions are kept.

    Parameters
    ----------
    positions : array, shape (electrodes, 3)
        x to the right, y to the front, z up, from the middle of the head.

    Returns
    -------
    array, shape (electrodes, 2)
        Radians; x to the right, y to the front, the vertex at the origin.
    """
    across = np.hypot(positions[:, 0], positions[:, 1])
    angle = np.arctan2(across, positions[:, 2])
    azimuth = np.arctan2(positions[:, 1], positions[:, 0])
    plane: NDArray[np.float64] = angle[:, None] * np.stack([np.cos(azimuth), np.sin(azimuth)], 1)
    return plane


def interpolation(known: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return the weights that interpolate values from points of a plane to others.

    The interpolant is :math:`s(p) = a - \sum_c b_c \lVert p - p_c \rVert` with
    :math:`\sum_c b_c = 0` and goes through all values. It exists for any number of points,
    wherever they are.

    Parameters
    ----------
    known : array, shape (points, 2)
        Where values are known; all different.
    wanted : array, shape (others, 2)
        Where they are wanted.

    Returns
    -------
    array, shape (others, points)
        Rows sum to one.
    """
    from scipy.interpolate import RBFInterpolator

    # One impulse at each point: what becomes of them at the others is the matrix.
    interpolant = RBFInterpolator(known, np.eye(len(known)), kernel="linear", degree=0)
    weights: NDArray[np.float64] = interpolant(wanted)
    return weights


def _pixel_centres(size: int) -> NDArray[np.float64]:
    """Return centres (size * size, 2) of an image's pixels, from -1 to 1, the top row first."""
    along = (2 * np.arange(size) + 1) / size - 1
    return np.array([(x, -y) for y in along for x in along])
