"""Conditional WGAN-GP on maps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from offline.device import Device
from offline.generators.adversarial import Opponents
from offline.generators.noise import Judge, NoiseDuel, NoiseGenerator, NoiseSettings


class WganSettings(NoiseSettings):
    """How it learns.

    The learning rate is ten times the paper's, as small networks on few maps are to be trained in
    minutes: at full size take its 1e-4, and more epochs.

    Attributes
    ----------
    critic_steps : int
        Batches that the critic learns from for each step of the generator.
    gradient_penalty : float
        Weight of :func:`gradient_penalty`.
    """

    kind: Literal["wgan-gp"] = "wgan-gp"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    critic_steps: Annotated[int, Field(ge=1, le=100)] = 5
    gradient_penalty: Annotated[float, Field(ge=0)] = 10.0


class WganGp(NoiseGenerator[WganSettings]):
    r"""Maps from noise, learned by a Wasserstein distance.

    Gulrajani et al. 2017, arXiv 1704.00028, given the class. The critic lowers eq. 3,

    .. math::

        \mathbb{E}_{\tilde x}[D(\tilde x, y)] - \mathbb{E}_x[D(x, y)]
        + \lambda\,\mathbb{E}_{\hat x}[(\|\nabla_{\hat x} D(\hat x, y)\|_2 - 1)^2],

    and the generator raises :math:`\mathbb{E}_{\tilde x}[D(\tilde x, y)]`. The critic has no batch
    normalisation, as the penalty is of each map on its own (section 4).
    """

    kind = "wgan-gp"
    _plain = 4

    def _duel(self, networks: Opponents, maps: Tensor, labels: Tensor, device: Device) -> WganDuel:
        return WganDuel(networks, maps, labels, self.settings, (0.0, 0.9), device)


class WganDuel(NoiseDuel[WganSettings]):
    """Steps of :class:`WganGp`: of the critic at each batch, of the generator at some.

    Batches are counted through all epochs, however few an epoch has. Between two of the generator's
    steps its loss is told as it was.
    """

    _loss = torch.tensor(0.0)

    def _step(self, maps: Tensor, labels: Tensor) -> dict[str, Tensor]:
        made = self._drawn(labels).detach()
        critic = -wasserstein(self._judged(maps, labels), self._judged(made, labels))
        penalty = gradient_penalty(self.networks.discriminator, maps, made, labels)
        self._descend("discriminator", critic + self._settings.gradient_penalty * penalty)
        losses = {"critic": critic, "gradient penalty": penalty}
        if self._done % self._settings.critic_steps == 0:  # from the first batch on
            loss = -self._judged(self._drawn(labels), labels).mean()
            self._descend("generator", loss)
            self._loss = loss.detach()
        return losses | {"generator": self._loss}

    def state(self) -> dict[str, Any]:
        """Return also the generator's last loss."""
        return super().state() | {"loss": self._loss}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to these."""
        super().restore(state)
        self._loss = state["loss"].to(self._maps.device)


def wasserstein(real: Tensor, made: Tensor) -> Tensor:
    r"""Return :math:`\mathbb{E}_x[D(x, y)] - \mathbb{E}_{\tilde x}[D(\tilde x, y)]`.

    Of a critic whose gradient is nowhere above 1 this is a bound of the Wasserstein distance from
    below (Gulrajani et al. 2017, eq. 2).

    Parameters
    ----------
    real, made : Tensor, shape (batch,)
        What the critic says of them.
    """
    return real.mean() - made.mean()


def gradient_penalty(critic: Judge, real: Tensor, made: Tensor, labels: Tensor) -> Tensor:
    r"""Return :math:`\mathbb{E}[(\|\nabla_{\hat x} D(\hat x, y)\|_2 - 1)^2]`, eq. 3's last term.

    :math:`\hat x = \varepsilon x + (1 - \varepsilon) \tilde x` lies anywhere between a real map
    and a made one of the same class, :math:`\varepsilon \sim U(0, 1)`. The gradient is that of the
    electrodes alone.

    Parameters
    ----------
    critic : Judge
        Maps and classes to numbers.
    real, made : Tensor, shape (batch, planes, channels)
        Maps.
    labels : Tensor of int64, shape (batch,)
        Class of each pair.
    """
    shares = torch.rand(len(real), 1, 1, device=real.device)
    between = torch.lerp(made, real, shares).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between, labels).sum(), between, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
