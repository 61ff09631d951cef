"""The critics: what tells real windows from made ones."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

_SLOPE = 0.2  # of leaky rectifiers


class Critic(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Tells real windows from made ones, knowing their class.

    .. math:: D(x, y) = v^\top \varphi(x) + w_y^\top \varphi(x)

    the projection discriminator of Miyato and Koyama (2018, arXiv 1802.05637), all
    layers under spectral normalisation (Miyato et al. 2018, arXiv 1802.05957, equation 8).
    :math:`\varphi` is the mean over time of the last features.

    Parameters
    ----------
    inputs, width, classes : int
        Numbers of each.
    strides : sequence of int
        Of the convolutions over time.
    """

    def __init__(self, inputs: int, width: int, classes: int, strides: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [_normal(nn.Conv1d(inputs, width, 1)), nn.LeakyReLU(_SLOPE)]
        for stride in strides:
            kernel = 2 * stride + 1
            layers += [
                _normal(nn.Conv1d(width, width, kernel, stride, padding=stride)),
                nn.LeakyReLU(_SLOPE),
            ]
        self.layers = nn.Sequential(*layers)
        self.real = _normal(nn.Linear(width, 1))
        self.of_class = _normal(nn.Embedding(classes, width))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return how real windows (batch, inputs, points) seem, shape (batch,)."""
        features = self.layers(x).mean(dim=-1)
        score: Tensor = self.real(features)[:, 0] + (self.of_class(labels) * features).sum(dim=1)
        return score


def _normal(layer: nn.Module) -> nn.Module:
    return nn.utils.parametrizations.spectral_norm(layer)
