"""Windows that a recogniser can tell apart, and settings that make the network quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from offline.examples import MapExamples, SignalExamples
from offline.models.cnn import CnnSettings
from offline.recognisers import Inputs, RecogniserSettings
from offline.training import TrainingSettings
from rtbci.recipe import SEED_BANDS, Recipe

Part = tuple[Inputs, NDArray[np.int64]]
CHANNELS = ("FZ", "CZ", "PZ", "OZ")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe(channels=CHANNELS, bands=SEED_BANDS[:2], covariance=True, signal={})


@pytest.fixture(scope="session")
def settings() -> RecogniserSettings:
    return RecogniserSettings(
        cnn=CnnSettings(widths=(8, 8, 8), hidden=8, dropout=0, dense_dropout=0),
        training=TrainingSettings(epochs=25, batch_size=32, learning_rate=5e-3),
    )


def signal(maps: NDArray[np.float64]) -> SignalExamples:
    """Return a window of noise for each map, the stronger in a channel the greater its value."""
    n, _, channels = maps.shape
    noise = np.random.default_rng(n).standard_normal((n, 128, channels))
    points = (noise * np.exp(maps.mean(axis=1) / 3)[:, None]).reshape(-1, channels)
    scale = np.ones((n, channels), np.float32)
    return SignalExamples(points.astype(np.float32), 128 * np.arange(n), scale, 128)


@pytest.fixture(scope="session")
def part() -> Callable[..., Part]:
    """Return a maker of windows; class k is stronger in channel k, in maps and covariances."""

    def make(
        n: int,
        seed: int,
        shares: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
        distance: float = 2.0,
    ) -> Part:
        rng = np.random.default_rng(seed)
        labels = rng.choice(len(shares), n, p=shares)
        rows = np.arange(n)
        maps = rng.standard_normal((n, 2, 4))
        maps[rows, :, labels] += distance
        samples = rng.standard_normal((n, 2, 4, 30))
        samples[rows, :, labels] *= 1 + distance / 2
        covariances = np.einsum("nbcs,nbds->nbcd", samples, samples) / 30
        alone = MapExamples(maps.astype(np.float32), rows[:, None])
        return Inputs(maps, covariances, alone, signal(maps)), labels

    return make
