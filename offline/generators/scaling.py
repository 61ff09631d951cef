"""The scale on which generators learn, whatever they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from offline.generators.generator import Floats
from rtbci.model.person import Person

_LEAST = 1e-6


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of what was learned from.

    Attributes
    ----------
    mean, std : arrays, broadcastable to an example
        Of the learned examples; a deviation is never quite zero.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def of(cls, x: Floats, axis: int | tuple[int, ...] = 0) -> Scale:
        """Measure examples, over some of their axes."""
        mean = x.mean(axis=axis, keepdims=True, dtype=np.float64)[0]
        std = x.std(axis=axis, keepdims=True, dtype=np.float64)[0]
        return cls(mean.astype(np.float32), np.maximum(std, _LEAST).astype(np.float32))

    @classmethod
    def of_person(cls, person: Person) -> Scale:
        """Return the scale on which everything is relative to a wearer's calibration block."""
        return cls(person.mean.astype(np.float32), person.std.astype(np.float32))

    def standardised(self, x: Floats) -> NDArray[np.float32]:
        """Return examples on the scale of mean 0 and deviation 1."""
        scaled: NDArray[np.float32] = ((x - self.mean) / self.std).astype(np.float32)
        return scaled

    def back(self, x: Floats) -> NDArray[np.float32]:
        """Return standardised examples on the scale of what was learned from."""
        original: NDArray[np.float32] = (x * self.std + self.mean).astype(np.float32)
        return original

    def state(self) -> dict[str, Tensor]:
        """Return the scale as tensors."""
        return {"mean": torch.from_numpy(self.mean), "std": torch.from_numpy(self.std)}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Scale:
        """Return what :meth:`state` gave."""
        return cls(state["mean"].numpy(), state["std"].numpy())
