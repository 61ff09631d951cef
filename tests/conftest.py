"""Fixtures that every test may use: real recordings, and an LSL network of one's own."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rtbci.stream.network import isolated_lsl

SHARED_DATA = Path(
    os.environ.get("RTBCI_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")
).resolve()

# What tests cache is not the user's. pytest-xdist's workers share that of the process above them.
_cache = None
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="rtbci-test-cache-")
    os.environ["RTBCI_CACHE"] = _cache.name

# A shell's background jobs ignore Ctrl-C, and the processes that they start; ours are to feel it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before any test module loads liblsl, and for the processes that tests start.
_network = isolated_lsl()
_network.__enter__()


def pytest_unconfigure() -> None:
    _network.__exit__(None, None, None)
    if _cache is not None:
        _cache.cleanup()


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a real recording's folder, or skip the test where it is absent."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real recordings not found: {path} (set RTBCI_TEST_DATA)")
        return path

    return find
