"""ESC-GAN: real maps edited from well-represented classes to under-represented ones."""

from __future__ import annotations

from offline.generators.escgan.generator import EscGan
from offline.generators.escgan.settings import EscGanSettings, LossWeights

__all__ = ["EscGan", "EscGanSettings", "LossWeights"]
