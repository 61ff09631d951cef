"""A graph convolutional network whose links between electrodes are learned."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from offline.models.layers import Share, Width, dense_head
from rtbci.configuration import Settings
from rtbci.montage.positions import electrode_positions
from rtbci.recipe import Recipe

_REACH = 0.08  # metres: neighbours begin with links near one, the two ears still with 0.1


class GraphSettings(Settings):
    """Size of the network.

    Attributes
    ----------
    order : int
        Chebyshev polynomials, of the degrees 0 to ``order`` - 1: an electrode sees others that are
        at most ``order`` - 1 links away.
    width : int
        Numbers that the graph convolution makes for each electrode.
    hidden : int
        Units of the dense layer before the output.
    dropout : float
        Share of the electrodes' numbers that is left out in training.
    dense_dropout : float
        Share of the dense layer's units that is left out in training.
    """

    kind: Literal["graph"] = "graph"
    order: Annotated[int, Field(ge=2, le=8)] = 3
    width: Width = 16
    hidden: Width = 64
    dropout: Share = 0.3
    dense_dropout: Share = 0.3


class ChebyshevConvolution(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Convolution on a graph by Chebyshev polynomials of its Laplacian.

    .. math:: Y = \sum_{k=0}^{K-1} T_k(\tilde L)\,X\,\Theta_k + 1 b^T

    with :math:`T_0(\tilde L) X = X`, :math:`T_1(\tilde L) X = \tilde L X` and
    :math:`T_k(\tilde L) X = 2 \tilde L\,T_{k-1}(\tilde L) X - T_{k-2}(\tilde L) X` (Defferrard et
    al. 2016, arXiv 1606.09375).

    Parameters
    ----------
    inputs, outputs : int
        Numbers of each node before and after.
    order : int
        :math:`K`, at least 2.
    """

    def __init__(self, inputs: int, outputs: int, order: int) -> None:
        super().__init__()
        self.order = order
        self.theta = nn.Linear(order * inputs, outputs)

    def forward(self, nodes: Tensor, laplacian: Tensor) -> Tensor:
        """Return nodes (batch, nodes, outputs) of nodes (batch, nodes, inputs).

        ``laplacian`` (nodes, nodes) is scaled to eigenvalues from -1 to 1.
        """
        terms = [nodes, torch.matmul(laplacian, nodes)]
        for _ in range(2, self.order):
            terms.append(2 * torch.matmul(laplacian, terms[-1]) - terms[-2])
        convolved: Tensor = self.theta(torch.cat(terms, dim=-1))
        return convolved


class Graph(nn.Module):  # type: ignore[misc]
    r"""Electrodes as the nodes of a graph with learned links.

    After Song et al. 2018, EEG emotion recognition using dynamical graph convolutional neural
    networks (DGCNN), IEEE Transactions on Affective Computing, doi 10.1109/TAFFC.2018.2817622. The
    nodes are the channels; a node's numbers :math:`X` are all planes of all segments at its
    electrode. The links :math:`A` (channels, channels) are learned with all other weights, and as
    in the paper only positive ones count. Here they hold both ways:

    .. math:: W = \tfrac12 (\mathrm{relu}(A) + \mathrm{relu}(A)^T), \quad
              D_{ii} = \sum_j W_{ij}, \quad L = I - D^{-1/2} W D^{-1/2}

    The eigenvalues of this normalised Laplacian lie between 0 and 2, so it is scaled by that bound,
    where the paper takes its greatest eigenvalue: :math:`\tilde L = 2 L / 2 - I`, which is
    :math:`-D^{-1/2} W D^{-1/2}`. A Chebyshev convolution (:class:`ChebyshevConvolution`) with
    :math:`\mathrm{relu}`, dropout and a dense head make the logits.

    A link begins as :math:`\exp(-d^2 / 2 \rho^2)` with :math:`d` the distance of two electrodes and
    :math:`\rho` = 8 cm. One that falls below nought is gone for good. The paper adds a multiple of
    the weights' norm to the loss; that is left to the optimiser's weight decay, which the links
    feel as all weights do.

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, channels and classes.
    settings : GraphSettings
        Size of the network.
    """

    def __init__(self, recipe: Recipe, settings: GraphSettings) -> None:
        super().__init__()
        planes, channels = recipe.map_shape
        closeness = _closeness(electrode_positions(recipe.channels)).astype(np.float32)
        self.adjacency = nn.Parameter(torch.from_numpy(closeness))
        self.convolution = ChebyshevConvolution(
            recipe.segments * planes, settings.width, settings.order
        )
        self.drop = nn.Dropout(settings.dropout)
        self.head = dense_head(
            channels * settings.width, settings.hidden, len(recipe.classes), settings.dense_dropout
        )

    def laplacian(self) -> Tensor:
        """Return the scaled Laplacian (channels, channels) of the links as they are now."""
        positive = self.adjacency.relu()
        links = (positive + positive.t()) / 2
        scale = links.sum(1).clamp_min(1e-6).rsqrt()  # an electrode may lose all its links
        scaled: Tensor = -scale.unsqueeze(1) * links * scale
        return scaled

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits (batch, classes) of maps (batch, segments, planes, channels)."""
        nodes = maps.flatten(1, 2).transpose(1, 2)
        convolved = self.convolution(nodes, self.laplacian()).relu()
        logits: Tensor = self.head(self.drop(convolved))
        return logits


def _closeness(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return links (electrodes, electrodes) from one, at the same place, towards nought."""
    apart = positions[:, None] - positions
    closeness: NDArray[np.float64] = np.exp(-(apart**2).sum(-1) / (2 * _REACH**2))
    return closeness
