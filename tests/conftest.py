"""Fixtures that every test may use: real recordings, and an LSL network of one's own."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED_DATA = Path(
    os.environ.get("RTBCI_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")
).resolve()


def _isolate_lsl() -> None:
    """Give this test process, and the processes that it starts, an LSL network of their own.

    liblsl reads its configuration once, when it is first used, so this has to come before.
    """
    session = uuid.uuid4().hex
    path = Path(tempfile.gettempdir()) / f"rtbci-test-lsl-{session}.cfg"
    path.write_text(
        f"[lab]\nSessionID = {session}\n"
        "[multicast]\nResolveScope = machine\n"
        "[ports]\nIPv6 = disable\n"
        "[log]\nlevel = -2\n"
    )
    os.environ["LSLAPICFG"] = str(path)


_isolate_lsl()


def pytest_unconfigure() -> None:
    Path(os.environ["LSLAPICFG"]).unlink(missing_ok=True)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a real recording's folder, or skip the test where it is absent."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real recordings not found: {path} (set RTBCI_TEST_DATA)")
        return path

    return find
