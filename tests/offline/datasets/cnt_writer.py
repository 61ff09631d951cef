"""Write Neuroscan .cnt files, byte by byte, as the amplifier's program does."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

HEADER, ELECTRODE = 900, 75
WIDTHS = {"int16": 2, "int32": 4}


def write_cnt(
    path: Path,
    samples: np.ndarray,
    channels: Sequence[str],
    sfreq: int = 1000,
    *,
    data_format: str = "int32",
    lsb: float | Sequence[float] = 0.05,
    baseline: Sequence[int] | None = None,
    positions: np.ndarray | None = None,
    patient: bytes = b"",
    date: bytes = b"05/21/13",
    time: bytes = b"10:20:30",
    n_samples: int | None = None,
    event_table: int | None = None,
    events: Sequence[tuple[int, int]] = (),
) -> np.ndarray:
    """Write samples (channels, samples) in microvolts; return the integers that the file holds.

    Parameters
    ----------
    lsb : float or sequence of float
        Microvolts of one step, for all channels or each.
    baseline : sequence of int, optional
        Steps at which each channel's zero lies.
    n_samples, event_table : int, optional
        What the header says instead of the truth.
    events : sequence of (sample, type)
        Entries of the event table.
    """
    n_channels, width = len(channels), WIDTHS[data_format]
    steps = np.broadcast_to(np.asarray(lsb, float), (n_channels,))
    zeros = np.zeros(n_channels, int) if baseline is None else np.asarray(baseline)
    places = np.zeros((n_channels, 2)) if positions is None else positions
    held = np.rint(samples / steps[:, None]).astype(int) + zeros[:, None]

    header = bytearray(HEADER)
    header[0:12] = b"Version 3.0\0"
    header[121 : 121 + len(patient)] = patient
    header[225 : 225 + len(date)] = date
    header[235 : 235 + len(time)] = time
    struct.pack_into("<H", header, 370, n_channels)
    struct.pack_into("<H", header, 376, sfreq)
    struct.pack_into("<i", header, 864, samples.shape[1] if n_samples is None else n_samples)
    end = HEADER + ELECTRODE * n_channels + held.size * width
    struct.pack_into("<i", header, 886, end if event_table is None else event_table)

    electrodes = bytearray()
    for name, step, zero, place in zip(channels, steps, zeros, places, strict=True):
        entry = bytearray(ELECTRODE)
        entry[0 : len(name)] = name.encode()
        struct.pack_into("<2f", entry, 19, *place)
        struct.pack_into("<h", entry, 47, int(zero))
        # Microvolts of a step are sensitivity times calibration over 204.8.
        struct.pack_into("<f", entry, 59, step * 204.8 / 0.5)
        struct.pack_into("<f", entry, 71, 0.5)
        electrodes += entry

    per_sample = n_channels * width
    first = HEADER + ELECTRODE * n_channels
    table = b"".join(
        struct.pack("<HBBi", kind, 0, 0, first + (sample + 1) * per_sample)
        for sample, kind in events
    )
    teeg = struct.pack("<Bii", 1, len(table), 0)
    data = held.T.astype(f"<i{width}").tobytes()
    path.write_bytes(bytes(header) + bytes(electrodes) + data + teeg + table)
    return held
