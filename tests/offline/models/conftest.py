"""The same random numbers for every test of a network."""

from __future__ import annotations

import pytest
import torch

from offline.training import one_thread


@pytest.fixture(autouse=True)
def _same_numbers():
    torch.manual_seed(0)
    with one_thread():
        yield
