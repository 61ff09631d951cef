"""A generator that edits maps by what can be reckoned by hand, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from offline.generators.generator import Floats, Generator, Real
from rtbci.configuration import Settings


class ShiftSettings(Settings):
    kind: Literal["shift"] = "shift"
    nats: float = 0.6


class Shift(Generator[ShiftSettings]):
    """Edits a map by as much as its class says, other bands and channels by more or less."""

    kind = "shift"
    makes = "maps"
    edits = True

    def shift(self, label: int) -> Floats:
        """What is added to a map, shape (planes, channels): nothing for class 0."""
        planes, channels = self.recipe.map_shape
        turn = np.cos(np.arange(planes)[:, None] + 0.7 * np.arange(channels))
        return self.settings.nats * label * turn / (len(self.classes) - 1)

    def _edit(self, x: Floats, to_label: int, rng: np.random.Generator) -> Floats:
        return x + self.shift(to_label)

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        raise NotImplementedError

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        raise NotImplementedError

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        pass
