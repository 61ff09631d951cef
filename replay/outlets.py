"""A virtual headset's two LSL streams: the EEG, and the markers beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pylsl
from numpy.typing import NDArray

from replay.sources import Source
from rtbci.errors import ReplayError
from rtbci.montage.names import canonical_name
from rtbci.montage.positions import electrode_positions, known_electrodes

_MANUFACTURER = "rtbci replay"


def open_eeg_outlet(source: Source, name: str) -> pylsl.StreamOutlet:
    """Announce a source as an EEG stream: float32, microvolts, at its own nominal rate.

    The description follows the XDF EEG meta-data specification; electrodes that have a place in the
    10-5 system come with it, in millimetres.

    Raises
    ------
    ReplayError
        If LSL refuses.
    """
    info = pylsl.StreamInfo(
        name, "EEG", len(source.channels), source.sfreq, "float32", source_id(source, name)
    )
    _describe(info, source)
    return _open(info)


def open_marker_outlet(source: Source, name: str) -> pylsl.StreamOutlet:
    """Announce the markers of a source's EEG stream ``name`` as ``name-markers``."""
    identity = f"{source_id(source, name)}-markers"
    info = pylsl.StreamInfo(
        f"{name}-markers", "Markers", 1, pylsl.IRREGULAR_RATE, "string", identity
    )
    info.desc().append_child_value("manufacturer", _MANUFACTURER)
    return _open(info)


def source_id(source: Source, name: str) -> str:
    """Return the id by which a restarted replay is known again as the same device."""
    digest = hashlib.sha256(f"{source.identity}\n{name}".encode()).hexdigest()
    return f"rtbci-replay-{digest[:16]}"


def push(outlet: pylsl.StreamOutlet, samples: NDArray[np.float32], stamps: Sequence[float]) -> None:
    """Send samples (samples, channels), each with a time stamp of its own.

    With one stamp for them all liblsl would count the others back at the nominal rate, which is
    wrong at any speed but 1.
    """
    outlet.push_chunk(samples, list(stamps))


def _open(info: pylsl.StreamInfo) -> pylsl.StreamOutlet:
    try:
        return pylsl.StreamOutlet(info)
    except RuntimeError as error:
        raise ReplayError(f"LSL cannot open the stream {info.name()!r}: {error}") from None


def _describe(info: pylsl.StreamInfo, source: Source) -> None:
    description = info.desc()
    description.append_child_value("manufacturer", _MANUFACTURER)
    acquisition = description.append_child("acquisition")
    acquisition.append_child_value("manufacturer", _MANUFACTURER)
    if source.simulated:
        acquisition.append_child_value("model", "SIMULATED signal, not recorded from a person")
    else:
        acquisition.append_child_value("model", f"recording {source.name}")
    known = set(known_electrodes())
    channels = description.append_child("channels")
    for label in source.channels:
        channel = channels.append_child("channel")
        channel.append_child_value("label", label)
        channel.append_child_value("unit", "microvolts")
        channel.append_child_value("type", "EEG")
        if canonical_name(label) in known:
            location = channel.append_child("location")
            metres = electrode_positions([label])[0]
            for axis, value in zip("XYZ", metres, strict=True):
                location.append_child_value(axis, f"{1e3 * value:.2f}")
