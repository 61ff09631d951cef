"""How channels go together differently in one trial than in another: the geometry of heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_RIDGE = 1e-3  # of a channel's variance; directions that cleaning has removed have some left


@dataclass(frozen=True)
class Heads:
    r"""Principal geodesics of trials' coherences about their centre.

    With :math:`K_t` a trial's coherence over all bands, each band on its own scale, and
    :math:`K = \exp(\mathrm{mean}_t \log K_t)` the log-Euclidean mean (Arsigny et al. 2007, doi
    10.1137/050637996), trials are points of the tangent space at it,

    .. math:: S_t = \log(K^{-1/2} K_t K^{-1/2})

    (Barachant et al. 2012, doi 10.1109/TBME.2011.2172210), and their principal
    components the :math:`S_j` of

    .. math:: E(z) = K^{1/2} \exp\Big(\frac{1}{2} \sum_j z_j S_j\Big) K^{-1/2},

    by which signals of the centre become signals of a head: :math:`E K E^\top` lies where
    :math:`\sum_j z_j S_j` does.

    Attributes
    ----------
    root, inverse : Tensor, shape (channels, channels)
        :math:`K^{1/2}` and its inverse.
    turns : Tensor, shape (heads, channels, channels)
        The components, a standard deviation long each.
    """

    root: Tensor
    inverse: Tensor
    turns: Tensor

    def to(self, place: torch.device) -> Heads:
        """Return the same on a device."""
        return Heads(self.root.to(place), self.inverse.to(place), self.turns.to(place))


def principal_heads(coherences: Tensor, most: int) -> Heads:
    """Find the ways in which trials' coherences (trials, channels, channels) differ."""
    ridged = coherences.double() + _RIDGE * torch.eye(coherences.shape[-1], dtype=torch.float64)
    centre = _of_values(_of_values(ridged, "log").mean(dim=0), "exp")
    root, inverse = _of_values(centre, "sqrt"), torch.linalg.inv(_of_values(centre, "sqrt"))
    tangents = _of_values(inverse @ ridged @ inverse, "log")
    tangents = tangents - tangents.mean(dim=0)
    turns = components(tangents, most)
    return Heads(root.float(), inverse.float(), turns.float())


def moved(coherence: Tensor, trials: Tensor, heads: Heads) -> Tensor:
    """Move coherences (..., channels, channels) from trials' arithmetic mean to the centre.

    The arithmetic mean of many heads is that of none: it is rounder than any.
    """
    arithmetic = trials.double().mean(dim=0)
    arithmetic = arithmetic + _RIDGE * torch.eye(len(arithmetic), dtype=torch.float64)
    way = (heads.root.double() @ torch.linalg.inv(_of_values(arithmetic, "sqrt"))).float()
    return normalised(way @ coherence @ way.T)


def normalised(covariance: Tensor) -> Tensor:
    """Return matrices (..., channels, channels) with diagonals of 1."""
    scale = covariance.diagonal(dim1=-2, dim2=-1).clamp(min=1e-12).sqrt()
    return covariance / (scale[..., None] * scale[..., None, :])


def roots(coherence: Tensor, ridge: float) -> Tensor:
    """Return the symmetric roots of matrices (..., channels, channels)."""
    eye = torch.eye(coherence.shape[-1], dtype=torch.float64)
    return _of_values(coherence.double() + ridge * eye, "sqrt").float()


def components(deviations: Tensor, most: int) -> Tensor:
    """Return principal components of deviations (trials, ...), a standard deviation long each."""
    flat = deviations.flatten(1)
    _, lengths, rows = torch.linalg.svd(flat, full_matrices=False)
    count = max(min(most, len(flat) - 1, len(rows)), 0)
    scaled = rows[:count] * (lengths[:count, None] / len(flat) ** 0.5)
    return scaled.reshape(count, *deviations.shape[1:])


def _of_values(matrices: Tensor, function: str) -> Tensor:
    """Apply a function to the eigenvalues of symmetric matrices (..., channels, channels)."""
    values, vectors = torch.linalg.eigh(matrices)
    if function != "exp":
        values = values.clamp(min=1e-12)
    return vectors * getattr(torch, function)(values)[..., None, :] @ vectors.transpose(-1, -2)
