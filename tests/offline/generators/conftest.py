from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_first_weights() -> None:
    """Networks that a test builds by itself begin alike, whatever ran before."""
    torch.manual_seed(0)
