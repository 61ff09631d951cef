"""Conditional DCGAN on maps."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from offline.device import Device
from offline.generators.adversarial import Opponents
from offline.generators.noise import NoiseDuel, NoiseGenerator, NoiseSettings


class DcganSettings(NoiseSettings):
    """How it learns; the learning rate is the paper's."""

    kind: Literal["dcgan"] = "dcgan"


class Dcgan(NoiseGenerator[DcganSettings]):
    r"""Maps from noise by DCGAN (Radford et al. 2016, arXiv 1511.06434), given the class.

    The discriminator lowers :func:`discriminator_loss`, the generator :func:`generator_loss`; both
    have batch normalisation but in the discriminator's first layer and the generator's last, the
    discriminator leaky rectifiers and the generator plain ones (section 3).

    The discriminator always sees real and made maps in one batch. In a batch of made maps alone
    its batch normalisation would stretch them until they vary as much as any maps do, and so hide
    that they are all alike.
    """

    kind = "dcgan"
    _plain = 1

    def _duel(self, networks: Opponents, maps: Tensor, labels: Tensor, device: Device) -> DcganDuel:
        return DcganDuel(networks, maps, labels, self.settings, (0.5, 0.999), device)


class DcganDuel(NoiseDuel[DcganSettings]):
    """Steps of :class:`Dcgan`: of each network at each batch."""

    def _step(self, maps: Tensor, labels: Tensor) -> dict[str, Tensor]:
        made = self._drawn(labels)
        discriminator = discriminator_loss(*self._both_judged(maps, made.detach(), labels))
        self._descend("discriminator", discriminator)
        generator = generator_loss(self._both_judged(maps, made, labels)[1])
        self._descend("generator", generator)
        return {"discriminator": discriminator, "generator": generator}

    def _both_judged(self, maps: Tensor, made: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        real, of_made = self._judged(torch.cat([maps, made]), labels.repeat(2)).tensor_split(2)
        return real, of_made


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    r"""Return :math:`-\mathbb{E}_x[\ln \sigma(D(x))] - \mathbb{E}_{\tilde x}[\ln(1 - \sigma(D))]`.

    Binary cross-entropy, :math:`\sigma` the logistic function (Goodfellow et al. 2014, arXiv
    1406.2661, eq. 1).

    Parameters
    ----------
    real, made : Tensor, shape (batch,)
        Logits of being real.
    """
    return functional.softplus(-real).mean() + functional.softplus(made).mean()


def generator_loss(made: Tensor) -> Tensor:
    r"""Return :math:`-\mathbb{E}_{\tilde x}[\ln \sigma(D(\tilde x))]`, which does not saturate.

    Also where the discriminator is sure it has a gradient (Goodfellow et al. 2014, section 3).

    Parameters
    ----------
    made : Tensor, shape (batch,)
        Logits of being real.
    """
    return functional.softplus(-made).mean()
