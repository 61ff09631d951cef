"""Cells and structs of MATLAB files, whichever way SciPy wraps them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecordingError


def load_mat(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Read variables of a MATLAB file before version 7.3.

    Raises
    ------
    RecordingError
        If it cannot be read, is cut off, or lacks a variable.
    """
    from scipy.io import loadmat

    try:
        # Without SciPy's check that a variable fills its compressed bytes exactly, which readers of
        # AMIGOS have to switch off; a file that is cut off is noticed all the same.
        with path.open("rb") as file:
            content: dict[str, Any] = loadmat(
                file, variable_names=list(names), verify_compressed_data_integrity=False
            )
    except OSError as error:
        if error.errno is not None:
            raise RecordingError(f"{path}: {error.strerror}") from None
        raise unreadable(path, error) from None
    except NotImplementedError:
        raise RecordingError(
            f"{path}: is of MATLAB v7.3, older ones are read; save it with -v7"
        ) from None
    except Exception as error:  # SciPy raises whatever its parsing ran into
        raise unreadable(path, error) from None
    missing = [name for name in names if name not in content]
    if missing:
        raise RecordingError(f"{path}: lacks the variable {', '.join(missing)}; cut off?")
    return content


def unreadable(path: Path, error: Exception) -> RecordingError:
    """Put what a reader ran into, whatever it was, into one line that names the file."""
    said = " ".join(str(error).split()) or type(error).__name__
    return RecordingError(f"{path}: cannot be read as a MATLAB file, damaged or cut off? ({said})")


def cells(value: Any) -> list[Any]:
    """Return what the cells of a cell array hold, row or column alike.

    A struct array counts as cells with one struct each, a matrix as cells with one row each: other
    ways in which the same content is saved.
    """
    array = np.asarray(value)
    if array.dtype.names is None and array.dtype != object:
        return list(np.atleast_2d(array))
    return [_bare(cell) for cell in array.ravel()]


def field(struct: Any, name: str, where: str) -> Any:
    """Return a field of a struct.

    Raises
    ------
    RecordingError
        If it is no struct or lacks the field; ``where`` is named.
    """
    bare = _bare(struct)
    if name not in (getattr(bare, "dtype", np.dtype(object)).names or ()):
        raise RecordingError(f"{where}: lacks the field {name}")
    return bare[name]


def numbers(value: Any, what: str) -> NDArray[Any]:
    """Return an array of numbers.

    Raises
    ------
    RecordingError
        If it is anything else; ``what`` is named.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise RecordingError(f"{what} holds no numbers")
    return array


def samples(value: Any, n_columns: int, what: str) -> NDArray[Any]:
    """Return an array of shape (samples, columns).

    Raises
    ------
    RecordingError
        If it is empty or has another number of columns; ``what`` is named.
    """
    array = numbers(value, what)
    if array.ndim != 2 or array.shape[1] != n_columns or not len(array):
        raise RecordingError(f"{what} is {shape_of(array)}; samples x {n_columns} are expected")
    return array


def shape_of(array: NDArray[Any]) -> str:
    """Return an array's shape as people write it, such as ``100 x 14``."""
    return " x ".join(map(str, array.shape)) or "one number"


def _bare(value: Any) -> Any:
    """Take off the cells of one that SciPy puts around every struct and field."""
    while (
        isinstance(value, np.ndarray)
        and value.size == 1
        and (value.dtype == object or value.dtype.names is not None)
    ):
        value = value.reshape(-1)[0]
    return value
