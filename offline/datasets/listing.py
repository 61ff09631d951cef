"""Lists in messages."""

from __future__ import annotations

from collections.abc import Sequence


def some_of(names: Sequence[str], most: int = 6) -> str:
    """Return the first names and how many more there are.

    Examples
    --------
    >>> some_of(["FP1", "FPZ", "FP2"], most=2)
    'FP1, FPZ and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
