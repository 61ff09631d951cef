"""Packages that are installed only where they are asked for."""

from __future__ import annotations

from importlib.util import find_spec

from rtbci.errors import ConfigError


def require(what: str, extra: str, *modules: str) -> None:
    """Refuse work that a missing package is needed for.

    Parameters
    ----------
    what : str
        Says who needs it, to begin the line with.
    extra : str
        The project's extra that brings it.
    modules : str
        What has to be there.

    Raises
    ------
    ConfigError
        If one of them is not installed; says how to install it.
    """
    if any(find_spec(module) is None for module in modules):
        raise ConfigError(f"{what}: pip install 'rtbci[{extra}]'")
