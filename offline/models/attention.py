"""A network that weighs bands, electrodes and moments: 4-D maps, convolutions, LSTM, attention."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from offline.models.layers import OnGrid, Share, Width, convolutions, dense_head
from rtbci.configuration import Settings
from rtbci.recipe import Recipe


class AttentionSettings(Settings):
    """Size of the network, and which kinds of attention it pays.

    Attributes
    ----------
    spectral, spatial, temporal : bool
        Whether planes, electrodes and segments are weighed. Where they are not, planes and
        electrodes pass as they are, and the LSTM's last state stands for all segments.
    widths : tuple of int
        Feature maps of the two convolutional blocks.
    hidden : int
        Numbers that a segment is boiled down to, and units of the dense layer before the output.
    state : int
        Units of the LSTM.
    dropout : float
        Share of feature maps that a convolutional block leaves out in training.
    dense_dropout : float
        Share of a segment's numbers, and of the dense layer's units, that is left out in training.
    """

    kind: Literal["attention"] = "attention"
    spectral: bool = True
    spatial: bool = True
    temporal: bool = True
    widths: tuple[Width, Width] = (16, 32)
    hidden: Width = 64
    state: Width = 32
    dropout: Share = 0.1
    dense_dropout: Share = 0.3


class SpectralAttention(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Weighs the planes of a map, that is the bands of each feature.

    .. math:: g = 2\,\sigma(W_2\,\mathrm{relu}(W_1 \bar x + b_1) + b_2), \quad
              y_{pc} = g_p\,x_{pc}

    with :math:`\bar x_p` the mean over electrodes. Of weights between nought and two, one is the
    middle: a plane that is no better than the others passes as it is.

    Parameters
    ----------
    planes : int
        Planes of a map.
    """

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(planes, planes), nn.ReLU(), nn.Linear(planes, planes))

    def forward(self, maps: Tensor) -> Tensor:
        """Return weighed maps (..., planes, channels)."""
        gains = 2 * torch.sigmoid(self.gate(maps.mean(-1)))
        weighed: Tensor = maps * gains.unsqueeze(-1)
        return weighed


class SpatialAttention(nn.Module):  # type: ignore[misc]
    r"""Weighs the electrodes of a map.

    .. math:: q_c = 2\,\sigma(w^T x_c + b_c), \quad y_{pc} = q_c\,x_{pc}

    with :math:`x_c` the planes at electrode :math:`c`: a 1x1 convolution with a bias of each
    electrode's own, so that a region can count for more whatever is in it.

    Parameters
    ----------
    planes, channels : int
        Shape of a map.
    """

    def __init__(self, planes: int, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(planes, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Return weighed maps (..., planes, channels)."""
        scores = self.mix(maps.transpose(-1, -2)).squeeze(-1) + self.bias
        weighed: Tensor = maps * (2 * torch.sigmoid(scores)).unsqueeze(-2)
        return weighed


class TemporalAttention(nn.Module):  # type: ignore[misc]
    r"""Weighs the states that a recurrent layer went through and sums them.

    .. math:: e_t = v^T \tanh(W h_t + b), \quad \alpha = \mathrm{softmax}(e), \quad
              z = \sum_t \alpha_t h_t

    Parameters
    ----------
    state : int
        Numbers in a state.
    """

    def __init__(self, state: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(state, state), nn.Tanh(), nn.Linear(state, 1, bias=False)
        )

    def weights(self, states: Tensor) -> Tensor:
        """Return what each of the states (batch, segments, state) counts, (batch, segments)."""
        scores: Tensor = self.score(states).squeeze(-1)
        return scores.softmax(-1)

    def forward(self, states: Tensor) -> Tensor:
        """Return the weighed sum (batch, state) of states (batch, segments, state)."""
        summed: Tensor = (self.weights(states).unsqueeze(-1) * states).sum(1)
        return summed


class LastState(nn.Module):  # type: ignore[misc]
    """Takes the newest of the states that a recurrent layer went through."""

    def forward(self, states: Tensor) -> Tensor:
        """Return the last (batch, state) of states (batch, segments, state)."""
        return states[:, -1]


class Attention(nn.Module):  # type: ignore[misc]
    r"""4-D maps through spectral and spatial attention, convolutions and an attentive LSTM.

    After Xiao et al. 2022, 4D attention-based neural network for EEG emotion recognition (4D-aNN),
    Cognitive Neurodynamics, doi 10.1007/s11571-021-09751-5. The input is theirs where the recipe's
    features are ``de`` and ``psd``: planes of each band's differential entropy and power density,
    on a grid, for each of the last :math:`T` segments.

    1. Of each segment's map, planes are weighed (:class:`SpectralAttention`), then electrodes
       (:class:`SpatialAttention`).
    2. It is laid out on the grid, and two convolutional blocks
       (:func:`~offline.models.layers.convolutions`) and a dense layer make a vector of it,
       :math:`u_t = \mathrm{drop}(\mathrm{relu}(U f(x_t) + c))`. All segments share these weights.
    3. A long short-term memory goes through the vectors, :math:`h_t = \mathrm{LSTM}(u_t, h_{t-1})`.
    4. Attention over :math:`h_1 \ldots h_T` makes one vector of them (:class:`TemporalAttention`),
       and a dense head the logits.

    Two things differ from the paper. Its LSTM runs in both directions; this one runs forwards only,
    so that a state depends on no later segment, and the last segment is the newest there is. And
    the parts are written in their usual forms, and small: the weights of planes as in squeeze and
    excitation (Hu et al. 2018, arXiv 1709.01507), those of segments as in hierarchical attention
    (Yang et al. 2016, doi 10.18653/v1/N16-1174).

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, grid and classes.
    settings : AttentionSettings
        Size of the network and its kinds of attention.
    """

    def __init__(self, recipe: Recipe, settings: AttentionSettings) -> None:
        super().__init__()
        planes, channels = recipe.map_shape
        hidden, state = settings.hidden, settings.state
        self.spectral = SpectralAttention(planes) if settings.spectral else nn.Identity()
        self.spatial = SpatialAttention(planes, channels) if settings.spatial else nn.Identity()
        self.on_grid = OnGrid(recipe)
        self.blocks, features = convolutions(
            planes, self.on_grid.rows, self.on_grid.columns, settings.widths, settings.dropout
        )
        self.vector = nn.Sequential(
            nn.Flatten(),
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(settings.dense_dropout),
        )
        self.recurrent = nn.LSTM(hidden, state, batch_first=True)
        self.over_time = TemporalAttention(state) if settings.temporal else LastState()
        self.head = dense_head(state, hidden, len(recipe.classes), settings.dense_dropout)

    def states(self, maps: Tensor) -> Tensor:
        """Return the state after each segment, (batch, segments, state), of maps as in forward."""
        batch, segments = maps.shape[0], maps.shape[1]
        weighed = self.spatial(self.spectral(maps.flatten(0, 1)))
        vectors = self.vector(self.blocks(self.on_grid(weighed)))
        states: Tensor = self.recurrent(vectors.unflatten(0, [batch, segments]))[0]
        return states

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits (batch, classes) of maps (batch, segments, planes, channels)."""
        logits: Tensor = self.head(self.over_time(self.states(maps)))
        return logits
