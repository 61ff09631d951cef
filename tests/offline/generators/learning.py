"""What every generator from noise should learn of classes that lie apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from offline.generators.noise import NoiseGenerator, NoiseSettings
from tests.offline.generators.material import RECIPE, maps


def check_learned(kind: type[NoiseGenerator[Any]], settings: NoiseSettings) -> None:
    """Check means, deviations and classes of what is made of classes that lie apart."""
    real = maps((60, 60, 60), spread=4.0)
    generator = kind(RECIPE, settings).fit(real)
    means = np.stack([real.x[real.labels == label].mean(axis=0) for label in range(3)])
    for label in range(3):
        made = generator.sample(200, label)
        nearest = ((made[:, None] - means) ** 2).sum(axis=(2, 3)).argmin(axis=1)
        assert (nearest == label).mean() > 0.7  # chance is 0.33
        inside = real.x[real.labels == label].std(axis=0)
        assert 0.2 < np.median(made.std(axis=0) / inside) < 2
