r"""The losses of ESC-GAN, each on its own.

Zhang, Zhong and Liu 2024, Beyond mimicking under-represented emotions: deep data augmentation with
emotional subspace constraints for EEG-based emotion recognition, AAAI 2024. :math:`x` is a real map
of class :math:`y`, :math:`x' = G(x, t)` the same edited to class :math:`t`,
:math:`D_r` the discriminator's logit of being real and :math:`D_c` its logits of the classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 1e-6


def reconstruction(real: Tensor, rebuilt: Tensor) -> Tensor:
    r"""Return :math:`\mathrm{MSE}(x, G(x, y))`: edited to its own class, a map stays what it is.

    Parameters
    ----------
    real, rebuilt : Tensor, shape (batch, planes, channels)
        Maps.
    """
    return functional.mse_loss(rebuilt, real)


def adversarial(edited: Tensor) -> Tensor:
    r"""Return :math:`-\mathbb{E}[\ln \sigma(D_r(G(x, t)))]`: edited maps pass for real ones.

    Parameters
    ----------
    edited : Tensor, shape (batch,)
        The discriminator's logits of being real.
    """
    return functional.softplus(-edited).mean()


def boundary(edited: Tensor) -> Tensor:
    r"""Return :math:`\frac12 \mathrm{KL}(u \,\|\, p(\cdot \mid G(x, t)))`, boundary-aware.

    :math:`u` is the uniform distribution over the :math:`K` classes and :math:`p` the softmax of
    :math:`D_c`:

    .. math:: \frac12 \mathbb{E} \Big[ -\ln K - \frac1K \sum_k \ln p_k \Big]

    Edited maps lie where the classes meet, and recognition is in doubt.

    Parameters
    ----------
    edited : Tensor, shape (batch, classes)
        The discriminator's logits of the classes.
    """
    even = torch.full_like(edited, 1 / edited.shape[1])
    return 0.5 * functional.kl_div(edited.log_softmax(1), even, reduction="batchmean")


def diversity(edited: Tensor, codes: Tensor) -> Tensor:
    r"""Return the mean of :math:`\exp(-\overline{|G_i - G_j|} / \overline{|z_i - z_j|})`.

    What differs before it is edited differs afterwards too (diversity-aware). :math:`z_i` is the
    encoder's code of what was edited to :math:`G_i`, as the generator draws no noise. Codes are
    taken as given: otherwise it could do with smaller codes instead of more different maps. Each
    map makes a pair with the next one of the batch, the last with the first.

    Parameters
    ----------
    edited : Tensor, shape (batch, planes, channels)
        Maps.
    codes : Tensor, shape (batch, ...)
        What the encoder made of what they were edited from.
    """
    apart = _mean_distance(edited) / _mean_distance(codes.detach()).clamp(min=_LEAST)
    return torch.exp(-apart).mean()


def target(edited: Tensor, targets: Tensor) -> Tensor:
    r"""Return :math:`-\mathbb{E}[\ln p(t \mid G(x, t))]`: edited maps reach their class.

    The other four do not depend on :math:`t`, so that a generator that leaves it out lowers them
    just as well; with this one an edited map comes to lie near the boundary, and on its target's
    side (the auxiliary classifier of Odena et al. 2017, arXiv 1610.09585, eq. 3).

    Parameters
    ----------
    edited : Tensor, shape (batch, classes)
        The discriminator's logits of the classes.
    targets : Tensor of int64, shape (batch,)
        What each was edited to.
    """
    return functional.cross_entropy(edited, targets)


def real_or_edited(
    real: Tensor, edited: Tensor, real_weights: Tensor, edited_weights: Tensor
) -> Tensor:
    r"""Return how badly real maps are told from edited ones, the discriminator's own.

    .. math:: -\mathbb{E}[u_y \ln \sigma(D_r(x))] - \mathbb{E}[v_t \ln(1 - \sigma(D_r(x')))]

    Parameters
    ----------
    real, edited : Tensor, shape (batch,)
        Logits of being real.
    real_weights, edited_weights : Tensor, shape (batch,)
        What each counts, :math:`u_y` and :math:`v_t`; all 1 in the paper.
    """
    found = real_weights * functional.softplus(-real)
    return found.mean() + (edited_weights * functional.softplus(edited)).mean()


def classes(real: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    r"""Return :math:`-\mathbb{E}[w_y \ln p(y \mid x)]`, of real maps alone.

    The discriminator's own as well.

    Parameters
    ----------
    real : Tensor, shape (batch, classes)
        Logits of the classes.
    labels : Tensor of int64, shape (batch,)
        Their classes.
    weights : Tensor, shape (batch,)
        What each counts; all 1 in the paper.
    """
    return (weights * functional.cross_entropy(real, labels, reduction="none")).mean()


def _mean_distance(each: Tensor) -> Tensor:
    return (each - each.roll(-1, dims=0)).flatten(1).abs().mean(1)
