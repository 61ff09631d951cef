"""EEGNet: temporal, spatial and separable convolutions on windows of the signal itself."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from offline.models.layers import Duration, Share, Width, points_in, signal_of
from rtbci.configuration import Settings
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe
from rtbci.signal.raw import window_points

Norm = Annotated[float, Field(gt=0, le=100)]


class EEGNetSettings(Settings):
    """Size of the network.

    The defaults are the paper's EEGNet-8,2 for signals at 128 Hz. It drops half of the features
    where a network learns from one person's few trials, and a quarter where it learns from others.

    Attributes
    ----------
    temporal_filters : int
        Temporal filters, F1 in the paper.
    depth : int
        Spatial filters for each temporal one, D.
    pointwise_filters : int
        Mixtures of these, F2; the paper takes F1 times D.
    kernel_s : float
        Length of the temporal filters, seconds. The slowest rhythm that one holds a whole period
        of is its inverse: 2 Hz at half a second.
    separable_kernel_s : float
        Length of the second convolution's filters, seconds.
    pools_s : tuple of (float, float)
        What the two averages are taken over, seconds.
    dropout : float
        Share of features that each of the two blocks leaves out in training.
    spatial_norm, dense_norm : float
        The greatest Euclidean norm of a spatial filter, and of one class's dense weights.
    """

    kind: Literal["eegnet"] = "eegnet"
    temporal_filters: Width = 8
    depth: Annotated[int, Field(ge=1, le=64)] = 2
    pointwise_filters: Width = 16
    kernel_s: Duration = 0.5
    separable_kernel_s: Duration = 0.5
    pools_s: tuple[Duration, Duration] = (1 / 32, 1 / 4)
    dropout: Share = 0.25
    spatial_norm: Norm = 1.0
    dense_norm: Norm = 0.25


class EEGNet(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""EEGNet of Lawhern et al. (2018), table 2.

    With :math:`x` the window, shape (channels, points), and ``norm`` batch normalisation,

    .. math::

        h_1 &= W_1 * (W_2 x) && (F_1 D, \text{points}) \\
        h_2 &= \mathrm{drop}(\mathrm{pool}(\mathrm{elu}(\mathrm{norm}(h_1))))
            && (F_1 D, \text{points} / p_1) \\
        h_3 &= \mathrm{drop}(\mathrm{pool}(\mathrm{elu}(\mathrm{norm}(W_4 (W_3 * h_2)))))
            && (F_2, \text{points} / (p_1 p_2)) \\
        \text{logits} &= V h_3 + b

    where :math:`W_1` are the F1 temporal filters, :math:`W_2` weighs the channels, D times for each
    of them, :math:`W_3` filters each feature along time again, :math:`W_4` mixes the features, and
    ``pool`` takes averages over :math:`p_1` and :math:`p_2` points. Filters along time keep the
    length: zeros stand before and after. No spatial filter of :math:`W_2` has a norm above 1, no
    class's row of :math:`V` one above 0.25.

    It differs from the paper in these things:

    - The paper filters all channels along time, normalises, and weighs channels then. Filtering and
      weighing are linear, so either may come first; what comes second works on F1 D signals instead
      of F1 times the channels, in an eighth of the time. The normalisation between them scales and
      shifts all channels of a temporal filter alike, which the next one takes away; it is left out,
      and with it 2 F1 parameters.
    - Kernels and pools have a length in seconds, so that the filters reach equally far at any rate;
      at 128 Hz they have the paper's points.
    - Where the pools do not divide the window, its oldest points are left out, not its newest.
    - The paper clips weights that are too long after each step of the optimiser. Here they are
      stored as they are learned, and :func:`torch.renorm` shortens them in each pass, gradient
      included: what is computed keeps the bounds, whatever the optimiser does. Of the two it is the
      dense one that matters; a spatial filter's length is what normalisation takes away next.
    - Initial weights and the time constant of batch normalisation are PyTorch's, not those of
      Keras.

    Parameters
    ----------
    recipe : Recipe
        Its channels, classes, window and signal.
    settings : EEGNetSettings
        Size of the network.

    Raises
    ------
    ConfigError
        If the recipe keeps no signal, or its window is shorter than the temporal filters or the
        pools.

    References
    ----------
    Lawhern VJ, Solon AJ, Waytowich NR, Gordon SM, Hung CP, Lance BJ. EEGNet: a compact
    convolutional neural network for EEG-based brain-computer interfaces. J Neural Eng 15 (2018)
    056013, doi:10.1088/1741-2552/aace8c.
    """

    def __init__(self, recipe: Recipe, settings: EEGNetSettings) -> None:
        super().__init__()
        sfreq = signal_of(recipe).sfreq
        first, second = _pools(settings, sfreq)
        steps = _steps(recipe, settings)
        self.points = steps * first * second
        self.spatial_norm, self.dense_norm = settings.spatial_norm, settings.dense_norm
        self.filters, mixtures = settings.temporal_filters, settings.pointwise_filters
        sources = self.filters * settings.depth
        self.spatial = nn.Linear(len(recipe.channels), sources, bias=False)
        self.temporal = _along_time(self.filters, settings.kernel_s, sfreq)
        self.average = _averaged(sources, first, settings.dropout)
        self.separable = nn.Sequential(
            _along_time(sources, settings.separable_kernel_s, sfreq / first),
            nn.Conv2d(sources, mixtures, 1, bias=False),
            _averaged(mixtures, second, settings.dropout),
        )
        self.dense = nn.Linear(mixtures * steps, len(recipe.classes))

    def forward(self, signal: Tensor) -> Tensor:
        """Return logits (batch, classes) of standardised windows (batch, channels, points)."""
        spatial = torch.renorm(self.spatial.weight, 2.0, 0, self.spatial_norm)
        sources = torch.matmul(spatial, signal[:, :, -self.points :])
        # A temporal filter's sources are the rows of its picture, so that it meets each of them.
        rhythms = self.temporal(sources.unflatten(1, [self.filters, -1]))
        features = self.separable(self.average(rhythms.flatten(1, 2).unsqueeze(2)))
        dense = torch.renorm(self.dense.weight, 2.0, 0, self.dense_norm)
        return functional.linear(features.flatten(1), dense, self.dense.bias)


def _pools(settings: EEGNetSettings, sfreq: float) -> tuple[int, int]:
    """Return the lengths of the two averages; the second is counted in results of the first."""
    first = points_in(settings.pools_s[0], sfreq)
    return first, points_in(settings.pools_s[1], sfreq / first)


def _steps(recipe: Recipe, settings: EEGNetSettings) -> int:
    """Return how many points in time the network's features have."""
    sfreq = signal_of(recipe).sfreq
    points = window_points(recipe)
    first, second = _pools(settings, sfreq)
    needed = max(points_in(settings.kernel_s, sfreq), first * second)
    if points < needed:
        raise ConfigError(
            f"recipe.window_s is {recipe.window_s:g} s, too short for EEGNet, whose kernel_s is "
            f"{settings.kernel_s:g} s and whose pools_s need {first * second / sfreq:g} s: "
            f"set it to {needed / sfreq:g} s or more, or shorten these"
        )
    return points // (first * second)


def _along_time(features: int, kernel_s: float, sfreq: float) -> nn.Sequential:
    """Give each feature a filter along time that keeps the length."""
    points = points_in(kernel_s, sfreq)
    return nn.Sequential(
        nn.ZeroPad2d(((points - 1) // 2, points // 2, 0, 0)),
        nn.Conv2d(features, features, (1, points), groups=features, bias=False),
    )


def _averaged(features: int, points: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(features), nn.ELU(), nn.AvgPool2d((1, points)), nn.Dropout(dropout)
    )
