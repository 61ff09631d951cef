"""What numbers come from: the versions and the source code of what computed them."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from pathlib import Path

import offline
import rtbci

_SHOWS = {"cli", "report", "table", "live", "publish", "stream"}


def versions() -> dict[str, str]:
    """Return the versions of everything that numbers depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"rtbci": rtbci.__version__, "python": platform.python_version()}
    packages = ("numpy", "scipy", "numba", "scikit-learn", "pyriemann", "torch")
    found |= {name: version(name) for name in packages}
    with suppress(PackageNotFoundError):  # an extra
        found["imbalanced-learn"] = version("imbalanced-learn")
    return found


def code_hash(*packages: Path) -> str:
    """Return a hash of packages' source code, but for what only shows or transmits results."""
    whole = hashlib.sha256()
    for folder in packages:
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder)
            if not _SHOWS.intersection(inside.with_suffix("").parts):
                whole.update(f"{folder.name}/{inside.as_posix()}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def own_code_hash() -> str:
    """Return the same of this program, but for the virtual headset."""
    return code_hash(*(Path(package.__path__[0]) for package in (offline, rtbci)))
