"""Names as a person lists them on the command line."""

from __future__ import annotations


def names_in(listed: str | None) -> tuple[str, ...] | None:
    """Return the names in a list with commas; None where none was given."""
    return None if listed is None else tuple(name.strip() for name in listed.split(","))
