"""Class prototypes in a model's output: where a wearer's own classes lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

PRIOR_S = 10.0
"""Seconds of a class in a calibration that weigh as much as all other people's."""


@dataclass(frozen=True)
class Prototypes:
    r"""Each class's place among a recogniser's log-probabilities.

    With :math:`z` the log-probabilities less their mean over classes, a class lies at
    :math:`\mu_c` and all scatter alike:

    .. math:: \log p(c \mid z) = -\tfrac12 (z - \mu_c)^T \Lambda (z - \mu_c) + \mathrm{const}

    (linear discriminant analysis, Fisher 1936; a class is its mean as in Snell et al. 2017,
    arXiv 1703.05175). A wearer's own means enter by how long they lasted:
    :math:`\mu_c' = (t_0 \mu_c + t\,m_c) / (t_0 + t)`, the posterior mean of Gauvain and Lee 1994
    (doi 10.1109/89.279278, equation 24).

    Attributes
    ----------
    means : array, shape (classes, classes)
        :math:`\mu_c`, one a row.
    precision : array, shape (classes, classes)
        :math:`\Lambda`, the inverse of the scatter within classes where it has one.
    """

    means: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def fit(cls, log_probabilities: NDArray[np.float64], labels: NDArray[np.integer]) -> Prototypes:
        """Learn from windows (windows, classes) that the recogniser was not trained on.

        A class that has no window is put at the mean of the others, where it gives nothing away.
        """
        placed = _placed(log_probabilities)
        n_classes = placed.shape[1]
        present = np.unique(labels)
        means = np.tile(
            np.mean([placed[labels == k].mean(axis=0) for k in present], axis=0), (n_classes, 1)
        )
        for k in present:
            means[k] = placed[labels == k].mean(axis=0)
        apart = placed - means[labels]
        return cls(means, np.linalg.pinv(apart.T @ apart / len(apart), hermitian=True))

    def adapted(self, outputs: NDArray[np.float64], seconds: float) -> Prototypes:
        """Return a wearer's own.

        Parameters
        ----------
        outputs : array, shape (classes, classes)
            Mean log-probabilities over the wearer's calibration, one class a row.
        seconds : float
            How long each class lasted.
        """
        share = seconds / (seconds + PRIOR_S)
        return Prototypes((1 - share) * self.means + share * _placed(outputs), self.precision)

    def apply(self, log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-probabilities (hops, classes) seen from the prototypes.

        They are the same, bit for bit, however many hops are given at a time.
        """
        apart = _placed(log_probabilities)[:, None] - self.means
        # One product of matrices a hop; einsum would add up by how many hops there are.
        distances = ((apart @ self.precision) * apart).sum(axis=-1)
        said: NDArray[np.float64] = log_softmax(-0.5 * distances, axis=1)
        return said


def class_means(
    log_probabilities: NDArray[np.float64], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the mean log-probabilities of each class's windows, shape (classes, classes)."""
    return np.stack(
        [log_probabilities[labels == k].mean(axis=0) for k in range(log_probabilities.shape[1])]
    )


def _placed(log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    # A constant added to all classes' logarithms means nothing.
    placed: NDArray[np.float64] = log_probabilities - log_probabilities.mean(axis=-1, keepdims=True)
    return placed
