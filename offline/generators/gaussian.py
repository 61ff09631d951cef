"""The floor for maps: each class as one Gaussian."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf
from torch import Tensor

from offline.generators.generator import Floats, Generator, Real
from rtbci.configuration import Settings


class GaussianSettings(Settings):
    """There is nothing to be set."""

    kind: Literal["gaussian"] = "gaussian"


class Gaussian(Generator[GaussianSettings]):
    r"""Maps drawn from :math:`N(\mu_k, \Sigma_k)`, a class's mean and covariance.

    All electrodes and bands together are one vector; :math:`\Sigma_k` is shrunk, as there may be
    fewer maps than numbers in one (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4).
    Whatever knows more of EEG than its first two moments should do better.
    """

    kind = "gaussian"
    makes = "maps"

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        flat = real.x.reshape(len(real), -1).astype(np.float64)
        parts = [flat[real.labels == label] for label in range(len(self.classes))]
        self._means = np.stack([part.mean(axis=0) for part in parts])
        self._roots = np.stack([_root(ledoit_wolf(part)[0]) for part in parts])

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        noise = rng.standard_normal((n, self._means.shape[1]))
        drawn: Floats = self._means[label] + noise @ self._roots[label].T
        return drawn.reshape(n, *self.recipe.stacked_shape)

    def state(self) -> dict[str, Tensor]:
        """Return means and roots of covariances."""
        return {"means": torch.from_numpy(self._means), "roots": torch.from_numpy(self._roots)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to these."""
        self._means, self._roots = state["means"].numpy(), state["roots"].numpy()


def _root(covariance: Floats) -> Floats:
    """Return the symmetric root, the only one that does not hang on the signs of eigenvectors."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
