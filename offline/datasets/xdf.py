"""Recordings of LSL streams: XDF, as LabRecorder writes it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Event, Origin, Recording
from offline.datasets.trial_markers import split_trials
from rtbci.errors import RecordingError, UnitError
from rtbci.montage.units import microvolts_per

_log = logging.getLogger(__name__)

SUFFIXES = (".xdf", ".xdfz")

_NOT_EEG = {"aux", "trigger", "counter", "misc", "stim"}


def open_xdf(path: Path, unit: str | None) -> Recording:
    """Read an XDF's EEG stream; see :func:`offline.datasets.readers.open_recording`.

    The format has no table of contents, so the samples are read once here, to find out which stream
    has any and where the markers fall, and again by ``blocks``.
    """
    recording, markers = open_with_markers(path, unit)
    trials, events = split_trials(markers, recording.n_samples)
    inside = tuple(event for event in events if 0 <= event.sample < recording.n_samples)
    return replace(recording, trials=trials, events=inside)


def open_with_markers(path: Path, unit: str | None) -> tuple[Recording, tuple[Event, ...]]:
    """Read an XDF's EEG stream, and all its markers in order of time, whatever they say.

    Returns
    -------
    recording : Recording
        Without trials and events.
    markers : tuple of Event
        One from before the recording has a negative sample, one from after it its length.
    """
    eeg, markers = _pick(path, _load(path, None))
    factors = _microvolts_per_value(path, eeg, unit)
    times = np.asarray(eeg["time_stamps"], np.float64)
    sfreq = float(eeg["info"]["nominal_srate"][0])
    if sfreq <= 0:
        raise RecordingError(f"{path}: stream {_name(eeg)!r} has no regular sampling rate")
    recording = Recording(
        subject=path.stem,
        session="",
        name=path.name,
        sfreq=sfreq,
        channels=tuple(_label(eeg, index) for index in factors),
        trials=(),
        blocks=partial(_blocks, path, int(eeg["info"]["stream_id"]), factors),
        n_samples=times.size,
        origin=Origin((path,), unit or ""),
    )
    return recording, tuple(_place(markers, times, sfreq))


def _blocks(path: Path, stream_id: int, factors: dict[int, float]) -> Iterator[NDArray[np.float32]]:
    (eeg,) = _load(path, [stream_id])
    values: NDArray[np.float64] = np.asarray(eeg["time_series"], np.float64)
    # Scaled in double precision, then rounded once to what an amplifier would send.
    microvolts = values[:, list(factors)] * np.array(list(factors.values()))
    yield np.ascontiguousarray(microvolts.T, np.float32)


def _load(path: Path, stream_ids: list[int] | None) -> list[dict[str, Any]]:
    import pyxdf

    try:
        streams: list[dict[str, Any]] = pyxdf.load_xdf(path, select_streams=stream_ids)[0]
    except Exception as error:  # pyxdf raises whatever its parsing ran into
        said = " ".join(str(error).split()) or type(error).__name__
        raise RecordingError(f"{path}: cannot be read as XDF, damaged? ({said})") from None
    return streams


def _pick(path: Path, streams: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the EEG stream that has samples, and the marker streams."""
    of_type = [stream for stream in streams if _type(stream) == "eeg"]
    eeg = [stream for stream in of_type if len(stream["time_series"])]
    if not eeg:
        found = ", ".join(f"{_name(s)!r} ({_type(s)})" for s in streams) or "none"
        said = "its EEG stream has no samples" if of_type else "has no stream of type EEG"
        raise RecordingError(f"{path}: {said}; its streams are {found}")
    if len(eeg) > 1:
        names = ", ".join(repr(_name(stream)) for stream in eeg)
        raise RecordingError(f"{path}: has {len(eeg)} EEG streams ({names}); one is expected")
    if eeg[0].get("footer") is None:
        _log.warning("%s: the recorder did not finish this file; what is there is read", path.name)
    return eeg[0], [s for s in streams if _holds_markers(s)]


def _holds_markers(stream: dict[str, Any]) -> bool:
    return stream["info"]["channel_format"] == ["string"] or _type(stream) == "markers"


def _place(streams: list[dict[str, Any]], times: NDArray[np.float64], sfreq: float) -> list[Event]:
    """Give each marker the sample that is nearest to it in time; outside it is -1 or the length."""
    # At equal times the order of arrival stays, so that one trial ends before the next starts.
    markers = sorted(
        (
            (float(time), _text(row[0]))
            for stream in streams
            for time, row in zip(stream["time_stamps"], stream["time_series"], strict=True)
        ),
        key=lambda marker: marker[0],
    )
    samples = np.searchsorted(times, [time - 0.5 / sfreq for time, _ in markers])
    early = times[0] - 0.5 / sfreq
    return [
        Event(int(sample) if time >= early else -1, text)
        for sample, (time, text) in zip(samples, markers, strict=True)
    ]


def _text(marker: Any) -> str:
    """Return a marker's text; some streams send numbers, of which 5.0 is as good as 5."""
    if isinstance(marker, str):
        return marker
    return str(int(marker)) if marker == int(marker) else str(float(marker))


def _microvolts_per_value(path: Path, stream: dict[str, Any], unit: str | None) -> dict[int, float]:
    """Return the factor to microvolts of each channel that is a voltage, by its index."""
    factors: dict[int, float] = {}
    undeclared: list[str] = []
    for index in range(int(stream["info"]["channel_count"][0])):
        said = _described(stream, index, "unit") or unit or ""
        if _described(stream, index, "type").lower() in _NOT_EEG:
            continue
        try:
            factors[index] = microvolts_per(said)
        except UnitError:
            if not said.strip():
                undeclared.append(_label(stream, index))
    if undeclared and not factors:
        raise RecordingError(
            f"{path}: stream {_name(stream)!r} declares no unit; say it with --unit (V, mV, uV, nV)"
        )
    if not factors:
        raise RecordingError(f"{path}: stream {_name(stream)!r} has no channel that is a voltage")
    return factors


def _described(stream: dict[str, Any], index: int, key: str) -> str:
    """Return what the description says of a channel, or an empty string."""
    try:
        channel = stream["info"]["desc"][0]["channels"][0]["channel"][index]
        return str(channel[key][0] or "")
    except (KeyError, IndexError, TypeError):
        return ""


def _label(stream: dict[str, Any], index: int) -> str:
    return _described(stream, index, "label") or f"channel {index + 1}"


def _name(stream: dict[str, Any]) -> str:
    return str(stream["info"]["name"][0])


def _type(stream: dict[str, Any]) -> str:
    return str(stream["info"]["type"][0] or "").lower()
