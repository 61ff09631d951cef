"""EEG Conformer: convolutions turn the signal into tokens, and attention relates these."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from offline.models.layers import Duration, Share, Width, dense_head, points_in, signal_of
from rtbci.configuration import Settings
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe
from rtbci.signal.raw import window_points

Count = Annotated[int, Field(ge=1, le=64)]


class ConformerSettings(Settings):
    """Size of the network.

    Lengths in time and dropout are the paper's. Its network has 40 filters, 10 heads, 6 layers and
    an expansion of 4, which is much for a dozen people's windows of a second or two.

    Attributes
    ----------
    filters : int
        Temporal and spatial filters, which is also the width of a token.
    kernel_s : float
        Length of the temporal filters, seconds.
    pool_s, stride_s : float
        What a token averages over, and the distance from one token to the next, seconds.
    heads, layers : int
        Attention heads of a layer, and layers of the encoder. Heads share a token's width evenly.
    expansion : int
        Units of a layer's dense part for each of a token's.
    hidden : int
        Units of the dense layer before the output.
    dropout : float
        Share of a token's numbers, and of the dense layer's units, left out in training.
    encoder_dropout : float
        Share of attention weights, units and outputs that an encoder layer leaves out in training.
    """

    kind: Literal["conformer"] = "conformer"
    filters: Width = 16
    kernel_s: Duration = 0.1
    pool_s: Duration = 0.3
    stride_s: Duration = 0.06
    heads: Count = 4
    layers: Count = 2
    expansion: Count = 2
    hidden: Width = 32
    dropout: Share = 0.5
    encoder_dropout: Share = 0.5

    @model_validator(mode="after")
    def _heads_share_evenly(self) -> Self:
        if self.filters % self.heads:
            raise ValueError(f"{self.heads} heads cannot share {self.filters} filters evenly")
        return self


class Conformer(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""EEG Conformer of Song et al. (2023): convolutions, attention, dense head.

    With :math:`x` the window, shape (1, channels, points), the convolutions make :math:`m` tokens,
    each of :math:`k` filters,

    .. math:: z_0 = \mathrm{drop}(\mathrm{pool}(\mathrm{elu}(\mathrm{norm}(W_2 * (W_1 * x)))))^\top
              \qquad (m, k)

    where :math:`W_1` filters along time, :math:`W_2` weighs channels and filters, ``norm`` is batch
    normalisation, and ``pool`` averages over times that overlap. Nothing stands between the two
    convolutions, so they are computed as one. Then :class:`EncoderLayer` after
    :class:`EncoderLayer` relates the tokens, and the head is
    :math:`V\,\mathrm{drop}(\mathrm{relu}(U z_N + c)) + d` of all tokens in order of time. No
    positions are added to the tokens, as their order is the head's to know.

    It differs from the paper in that it is smaller by default, that lengths are in seconds (at
    250 Hz they are the paper's points), and that where the tokens do not come out even the window's
    oldest points are left out, not its newest. Convolutions have no bias, which batch normalisation
    takes away. Of the authors' program (github.com/eeyhsong/EEG-Conformer), the linear map between
    pool and encoder and the first of three dense layers are left out, the head has ReLU for ELU,
    and attention is scaled otherwise; see :class:`SelfAttention`.

    Parameters
    ----------
    recipe : Recipe
        Its channels, classes, window and signal.
    settings : ConformerSettings
        Size of the network.

    Raises
    ------
    ConfigError
        If the recipe keeps no signal, or its window is too short for one token.

    References
    ----------
    Song Y, Zheng Q, Liu B, Gao X. EEG Conformer: convolutional transformer for EEG decoding and
    visualization. IEEE Trans Neural Syst Rehabil Eng 31 (2023) 710-719,
    doi:10.1109/TNSRE.2022.3230250.
    """

    def __init__(self, recipe: Recipe, settings: ConformerSettings) -> None:
        super().__init__()
        width = settings.filters
        kernel, pool, stride, tokens = _token_times(recipe, settings)
        self.points = kernel - 1 + pool + (tokens - 1) * stride
        self.temporal = nn.Conv1d(1, width, kernel, bias=False)
        self.spatial = nn.Conv2d(width, width, (len(recipe.channels), 1), bias=False)
        self.pool = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.ELU(),
            nn.AvgPool1d(pool, stride),
            nn.Dropout(settings.dropout),
        )
        self.encoder = nn.Sequential(
            *[
                EncoderLayer(width, settings.heads, settings.expansion, settings.encoder_dropout)
                for _ in range(settings.layers)
            ]
        )
        self.head = dense_head(
            tokens * width, settings.hidden, len(recipe.classes), settings.dropout
        )

    def forward(self, signal: Tensor) -> Tensor:
        """Return logits (batch, classes) of standardised windows (batch, channels, points)."""
        # Kernels (filters, channels, points) that do at once what the two convolutions do.
        kernels = self.spatial.weight.squeeze(3).transpose(1, 2) @ self.temporal.weight.squeeze(1)
        sources = functional.conv1d(signal[:, :, -self.points :], kernels)
        logits: Tensor = self.head(self.encoder(self.pool(sources).transpose(1, 2)))
        return logits


class EncoderLayer(nn.Module):  # type: ignore[misc]
    r"""One layer of a transformer's encoder, normalised before each part.

    .. math::

        z' &= z + \mathrm{drop}(\mathrm{attention}(\mathrm{norm}(z))) \\
        z'' &= z' + \mathrm{drop}(W_2\,\mathrm{drop}(\mathrm{gelu}(W_1\,\mathrm{norm}(z'))))

    ``norm`` is layer normalisation; biases are not written.

    Parameters
    ----------
    width, heads : int
        Length of a token, and the heads that share it.
    expansion : int
        Units between the two linear maps for each of a token's numbers.
    dropout : float
        Share left out in training.
    """

    def __init__(self, width: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.relate = nn.Sequential(
            nn.LayerNorm(width), SelfAttention(width, heads, dropout), nn.Dropout(dropout)
        )
        self.transform = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(expansion * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens (batch, tokens, width) of such tokens."""
        related = tokens + self.relate(tokens)
        transformed: Tensor = related + self.transform(related)
        return transformed


class SelfAttention(nn.Module):  # type: ignore[misc]
    r"""Multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762, equation 1).

    Each head takes its share :math:`d` of the queries, keys and values, linear in the tokens:

    .. math:: \mathrm{softmax}(Q K^\top / \sqrt{d})\, V

    The heads' results lie side by side and are mixed by one more linear map. The authors of EEG
    Conformer divide by the root of a token's whole width instead of a head's, which flattens the
    weights; here they are as in Vaswani et al.

    Parameters
    ----------
    width, heads : int
        Length of a token, and the heads that share it.
    dropout : float
        Share of weights left out in training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.scale = 1 / math.sqrt(width // heads)
        self.project = nn.Linear(width, 3 * width)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens (batch, tokens, width) of such tokens."""
        shares = self.project(tokens).unflatten(-1, [3, self.heads, -1]).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(shares[0] @ shares[1].transpose(-2, -1) * self.scale, dim=-1)
        values = self.dropout(weights) @ shares[2]
        mixed: Tensor = self.mix(values.transpose(1, 2).flatten(2))
        return mixed


def _token_times(recipe: Recipe, settings: ConformerSettings) -> tuple[int, int, int, int]:
    """Return the points of kernel, pool and stride, and how many tokens a window makes."""
    sfreq = signal_of(recipe).sfreq
    kernel, pool, stride = (
        points_in(duration, sfreq)
        for duration in (settings.kernel_s, settings.pool_s, settings.stride_s)
    )
    spare = window_points(recipe) - (kernel - 1 + pool)
    if spare < 0:
        raise ConfigError(
            f"recipe.window_s is {recipe.window_s:g} s, too short for one of the Conformer's "
            f"tokens, which takes kernel_s and pool_s, {settings.kernel_s:g} + "
            f"{settings.pool_s:g} s: lengthen the window or shorten these"
        )
    return kernel, pool, stride, spare // stride + 1
