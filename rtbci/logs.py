"""The log: what the program has to say beside its results, on stderr."""

from __future__ import annotations

import logging
import sys


def log_to_stderr(level: int) -> None:
    """Say what the program's own parts log from this level on, and of others warnings only."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="rtbci: %(message)s", force=True
    )
    for name in ("rtbci", "offline", "replay"):
        logging.getLogger(name).setLevel(level)
