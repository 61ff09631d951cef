"""Where the program keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for files that may be deleted at any time; it need not exist yet.

    The environment variable ``RTBCI_CACHE`` names another one than the system's usual place.
    """
    chosen = os.environ.get("RTBCI_CACHE")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("rtbci"))
