"""Neuroscan .cnt files: MNE reads them, once it is sure how wide their samples are.

A header says how many samples there are and where they end, not how many bytes each has. Read with
the wrong width a file yields noise, without an error. Layout of the header:
https://paulbourke.net/dataformats/eeg/.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rtbci.errors import RecordingError

_log = logging.getLogger(__name__)

DataFormat = Literal["auto", "int16", "int32"]

_WIDTHS = {"int16": 2, "int32": 4}  # bytes
_HEADER, _ELECTRODE = 900, 75  # bytes
_POSITIONS_OVERFLOW = 2e9  # bytes; MNE takes no position from the header of a larger file


@dataclass(frozen=True)
class _Header:
    n_channels: int
    n_samples: int
    event_table: int  # first byte after the samples
    size: int  # of the whole file

    @property
    def first(self) -> int:
        return _HEADER + _ELECTRODE * self.n_channels


def is_neuroscan(path: Path) -> bool:
    """Say whether a file is Neuroscan's; ANT's .cnt are of another format, RIFF."""
    if path.suffix.lower() != ".cnt":
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) not in {b"RIFF", b"RF64"}
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None


def open_neuroscan(path: Path, data_format: DataFormat = "auto") -> Any:
    """Open a file with MNE.

    Parameters
    ----------
    path : Path
        A Neuroscan .cnt.
    data_format : {'auto', 'int16', 'int32'}
        Type of its samples; ``auto`` takes it from the header, if that is unambiguous.

    Returns
    -------
    mne.io.Raw
        Not preloaded. The electrode positions and the date in it are not to be relied on.

    Raises
    ------
    RecordingError
        If the header contradicts itself, the file or ``data_format``.
    """
    import mne

    header = _read_header(path)
    options: dict[str, Any] = {"data_format": _checked_format(path, header, data_format)}
    if not _counted_rightly(header, options["data_format"]):
        options["recompute_n_samples"] = True
    try:
        with _text_of_any_encoding():
            return mne.io.read_raw_cnt(path, preload=False, verbose="ERROR", **options)
    except RuntimeError as error:
        cause = error.__context__ or error  # MNE puts a whole traceback into its own message
        said = " ".join(str(cause).split()) or type(cause).__name__
        raise RecordingError(f"{path}: cannot be read, damaged or cut off? ({said})") from None


def _read_header(path: Path) -> _Header:
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
        size = path.stat().st_size
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None
    if len(head) < _HEADER:
        raise RecordingError(f"{path}: not a Neuroscan .cnt, it ends within the header")
    n_channels, sfreq = struct.unpack_from("<H", head, 370)[0], struct.unpack_from("<H", head, 376)
    header = _Header(
        n_channels,
        struct.unpack_from("<i", head, 864)[0],
        struct.unpack_from("<i", head, 886)[0],
        size,
    )
    if not (n_channels and sfreq[0] and header.first < size):
        raise RecordingError(f"{path}: not a Neuroscan .cnt, its header is damaged")
    return header


def _checked_format(path: Path, header: _Header, data_format: DataFormat) -> str:
    """Return the samples' type if the header does not speak against it."""
    if header.size >= _POSITIONS_OVERFLOW:
        return _format_of_large(path, header, data_format)
    if header.event_table > header.size:
        raise RecordingError(
            f"{path}: cut off, its header places {header.event_table} bytes before the events, it "
            f"has {header.size}"
        )
    data = header.event_table - header.first
    if data <= 0:
        raise RecordingError(f"{path}: damaged, its header leaves no room for samples")
    fitting = [name for name in _WIDTHS if data == _bytes(header, name)]
    if fitting and data_format not in ("auto", fitting[0]):
        raise RecordingError(
            f"{path}: is {fitting[0]}, not {data_format}: its header states {header.n_samples} "
            f"samples of {header.n_channels} channels, which fill its {data} bytes; set "
            f"data_format: {fitting[0]}"
        )
    if fitting:
        return fitting[0]
    lengths = {name: data / (width * header.n_channels) for name, width in _WIDTHS.items()}
    said = (
        f"its header states {header.n_samples} samples, its {data} bytes hold "
        f"{lengths['int16']:g} as int16 and {lengths['int32']:g} as int32"
    )
    if data_format == "auto":
        raise RecordingError(f"{path}: {said}; set data_format: int16 or int32")
    if not lengths[data_format].is_integer():
        raise RecordingError(f"{path}: {said}; damaged, or set another data_format")
    _log.debug("%s: %s; read as %s", path.name, said, data_format)
    return data_format


def _format_of_large(path: Path, header: _Header, data_format: DataFormat) -> str:
    """Only the number of samples counts where the position of the events does not fit its field."""
    if data_format == "auto":
        raise RecordingError(
            f"{path}: larger than 2 GB, its header cannot say how wide its samples are; set "
            "data_format: int16 or int32"
        )
    room = header.size - header.first
    fitting = [name for name in _WIDTHS if 0 < _bytes(header, name) <= room]
    if data_format not in fitting:
        raise RecordingError(
            f"{path}: cut off, its header states {header.n_samples} samples of "
            f"{header.n_channels} channels, as {data_format} it has room for "
            f"{room // (header.n_channels * _WIDTHS[data_format])}; or set another data_format"
        )
    if data_format != fitting[-1]:
        raise RecordingError(
            f"{path}: is {fitting[-1]}, not {data_format}, which would leave half of it unread; "
            f"set data_format: {fitting[-1]}"
        )
    return data_format


def _bytes(header: _Header, data_format: str) -> int:
    return header.n_samples * header.n_channels * _WIDTHS[data_format]


def _counted_rightly(header: _Header, data_format: str) -> bool:
    return (
        header.size >= _POSITIONS_OVERFLOW
        or _bytes(header, data_format) == header.event_table - header.first
    )


@contextmanager
def _text_of_any_encoding() -> Iterator[None]:
    """Let MNE read names and dates that are not ASCII; it would refuse the file for them."""
    from mne.io.cnt import cnt

    strict = cnt.read_str
    cnt.read_str = _read_text
    try:
        yield
    finally:
        cnt.read_str = strict


def _read_text(file: Any, count: int = 1) -> str:
    content: bytes = file.read(count)
    return content.partition(b"\0")[0].decode("ascii", "replace")
