"""A small montage, real examples that are none, and every kind that is made without training."""

from __future__ import annotations

from typing import Any

import numpy as np

from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from offline.generators.average import Average, AverageSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.generator import Generator, Real
from offline.generators.mixing import Mixup, MixupSettings
from offline.generators.neighbours import Adasyn, AdasynSettings, Smote, SmoteSettings
from rtbci.configuration import Settings
from rtbci.recipe import SEED_BANDS, Recipe

RECIPE = Recipe(channels=("F3", "FZ", "F4", "CZ"), bands=SEED_BANDS[:3], variance_floor=1e-4)

MAP_KINDS: tuple[tuple[type[Generator[Any]], Settings], ...] = (
    (Gaussian, GaussianSettings()),
    (Average, AverageSettings()),
    (Mixup, MixupSettings()),
    (Smote, SmoteSettings()),
    (Adasyn, AdasynSettings()),
)
KINDS = (*MAP_KINDS, (Autoregressive, AutoregressiveSettings(order=4)))


def maps(counts: tuple[int, ...] = (20, 30, 25), spread: float = 1.0, seed: int = 0) -> Real:
    """Overlapping classes of maps, five maps a trial; channels are correlated, scales differ."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    planes, channels = RECIPE.map_shape
    scale = np.linspace(0.5, 2, planes)[:, None]
    x = rng.standard_normal((len(labels), planes, channels))
    x = scale * (x + rng.standard_normal((len(labels), 1, 1))) + spread * labels[:, None, None]
    return Real(x, labels, np.arange(len(labels)) // 5)


def signal(windows: int = 6, samples: int = 100, seed: int = 0) -> Real:
    """Smooth noise in microvolts, louder from class to class, around an electrode's offset."""
    rng = np.random.default_rng(seed)
    classes, channels = len(RECIPE.classes), len(RECIPE.channels)
    labels = np.repeat(np.arange(classes), windows)
    white = rng.standard_normal((len(labels), channels, samples + 3))
    smooth = sum(white[..., k : k + samples] for k in range(4))
    x = 10.0 * (labels[:, None, None] + 1) * smooth + 1000.0
    return Real(x.astype(np.float32), labels, np.arange(len(labels)) // 2)


def real_for(kind: type[Generator[Any]]) -> Real:
    return maps() if kind.makes == "maps" else signal()


def fitted(kind: type[Generator[Any]], settings: Settings, seed: int = 0) -> Generator[Any]:
    return kind(RECIPE, settings).fit(real_for(kind), seed)
