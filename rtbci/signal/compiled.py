"""How the inner loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function by numba: no Python, no GIL, no reordering of sums.

    The compiled code is kept on disk and thrown away when the function's own file changes, so a
    function that is compiled calls only those of its own module.
    """
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy")(function))
