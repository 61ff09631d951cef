"""The convolutional network as a scikit-learn classifier."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from offline.evaluation.recognisers.tempered import Labelled
from offline.models.cnn import Cnn, CnnSettings
from offline.training import TrainingSettings, Windows, fit, logits_of
from rtbci.montage.grids import Grid
from rtbci.recipe import Recipe


class CnnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Pictures and network as in a model file, trained as ``rtbci train`` does.

    Parameters
    ----------
    recipe : Recipe
        Says the shape of the maps, the grid and the classes' names.
    size : CnnSettings
        Of the network.
    training : TrainingSettings
        How it is trained.
    seed : int
        Fixes the first weights, the order of windows and what dropout leaves out.
    """

    def __init__(
        self, recipe: Recipe, size: CnnSettings, training: TrainingSettings, seed: int
    ) -> None:
        self.recipe = recipe
        self.size = size
        self.training = training
        self.seed = seed

    def fit(self, X: NDArray[np.float64], y: NDArray[np.integer], *, validation: Labelled) -> Self:
        """Train on ``X`` and ``y``, and keep the epoch that does best on the validation part.

        Parameters
        ----------
        X : array, shape (windows, planes * channels)
            Standardised maps.
        y : array of int, shape (windows,)
            Their classes.
        validation : tuple of X and y
            Other windows, of classes that are in ``y``.

        Raises
        ------
        ConfigError
            If the loss is not a finite number.
        """
        self.classes_ = np.unique(y)
        names = [self.recipe.classes[k] for k in self.classes_]
        planes = self.recipe.map_shape[0]
        shape = Grid.of(self.recipe.grid, self.recipe.channels).shape

        def build() -> Cnn:
            return Cnn(planes, *shape, len(names), self.size)

        self.fitted_ = fit(
            build, self._windows(X, y), self._windows(*validation), names, self.training, self.seed
        )
        return self

    def predict_log_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logarithm of each class's probability, shape (windows, classes)."""
        with torch.inference_mode():
            logits = logits_of(self.fitted_.network, self._pictures(X)).double()
            result: NDArray[np.float64] = torch.log_softmax(logits, dim=1).numpy()
        return result

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each class's probability, shape (windows, classes)."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.integer]:
        """Return the likeliest class of each window."""
        named: NDArray[np.integer] = self.classes_[self.predict_log_proba(X).argmax(axis=1)]
        return named

    def _windows(self, X: NDArray[np.float64], y: NDArray[np.integer]) -> Windows:
        return Windows(self._pictures(X), np.searchsorted(self.classes_, y).astype(np.int64))

    def _pictures(self, X: NDArray[np.float64]) -> NDArray[np.float32]:
        grid = Grid.of(self.recipe.grid, self.recipe.channels)
        return grid.to_grid(X.reshape(-1, *self.recipe.map_shape))
