"""What the generator and its critics are trained by."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from offline.generators.signal_gan.anatomy import Anatomy


def critic_loss(real: Tensor, made: Tensor) -> Tensor:
    r"""Return the critic's hinge loss (Lim and Ye 2017, arXiv 1705.02894).

    .. math:: L_D = E[\max(0, 1 - D(x, y))] + E[\max(0, 1 + D(G(z, y), y))]
    """
    return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()


def adversarial_loss(made: Tensor) -> Tensor:
    r"""Return the generator's part of the same, :math:`L_G = -E[D(G(z, y), y)]`."""
    return -made.mean()


def power_loss(log_power: Tensor, labels: Tensor, anatomy: Anatomy) -> Tensor:
    r"""Match mean and spread of each class's log power in each band and channel.

    With :math:`m` the class's real mean, :math:`s` its deviation, :math:`u = (p - m) / s` and the
    made windows of a class cut into halves 1 and 2,

    .. math::

        L = \mathrm{mean}_{y, b, c}\; \bar u_1 \bar u_2
            + (\overline{u^2}_1 - 1)(\overline{u^2}_2 - 1),

    the moment matching of Li et al. (2015, arXiv 1502.02761). The product of two independent
    halves is an unbiased estimate of the squared error, which a batch's own mean would not be: it
    would reward windows that are all alike.
    """
    parts = []
    for label in range(len(anatomy.level)):
        own = log_power[labels == label]
        if len(own) < 2:
            continue
        scaled = ((own - anatomy.level[label]) / (anatomy.spread[label] + 0.1)).clamp(-5, 5)
        wanted = (anatomy.spread[label] / (anatomy.spread[label] + 0.1)).square()
        one, two = scaled[::2], scaled[1::2]
        means = one.mean(dim=0) * two.mean(dim=0)
        squares = (one.square().mean(dim=0) - wanted) * (two.square().mean(dim=0) - wanted)
        parts.append((means + squares).mean())
    return torch.stack(parts).mean()
