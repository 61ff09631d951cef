"""What is done to a training batch so that a network does not learn what it should not.

All random numbers are PyTorch's, so that who seeds these fixes all that happens here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_OCTAVES = 6
"""Octaves below the Nyquist frequency whose levels are drawn; at 128 Hz down to 1 Hz."""

Criterion = Callable[[Tensor, Tensor], Tensor]
"""Logits (batch, classes) and labels (batch,) to a loss."""


@dataclass(frozen=True)
class Mixed:
    r"""A batch of which each window is part itself and part another of the same batch.

    .. math:: \tilde x_i = \lambda x_i + (1 - \lambda) x_{\pi(i)}

    Attributes
    ----------
    inputs : Tensor, shape (batch, ...)
        The mixtures.
    first, second : Tensor of int64, shape (batch,)
        Classes of each one's two parts.
    share : float
        What the first part counts.
    """

    inputs: Tensor
    first: Tensor
    second: Tensor
    share: float

    def loss(self, criterion: Criterion, logits: Tensor) -> Tensor:
        r"""Return :math:`\lambda L(y_i) + (1 - \lambda) L(y_{\pi(i)})`.

        Both parts hold the same windows in another order. A loss that weighs classes and divides by
        the weights' sum so divides both by the same, and every part of a mixture counts what its
        own class does.
        """
        if self.share == 1:
            return criterion(logits, self.first)
        parts = criterion(logits, self.first), criterion(logits, self.second)
        return self.share * parts[0] + (1 - self.share) * parts[1]


def unmixed(inputs: Tensor, labels: Tensor) -> Mixed:
    """Return a batch as it is."""
    return Mixed(inputs, labels, labels, share=1.0)


def mixed(inputs: Tensor, labels: Tensor, alpha: float) -> Mixed:
    r"""Mix a batch's windows in pairs (mixup; Zhang et al. 2018, arXiv 1710.09412, section 2).

    One share :math:`\lambda` is drawn for the batch, from the beta distribution
    :math:`\mathrm{Beta}(\alpha, \alpha)`.

    Parameters
    ----------
    inputs : Tensor, shape (batch, ...)
        What the network sees.
    labels : Tensor of int64, shape (batch,)
        Classes.
    alpha : float
        Above 0. Well below 1, most mixtures are nearly one window; at 1, any share is as likely.
    """
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    partners = torch.randperm(len(inputs)).to(inputs.device)
    return Mixed(torch.lerp(inputs[partners], inputs, share), labels, labels[partners], share)


def drop_channels(inputs: Tensor, probability: float) -> Tensor:
    """Silence electrodes, each window's own: in all its segments and planes, or at all its points.

    Inputs are standardised, so nought is an electrode's mean. The others stay as they are: what
    live sees when an electrode is lost has not grown elsewhere.

    Parameters
    ----------
    inputs : Tensor, shape (batch, segments, planes, channels) or (batch, channels, points)
        Maps, or windows of the signal.
    probability : float
        Of each electrode of each window.
    """
    shape = [len(inputs), *([1] * (inputs.dim() - 1))]
    channels = 3 if _are_maps(inputs) else 1
    shape[channels] = inputs.shape[channels]
    return inputs * (torch.rand(shape, device=inputs.device) >= probability)


def shift_bands(inputs: Tensor, std: float) -> Tensor:
    r"""Shift the level of each frequency band, in each window by something else.

    A new person, cap or day does this to all electrodes at once. Of maps, each plane of a window is
    shifted by one number for all its segments and channels,

    .. math:: \tilde x_{tpc} = x_{tpc} + \sigma z_p, \qquad z_p \sim N(0, 1).

    Of the signal, each octave :math:`k` below the Nyquist frequency :math:`f_N` gets a gain for all
    its channels,

    .. math:: \tilde X_c(f) = X_c(f)\,e^{\sigma z(f)}, \qquad z(2^{-k} f_N) \sim N(0, 1),

    with :math:`X_c` the window's spectrum and :math:`z` linear in :math:`\log f` in between. This
    shifts a band's differential entropy by :math:`\sigma z` nats.

    Parameters
    ----------
    inputs : Tensor, shape (batch, segments, planes, channels) or (batch, channels, points)
        Maps, or windows of the signal.
    std : float
        Of the shifts: of maps in standard deviations of the training windows, of the signal in
        nats.
    """
    if _are_maps(inputs):
        shifts = torch.randn(len(inputs), 1, inputs.shape[2], 1, device=inputs.device)
        return inputs + std * shifts
    points = inputs.shape[-1]
    levels = torch.randn(len(inputs), _OCTAVES + 1, device=inputs.device)
    gains = torch.exp(std * levels @ _between_octaves(points).to(inputs.device))
    spectrum = torch.fft.rfft(inputs) * gains.unsqueeze(1)
    return torch.fft.irfft(spectrum, n=points)


def _are_maps(inputs: Tensor) -> bool:
    """Tell maps from the signal, which have one axis less."""
    return len(inputs.shape) == 4


def _between_octaves(points: int) -> Tensor:
    """Return what each octave's level counts at each frequency, (octaves + 1, frequencies)."""
    frequencies = torch.arange(points // 2 + 1, dtype=torch.float32)
    below = torch.log2(points / 2 / frequencies.clamp(min=0.5)).clamp(0, _OCTAVES)
    distances = (below - torch.arange(_OCTAVES + 1)[:, None]).abs()
    return functional.relu(1 - distances)
