"""Covariance matrices as points of a flat space, by Riemannian geometry."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pyriemann.tangentspace import TangentSpace
from sklearn.base import BaseEstimator, TransformerMixin

from offline.recognisers.inputs import thinned

_BATCH = 1024  # windows; keeps what lies between two steps small


class TangentFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Covariances of each band, mapped to the tangent space at the band's Riemannian mean.

    With :math:`M` the mean of the training part's covariances, a covariance :math:`C`
    becomes the upper triangle of :math:`\log(M^{-1/2} C M^{-1/2})`, the elements off the diagonal
    times :math:`\sqrt 2`, so that lengths stay (Barachant et al. 2012, doi
    10.1109/TBME.2011.2172210, equation 9). Lengths and angles do not change when all channels are
    mixed by one invertible matrix, if nothing is shrunk.

    Parameters
    ----------
    mean_windows : int
        The most windows whose mean is taken, thinned evenly within each class. The mean only says
        where the space touches; that of more windows is little else and takes long.
    """

    def __init__(self, mean_windows: int = 500) -> None:
        self.mean_windows = mean_windows

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> Self:
        """Take the mean of each band.

        Parameters
        ----------
        X : array, shape (windows, bands, channels, channels)
            Covariances of the training windows, of full rank.
        y : array of int, shape (windows,)
            Their classes.
        """
        some = X[thinned(y, self.mean_windows)]
        self.spaces_ = [
            TangentSpace(metric="riemann").fit(some[:, band]) for band in range(X.shape[1])
        ]
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the tangent vectors, shape (windows, bands * channels * (channels + 1) / 2)."""
        windows, bands, channels, _ = X.shape
        vectors = np.empty((windows, bands, channels * (channels + 1) // 2))
        for start in range(0, windows, _BATCH):
            rows = slice(start, start + _BATCH)
            for band, space in enumerate(self.spaces_):
                vectors[rows, band] = space.transform(X[rows, band])
        return vectors.reshape(windows, -1)
