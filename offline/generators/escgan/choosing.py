"""Which maps are edited, and to which class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST = 0.1
"""Of an even share: what even a class that has too many maps is still edited to."""

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """How often each class is the target, and how often each is edited to it.

    Attributes
    ----------
    targets : array, shape (classes,)
        Probability of each class to be the target; never 0.
    references : array, shape (classes, classes)
        For each target, a row: the probability of each class to be what is edited; 0 for the
        target itself.
    """

    targets: Probabilities
    references: Probabilities

    @classmethod
    def by_counts(cls, counts: NDArray[np.int64]) -> Choice:
        r"""Let well-represented classes be edited to under-represented ones.

        With :math:`s_k` class :math:`k`'s share of the real maps and :math:`K` classes, as many
        edited as real maps make all classes even if :math:`k` is the target with the probability

        .. math:: q_k \propto \max(2 / K - s_k,\; 0.1 / K).

        The least value lets a class be a target that is more than twice too frequent. Of the
        others, one is edited with a probability in proportion to :math:`s_k`.

        Parameters
        ----------
        counts : array of int, shape (classes,)
            Maps of each class, of two classes at least.
        """
        classes, shares = len(counts), counts / counts.sum()
        targets = np.maximum(2 / classes - shares, _LEAST / classes)
        return cls(_normalised(targets), _others(shares))

    @classmethod
    def uniform(cls, counts: NDArray[np.int64]) -> Choice:
        """Let every class be edited to every other as often, if there are maps of it."""
        return cls(_normalised(np.ones(len(counts))), _others(np.sign(counts).astype(np.float64)))

    def odds(self, counts: NDArray[np.int64]) -> Probabilities:
        r"""Return how much oftener each class is edited to than it is there, shape (classes,).

        :math:`q_k / s_k`: weighed by these, as many real as edited maps are of a class. The same is
        had if the real ones are weighed by the root and the edited ones by its inverse.

        Parameters
        ----------
        counts : array of int, shape (classes,)
            Real maps of each class; where there are none, the value means nothing.
        """
        shares = np.maximum(counts, 1) / counts.sum()
        odds: Probabilities = self.targets / shares
        return odds

    def of_each(self, labels: NDArray[np.int64], target: int) -> Probabilities:
        """Return each map's probability to be what is edited to a class, shape (maps,)."""
        counts = np.bincount(labels, minlength=len(self.targets))
        each: Probabilities = self.references[target][labels] / counts[labels]
        return each


class Chooser:
    """Draws targets and references for training, with PyTorch's random numbers.

    Parameters
    ----------
    choice : Choice
        How often what is drawn.
    labels : Tensor of int64, shape (maps,)
        Classes of the maps that can be edited.
    """

    def __init__(self, choice: Choice, labels: Tensor) -> None:
        place = labels.device
        self._targets = torch.from_numpy(choice.targets).to(place)
        self._references = torch.from_numpy(choice.references).to(place)
        self._order = labels.argsort(stable=True)
        self._counts = labels.bincount(minlength=len(choice.targets))
        self._starts = self._counts.cumsum(0) - self._counts

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Return which maps are edited, and to which classes: two of shape (n,)."""
        targets = torch.multinomial(self._targets, n, replacement=True)
        classes = torch.multinomial(self._references[targets], 1)[:, 0]
        counts = self._counts[classes]
        within = (torch.rand(n, device=counts.device) * counts).long().minimum(counts - 1)
        return self._order[self._starts[classes] + within], targets


def _others(weights: Probabilities) -> Probabilities:
    """Return, for each class, the others' probabilities in proportion to weights."""
    matrix = np.tile(weights, (len(weights), 1))
    np.fill_diagonal(matrix, 0)
    return _normalised(matrix)


def _normalised(weights: Probabilities) -> Probabilities:
    # A class that has no maps has no references either, and all its weights are nought.
    shares: Probabilities = weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-12)
    return shares
