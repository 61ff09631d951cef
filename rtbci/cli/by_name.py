"""Commands that live in packages which may not be installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def command_at(place: str) -> Any:
    """Return what is at ``module:attribute``, or None where the module's package is absent."""
    module, attribute = place.split(":")
    if find_spec(module.split(".")[0]) is None:
        return None
    return getattr(import_module(module), attribute)
