"""What this machine calls itself, beside whatever is measured on it."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """Return the processor's name and how many cores it has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0]} ({len(named)} cores)" if named else platform.machine()
