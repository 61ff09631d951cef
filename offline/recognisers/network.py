"""Networks as scikit-learn classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn

from offline.examples import Examples, Windows
from offline.learner import logits_of
from offline.models.registry import NetworkSettings, build_network
from offline.training import TrainingSettings, fit
from rtbci.recipe import Recipe


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network that sees what it sees live, trained to the epoch that is best on validation.

    Parameters
    ----------
    recipe : Recipe
        Says the shape of the inputs and the classes' names.
    network : NetworkSettings
        Kind and size.
    training : TrainingSettings
        How it is trained.
    seed : int
        Fixes the first weights, the order of windows and all else that is random.
    """

    def __init__(
        self, recipe: Recipe, network: NetworkSettings, training: TrainingSettings, seed: int
    ) -> None:
        self.recipe = recipe
        self.network = network
        self.training = training
        self.seed = seed

    def fit(
        self,
        X: Examples,
        y: NDArray[np.integer],
        *,
        validation: tuple[Examples, NDArray[np.integer]],
        checkpoint: Path | None = None,
    ) -> Self:
        """Train on ``X`` and ``y``, and keep the epoch that does best on the validation part.

        Parameters
        ----------
        X : Examples
            Windows.
        y : array of int, shape (windows,)
            Their classes.
        validation : tuple of Examples and labels
            Other windows, of classes that are in ``y``.
        checkpoint : Path, optional
            File from which a training that was interrupted goes on; see
            :func:`offline.training.fit`.

        Raises
        ------
        ConfigError
            If the loss is not a finite number, a graphics card is asked for that is not there, or
            the checkpoint cannot be written.
        """
        self.classes_ = np.unique(y)
        names = tuple(self.recipe.classes[k] for k in self.classes_)
        seen = self.recipe.model_copy(update={"classes": names})

        def build() -> nn.Module:
            return build_network(seen, self.network)

        self.fitted_ = fit(
            build,
            self._windows(X, y),
            self._windows(*validation),
            names,
            self.training,
            self.seed,
            checkpoint=checkpoint,
        )
        return self

    @property
    def chosen_(self) -> dict[str, object]:
        """The epoch with the least validation loss, and how many there were; of each member."""
        best = [course.best_epoch for course in self.fitted_.courses]
        epochs = [len(course.losses) for course in self.fitted_.courses]
        alone = len(best) == 1
        return {"best_epoch": best[0] if alone else best, "epochs": epochs[0] if alone else epochs}

    def decision_function(self, X: Examples) -> NDArray[np.float64]:
        """Return the network's logits, shape (windows, classes)."""
        with torch.inference_mode():
            logits: NDArray[np.float64] = logits_of(self.fitted_.network, X).double().numpy()
        return logits

    def predict(self, X: Examples) -> NDArray[np.integer]:
        """Return the likeliest class of each window."""
        named: NDArray[np.integer] = self.classes_[self.decision_function(X).argmax(axis=1)]
        return named

    def _windows(self, X: Examples, y: NDArray[np.integer]) -> Windows:
        return Windows(X, np.searchsorted(self.classes_, y).astype(np.int64))
