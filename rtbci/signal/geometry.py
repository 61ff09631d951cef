"""Covariance matrices as points of a curved space: what is needed to move them about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits


def regularised(
    covariances: NDArray[np.float64], shrinkage: float, floor: float
) -> NDArray[np.float64]:
    r"""Return covariances of full rank.

    .. math:: (1 - \lambda) C + (\lambda\,\mathrm{tr}(C) / n + f) I

    for n channels. A second of a slow band has fewer degrees of freedom than channels, and an
    average reference or an interpolated channel takes rank away.

    Parameters
    ----------
    covariances : array, shape (..., channels, channels)
        Square microvolts.
    shrinkage : float
        :math:`\lambda`, 0 to 1.
    floor : float
        :math:`f`, the least variance, square microvolts.
    """
    channels = covariances.shape[-1]
    kept = (1 - shrinkage) * covariances
    mean_variance = np.trace(covariances, axis1=-2, axis2=-1) / channels
    diagonal = np.arange(channels)
    kept[..., diagonal, diagonal] += (shrinkage * mean_variance + floor)[..., None]
    return kept


def power_of(matrices: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Return a power of symmetric positive definite matrices (..., channels, channels)."""
    values, vectors = np.linalg.eigh(matrices)
    raised: NDArray[np.float64] = (vectors * values[..., None, :] ** exponent) @ vectors.swapaxes(
        -2, -1
    )
    return raised


def recentred(matrices: NDArray[np.float64], whitening: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return W C W, where W is the inverse square root of a reference: that becomes the identity.

    Zanini et al. 2018 (doi 10.1109/TBME.2017.2742541, equation 8).
    """
    moved: NDArray[np.float64] = whitening @ matrices @ whitening
    return moved


def roots_of(matrices: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the square roots of matrices, and the inverses of these."""
    values, vectors = np.linalg.eigh(matrices)
    turned, scale = vectors.swapaxes(-2, -1), np.sqrt(values)[..., None, :]
    return (vectors * scale) @ turned, (vectors / scale) @ turned


def stepped(
    root: NDArray[np.float64],
    whitening: NDArray[np.float64],
    matrices: NDArray[np.float64],
    share: float,
) -> NDArray[np.float64]:
    r"""Return the points that lie a share of the way from a reference to matrices.

    :math:`R^{1/2} (R^{-1/2} C R^{-1/2})^a R^{1/2}`, on the geodesic (Barachant et al. 2012,
    doi 10.1109/TBME.2011.2172210, equation 6).

    Parameters
    ----------
    root, whitening : arrays, shape (..., channels, channels)
        Square root of the reference, and its inverse.
    matrices : array, shape (..., channels, channels)
        Where to.
    share : float
        0 stays, 1 arrives.
    """
    moved: NDArray[np.float64] = root @ power_of(recentred(matrices, whitening), share) @ root
    return moved


def geometric_mean(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Riemannian mean of matrices (windows, bands, channels, channels), band by band."""
    from pyriemann.geometry.mean import mean_riemann

    with threadpool_limits(1):  # on matrices this small, threads do little but wait for each other
        return np.stack([mean_riemann(each) for each in matrices.swapaxes(0, 1)])
