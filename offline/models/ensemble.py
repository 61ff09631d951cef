"""Several networks as one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):  # type: ignore[misc]
    """Several networks that see the same, as one: the mean of their probabilities.

    Lakshminarayanan et al. 2017 (arXiv 1612.01474), equation in section 2.4.

    Parameters
    ----------
    members : sequence of torch.nn.Module
        What they see to logits (batch, classes).
    """

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, seen: Tensor) -> Tensor:
        """Return the logarithms of the mean probabilities (batch, classes)."""
        said = [torch.log_softmax(member(seen), dim=1) for member in self.members]
        return torch.logsumexp(torch.stack(said), dim=0) - math.log(len(said))
