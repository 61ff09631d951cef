"""One file of the cache: arrays that can be memory-mapped, and what tells whether all is whole.

An entry is a row of NumPy's ``.npy`` arrays, each with its own header at a multiple of 64 bytes,
and a trailer: for each array, as little-endian int64, where it starts, where it stops and the
CRC-32 of what lies between; then the trailer's own CRC-32. The first array is the maps, so
``numpy.load(path, mmap_mode="r")`` opens them.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecordingError

_ALIGNMENT = 64
_CRC_BYTES = 4
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, read when it is looked at. It travels between processes as its place.

    Attributes
    ----------
    path : Path
        The file.
    offset : int
        Where the numbers start in it, bytes.
    dtype : str
        As NumPy names it.
    shape : tuple of int
        The array's.
    """

    path: Path
    offset: int
    dtype: str
    shape: tuple[int, ...]

    def open(self) -> NDArray[Any]:
        """Return a read-only memory map.

        Raises
        ------
        RecordingError
            If the file is no longer there.
        """
        try:
            return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or error
            raise RecordingError(
                f"{self.path}: features that were there are gone ({said}); start again"
            ) from None


@dataclass(frozen=True)
class _Place:
    """Where an array lies: header from ``start``, numbers from ``data`` to ``stop``."""

    header: bytes
    dtype: np.dtype[Any]
    start: int
    stop: int

    @property
    def data(self) -> int:
        return self.start + len(self.header)


class EntryWriter:
    """Writes an entry piece by piece, so that no array need ever be in memory as a whole.

    Parameters
    ----------
    file : binary file
        Empty and open for writing.
    shapes : mapping of str to (dtype, shape)
        The arrays in order, and how long they will be.

    Attributes
    ----------
    size : int
        Bytes that the entry will have.
    """

    def __init__(self, file: IO[bytes], shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
        self._file = file
        self._places = _arrange(shapes)
        self._at = {name: place.data for name, place in self._places.items()}
        self._crc = {name: zlib.crc32(place.header) for name, place in self._places.items()}
        for place in self._places.values():
            file.seek(place.start)
            file.write(place.header)

    def append(self, name: str, values: NDArray[Any]) -> None:
        """Write an array's next rows."""
        place = self._places[name]
        data = np.ascontiguousarray(values, place.dtype).reshape(-1).view(np.uint8).data
        self._file.seek(self._at[name])
        self._file.write(data)
        self._at[name] += len(data)
        self._crc[name] = zlib.crc32(data, self._crc[name])

    def finish(self) -> None:
        """Write the trailer.

        Raises
        ------
        ValueError
            If an array is not as long as was said.
        """
        for name, place in self._places.items():
            if self._at[name] != place.stop:
                raise ValueError(f"{name} ends at byte {self._at[name]}, not {place.stop}")
        table = [(place.start, place.stop, self._crc[name]) for name, place in self._places.items()]
        trailer = np.array(table, "<i8").tobytes()
        self._file.seek(_aligned(table[-1][1]))
        self._file.write(trailer + zlib.crc32(trailer).to_bytes(_CRC_BYTES, "little"))


def entry_bytes(shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> int:
    """Return how large an entry will be."""
    return _aligned(list(_arrange(shapes).values())[-1].stop) + _trailer_bytes(len(shapes))


def read_entry(path: Path, names: Sequence[str]) -> dict[str, StoredArray] | None:
    """Find an entry's arrays, or None if there is no such entry that is whole.

    Each process reads an entry once from start to end to see whether it is whole, and again only
    if the file has changed since.

    Parameters
    ----------
    path : Path
        The file.
    names : sequence of str
        The arrays' names in order.
    """
    try:
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
        table = _intact(path, stamp, len(names))
        if table is None:
            return None
        with path.open("rb") as file:
            found = [_stored(path, file, start) for start, _ in table]
    except (OSError, ValueError):  # ValueError: not by this program
        return None
    return dict(zip(names, found, strict=True))


@lru_cache(maxsize=8192)
def _intact(path: Path, stamp: tuple[int, ...], count: int) -> tuple[tuple[int, int], ...] | None:
    """Return where the arrays start and stop, or None if a byte is not what was written."""
    size, trailer_bytes = stamp[0], _trailer_bytes(count)
    if size < trailer_bytes:
        return None
    with path.open("rb") as file:
        file.seek(size - trailer_bytes)
        trailer = file.read(trailer_bytes - _CRC_BYTES)
        if file.read() != zlib.crc32(trailer).to_bytes(_CRC_BYTES, "little"):
            return None
        table = np.frombuffer(trailer, "<i8").reshape(count, 3).tolist()
        if _aligned(table[-1][1]) + trailer_bytes != size:
            return None
        if any(_crc_of(file, start, stop) != crc for start, stop, crc in table):
            return None
    return tuple((start, stop) for start, stop, _ in table)


def _crc_of(file: IO[bytes], start: int, stop: int) -> int:
    file.seek(start)
    crc, left = 0, stop - start
    while left:
        piece = file.read(min(left, _AT_ONCE))
        if not piece:
            return -1
        crc, left = zlib.crc32(piece, crc), left - len(piece)
    return crc


def _stored(path: Path, file: IO[bytes], start: int) -> StoredArray:
    file.seek(start)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return StoredArray(path, file.tell(), dtype.str, shape)


def _arrange(shapes: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    start = 0
    for name, (kind, shape) in shapes.items():
        dtype = np.dtype(kind)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": dtype.str, "fortran_order": False, "shape": shape}
        )
        written = header.getvalue()
        stop = start + len(written) + math.prod(shape) * dtype.itemsize
        places[name] = _Place(written, dtype, start, stop)
        start = _aligned(stop)
    return places


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _trailer_bytes(count: int) -> int:
    return 3 * 8 * count + _CRC_BYTES
