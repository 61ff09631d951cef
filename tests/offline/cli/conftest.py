"""What tests of the offline commands share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def one_cache(tmp_path_factory):
    """Let a module's tests find each other's features."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RTBCI_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
