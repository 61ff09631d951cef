"""Linear recognisers as networks, so that live runs them as it runs any other."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Linear(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """Scores of the newest map: W x + b.

    Parameters
    ----------
    weights : array, shape (classes, planes * channels)
        W.
    biases : array, shape (classes,)
        b.
    """

    def __init__(self, weights: NDArray[np.float64], biases: NDArray[np.float64]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights.astype(np.float32)))
        self.biases = nn.Parameter(torch.from_numpy(biases.astype(np.float32)))

    def forward(self, maps: Tensor) -> Tensor:
        """Return scores (batch, classes) of maps (batch, segments, planes, channels)."""
        return nn.functional.linear(maps[:, -1].flatten(1), self.weights, self.biases)


class TangentSpaceNetwork(nn.Module):  # type: ignore[misc]
    r"""Scores of the channels' covariances in each band, seen from a tangent space.

    With :math:`M` a band's reference as in
    :class:`~offline.recognisers.tangent_space.TangentFeatures`, the score is linear in the upper
    triangle of :math:`\log(M^{-1/2} C M^{-1/2})`, elements off the diagonal times :math:`\sqrt 2`.
    All is computed in double precision.

    Parameters
    ----------
    whitening : array, shape (bands, channels, channels)
        Inverse square root of each band's reference.
    weights : array, shape (classes, bands * channels * (channels + 1) / 2)
        Of the linear scores, band by band.
    biases : array, shape (classes,)
        Of the linear scores.
    """

    def __init__(
        self,
        whitening: NDArray[np.float64],
        weights: NDArray[np.float64],
        biases: NDArray[np.float64],
    ) -> None:
        super().__init__()
        rows, columns = np.triu_indices(whitening.shape[-1])
        self.register_buffer("whitening", torch.from_numpy(whitening.copy()))
        self.register_buffer("upper", torch.from_numpy(rows * whitening.shape[-1] + columns))
        scale = np.where(rows == columns, 1.0, math.sqrt(2))
        self.register_buffer("scale", torch.from_numpy(scale))
        self.weights = nn.Parameter(torch.from_numpy(weights.copy()))
        self.biases = nn.Parameter(torch.from_numpy(biases.copy()))

    def forward(self, covariances: Tensor) -> Tensor:
        """Return scores (batch, classes) of covariances (batch, bands, channels, channels)."""
        white = self.whitening @ covariances.double() @ self.whitening
        values, vectors = torch.linalg.eigh(white)
        logs = (vectors * values.log().unsqueeze(-2)) @ vectors.transpose(-2, -1)
        points = logs.flatten(-2).index_select(-1, self.upper) * self.scale
        return nn.functional.linear(points.flatten(1), self.weights, self.biases)
