"""Arrays out of a pickle without running what is in it.

A pickle is a program: it names functions and calls them. Here no name leads to a function of
another module. The few that NumPy's arrays need lead to stand-ins in this file, which take numbers
apart and put nothing into effect; every other name is refused.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecordingError

_KINDS = "biuf"


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read a pickled dictionary of NumPy arrays, from Python 2 or 3, any protocol.

    Parameters
    ----------
    path : Path
        The pickle.

    Returns
    -------
    dict of str to array
        Read-only arrays of booleans or numbers.

    Raises
    ------
    RecordingError
        If the file cannot be read, is cut off, holds anything but such a dictionary, or names a
        class or function that arrays do not need; one line that names it.
    """
    try:
        with path.open("rb") as file:
            content = _ArraysOnly(file, path).load()
        if not isinstance(content, dict):
            _refuse(f"holds no dictionary but {type(content).__name__}")
        return {_text(name): _array(value) for name, value in content.items()}
    except RecordingError:
        raise
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # damaged opcodes end in whatever error they ran into
        said = " ".join(str(error).split()) or type(error).__name__
        raise RecordingError(
            f"{path}: cannot be read as a pickle of arrays, damaged or cut off? ({said})"
        ) from None


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that knows the names in ``_STAND_INS`` and no others."""

    def __init__(self, file: Any, path: Path) -> None:
        # Python 2 wrote raw bytes as text: as bytes they come back without a copy.
        super().__init__(file, encoding="bytes")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise RecordingError(
                f"{self._path}: refused, this pickle asks for {module}.{name}; only NumPy arrays "
                "are read from a pickle, as it could run any program"
            )
        return stand_in


class _Callable:
    """A function that a pickle may call but not alter."""

    __slots__ = ("_function",)
    _function: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        _refuse(f"sets {name} of a function")


class _Type:
    """Stands for a ``numpy.dtype``: made from its name, then told its byte order."""

    __slots__ = ("numbers",)

    def __init__(self, name: Any, *_: Any) -> None:
        numbers = np.dtype(_text(name))
        if numbers.kind not in _KINDS:
            _refuse(f"holds an array of type {_text(name)!r}")
        self.numbers = numbers

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, order, *compound = state
        if any(part is not None for part in compound[:3]):
            _refuse("holds an array of compound type")
        orders: dict[str, Literal["<", ">", "="]] = {"<": "<", ">": ">"}
        self.numbers = self.numbers.newbyteorder(orders.get(_text(order), "="))


class _Array:
    """Stands for a ``numpy.ndarray``: made empty, then told its shape, type and bytes."""

    __slots__ = ("values",)

    def __init__(self, *_: Any) -> None:
        self.values: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, is_fortran, content = state
        self.values = _numbers(content, kind, shape, "F" if is_fortran else "C")


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.values = _numbers(content, kind, shape, order)
    return array


def _scalar(kind: Any, content: Any) -> _Array:
    return _from_buffer(content, kind, (), "C")


def _numbers(content: Any, kind: Any, shape: Any, order: str) -> NDArray[Any]:
    if not (isinstance(kind, _Type) and isinstance(content, bytes | bytearray)):
        _refuse("holds an array that is not made of numbers")
    values: NDArray[Any] = np.frombuffer(content, kind.numbers).reshape(shape, order=order)  # type: ignore[call-overload]
    values.flags.writeable = False
    return values


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """Turn text back into the bytes that Python 3 hides in it for protocols before 3."""
    if encoding not in {"latin1", "latin-1"}:
        _refuse(f"asks for the encoding {encoding!r}")
    return str(text).encode("latin-1")


def _array(value: Any) -> NDArray[Any]:
    if not isinstance(value, _Array) or value.values is None:
        _refuse(f"holds {type(value).__name__.lstrip('_')} where an array is expected")
    return value.values


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _refuse(why: str) -> NoReturn:
    raise pickle.UnpicklingError(why)


_STAND_INS: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): "ndarray",  # only ever handed to _reconstruct
    ("numpy", "dtype"): _Callable(_Type),
    ("_codecs", "encode"): _Callable(_encode),
}
for _package in ("numpy.core", "numpy._core"):  # the name before NumPy 2 and since
    _STAND_INS[_package + ".multiarray", "_reconstruct"] = _Callable(_Array)
    _STAND_INS[_package + ".multiarray", "scalar"] = _Callable(_scalar)
    _STAND_INS[_package + ".numeric", "_frombuffer"] = _Callable(_from_buffer)
