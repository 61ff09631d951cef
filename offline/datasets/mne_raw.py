"""Recordings that MNE reads: EDF, BDF, BrainVision, FIF, EEGLAB, Neuroscan and others."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.datasets.cnt import DataFormat, is_neuroscan, open_neuroscan
from offline.datasets.recording import Event, Origin, Recording
from rtbci.errors import RecordingError, UnitError
from rtbci.montage.units import microvolts_per

_log = logging.getLogger(__name__)

_VOLTAGES = ("eeg", "ecog", "seeg", "dbs", "eog", "ecg", "emg", "bio")
_EDF_BYTES_PER_SAMPLE = {".edf": 2, ".bdf": 3}
_DATED = (".cnt", *_EDF_BYTES_PER_SAMPLE)  # formats whose headers always have a date
_READ_AT_ONCE = 1 << 22  # samples of all channels together, so that float64 volts stay small


def understands(path: Path) -> bool:
    """Say whether MNE has a reader for this kind of file, going by its name."""
    from mne.io import _read_raw

    return _read_raw.split_name_ext(path)[1] in _read_raw._get_supported()


def open_mne(path: Path, unit: str | None, data_format: DataFormat | None = None) -> Recording:
    """Read a file's headers; see :func:`offline.datasets.readers.open_recording`."""
    raw, factors = _open_voltages(path, unit, data_format)
    with _quietly(path):
        events = _events(raw)
    if path.suffix.lower() in _DATED and raw.info["meas_date"] is None:
        _log.debug("%s: the date in its header cannot be read; nothing depends on it", path.name)
    read_as = [] if data_format is None else [data_format]
    return Recording(
        subject=path.stem,
        session="",
        name=path.name,
        sfreq=float(raw.info["sfreq"]),
        channels=tuple(factors),
        trials=(),
        blocks=partial(_blocks, path, factors, data_format),
        n_samples=int(raw.n_times),
        events=events,
        origin=Origin(_files(path, raw), " ".join([unit or "", *read_as]).strip()),
    )


def read_spans(
    path: Path, data_format: DataFormat | None, spans: Sequence[tuple[int, int]]
) -> list[NDArray[np.float64]]:
    """Read stretches of samples without what lies between them.

    Parameters
    ----------
    path : Path
        A file that :func:`open_mne` opens.
    data_format : str or None
        Type of the samples of a Neuroscan .cnt.
    spans : sequence of (int, int)
        First sample of each stretch, and the one after its last.

    Returns
    -------
    list of array, shape (channels, samples)
        Microvolts, of the channels that the recording has.
    """
    raw, factors = _open_voltages(path, None, data_format)
    scale, picks = _scale_and_picks(raw, factors)
    with _quietly(path):
        return [raw.get_data(picks, start, stop) * scale for start, stop in spans]


def _open_voltages(
    path: Path, unit: str | None, data_format: DataFormat | None
) -> tuple[Any, dict[str, float]]:
    if path.suffix.lower() in _EDF_BYTES_PER_SAMPLE:
        _refuse_short_edf(path)
    with _quietly(path):
        raw = _open(path, data_format)
        channels = [
            name
            for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
            if kind in _VOLTAGES
        ]
    if not channels:
        raise RecordingError(f"{path}: has no channel that is a voltage")
    factors = _microvolts_per_value(path, raw, channels, unit)
    if not factors:
        raise RecordingError(
            f"{path}: declares no voltage as its channels' unit; say it with --unit"
        )
    return raw, factors


def _files(path: Path, raw: Any) -> tuple[Path, ...]:
    """Return the file with the headers and those with the samples."""
    held = [Path(name) for name in raw.filenames if name is not None]
    return tuple(dict.fromkeys((path, *held)))


def _blocks(
    path: Path, factors: dict[str, float], data_format: DataFormat | None
) -> Iterator[NDArray[np.float32]]:
    with _quietly(path):
        raw = _open(path, data_format)
    scale, picks = _scale_and_picks(raw, factors)
    step = max(1, _READ_AT_ONCE // len(picks))
    for start in range(0, raw.n_times, step):
        with _quietly(path):
            block = raw.get_data(picks, start, min(start + step, raw.n_times)) * scale
        yield block.astype(np.float32)


def _scale_and_picks(raw: Any, factors: dict[str, float]) -> tuple[NDArray[np.float64], list[int]]:
    scale = np.array(list(factors.values()))[:, np.newaxis]
    return scale, [raw.ch_names.index(name) for name in factors]


def _open(path: Path, data_format: DataFormat | None) -> Any:
    import mne

    if is_neuroscan(path):
        return open_neuroscan(path, data_format or "auto")
    if data_format is not None:
        raise RecordingError(f"{path}: is no Neuroscan .cnt, data_format is for those only")
    return mne.io.read_raw(path, preload=False, verbose="ERROR")


@contextmanager
def _quietly(path: Path) -> Iterator[None]:
    """Turn MNE's exceptions into one line, and keep its remarks off the terminal."""
    import mne

    try:
        # MNE prints what it warns of, to stdout, and warns as well.
        with warnings.catch_warnings(), mne.use_log_level("ERROR"):
            warnings.simplefilter("ignore")
            yield
    except RecordingError:
        raise
    except Exception as error:  # MNE's readers raise whatever their parsing ran into
        said = " ".join(str(error).split()) or type(error).__name__
        raise RecordingError(f"{path}: cannot be read, damaged or cut off? ({said})") from None


def _microvolts_per_value(
    path: Path, raw: Any, channels: list[str], unit: str | None
) -> dict[str, float]:
    """Return each voltage channel's factor from MNE's values to microvolts.

    Where a file's unit is no voltage MNE hands the file's own numbers on as if they were volts;
    ``raw._orig_units`` is the only place that tells.
    """
    declared: dict[str, str] = getattr(raw, "_orig_units", None) or {}
    factors: dict[str, float] = {}
    for name in channels:
        said = declared.get(name, "V")
        if said in {"", "n/a"} and unit is not None:
            factors[name] = microvolts_per(unit)
            continue
        try:
            microvolts_per(said)
        except UnitError:
            _log.warning("%s: channel %s is left out, its unit is no voltage", path.name, name)
        else:
            factors[name] = 1e6
    return factors


def _events(raw: Any) -> tuple[Event, ...]:
    notes = raw.annotations
    # In a raw that was just read, onsets count from the measurement's start, as first_time does.
    samples = np.rint((notes.onset - raw.first_time) * raw.info["sfreq"])
    events = (
        Event(int(sample), str(text))
        for sample, text in zip(samples, notes.description, strict=True)
        if 0 <= sample < raw.n_times
    )
    return tuple(sorted(events, key=lambda event: event.sample))


def _refuse_short_edf(path: Path) -> None:
    """Compare the length that an EDF or BDF header states with the file's; MNE only warns."""
    try:
        with path.open("rb") as file:
            head = file.read(256)
            n_channels = int(head[252:256])
            per_channel = file.read(256 * n_channels)[216 * n_channels : 224 * n_channels]
        counts = [int(per_channel[8 * k : 8 * k + 8]) for k in range(n_channels)]
        header, records = int(head[184:192]), int(head[236:244])
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None
    except ValueError:
        raise RecordingError(f"{path}: not an EDF or BDF file, its header is damaged") from None
    record = sum(counts) * _EDF_BYTES_PER_SAMPLE[path.suffix.lower()]
    held = (path.stat().st_size - header) // record if record else 0
    # -1 records: a recorder that was stopped before it could say; what is there counts.
    if held < records or (records < 0 and held <= 0):
        raise RecordingError(
            f"{path}: cut off, it holds {max(held, 0)} of the {records} data records that its "
            "header states"
        )
