"""Whole sessions as they were recorded, and the times at which their clips were shown."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from offline.datasets.cnt import DataFormat, is_neuroscan
from offline.datasets.config import Source
from offline.datasets.mne_raw import open_mne, read_spans, understands
from offline.datasets.recording import Recording, Trial
from offline.datasets.script import (
    ScriptedSettings,
    Session,
    SessionFile,
    Sessions,
    find_sessions,
    shown_in,
)
from rtbci.errors import RecordingError

_LONGEST = 1.5  # times the end of the last clip: a wrong sample width doubles or halves
_PLAUSIBLE_UV = (0.1, 1000.0)  # standard deviation; EEG on a scalp has 5 to 100
_LOOK_S = 5.0


class ContinuousSettings(ScriptedSettings):
    """One file a session, of any format that MNE reads; ``sessions`` has start and stop times.

    Attributes
    ----------
    data_format : {'auto', 'int16', 'int32'}
        Type of the samples of Neuroscan .cnt files; ``auto`` takes it from each file's header.
    """

    layout: Literal["continuous"]
    sessions: Annotated[Sessions, Field(min_length=1)]
    data_format: DataFormat = "auto"

    @model_validator(mode="after")
    def _timed(self) -> Self:
        for name, session in self.sessions.items():
            if session.start is None:
                raise ValueError(f"sessions.{name} lacks start and stop")
        return self


def find_continuous(settings: ContinuousSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings; see :func:`offline.datasets.registry.open_dataset`.

    Invalid clips have the label -1, as clips without a class.
    """
    return tuple(
        Source(file.path.name, partial(_open_session, settings, file))
        for file in find_sessions(settings, root)
    )


def _open_session(settings: ContinuousSettings, file: SessionFile) -> tuple[Recording, ...]:
    session = shown_in(settings, file)
    path = file.path
    if not understands(path):
        raise RecordingError(f"{path}: not a format that MNE reads (key files)")
    neuroscan = is_neuroscan(path)
    data_format = settings.data_format if neuroscan else None
    recording = open_mne(path, None, data_format)
    width = f"; or set data_format, now {settings.data_format}" if neuroscan else ""
    _check_length(path, recording, session, width)
    trials = settings.trials_at(session, _edges(session, recording.sfreq))
    _check_amplitude(path, recording, trials, data_format, width)
    return (replace(recording, subject=file.subject, session=file.session, trials=trials),)


def _edges(session: Session, sfreq: float) -> list[tuple[int, int]]:
    times = zip(session.start or (), session.stop or (), strict=True)
    return [(round(start * sfreq), round(stop * sfreq)) for start, stop in times]


def _check_length(path: Path, recording: Recording, session: Session, width: str) -> None:
    last = (session.stop or (0.0,))[-1]
    lasts = f"{path}: lasts {recording.duration_s:.1f} s"
    if recording.n_samples < round(last * recording.sfreq):
        raise RecordingError(
            f"{lasts}, but its last clip stops at {last:g} s (key sessions); cut off, or another "
            f"session{width}"
        )
    if recording.duration_s > _LONGEST * last:
        raise RecordingError(
            f"{lasts}, far longer than its last clip, which stops at {last:g} s (key sessions); "
            f"another session{width}"
        )


def _check_amplitude(
    path: Path,
    recording: Recording,
    trials: tuple[Trial, ...],
    data_format: DataFormat | None,
    width: str,
) -> None:
    """Refuse what is no EEG: wrong widths and wrong units give numbers of another size."""
    look = round(_LOOK_S * recording.sfreq)
    spans = []
    for trial in (trials[0], trials[len(trials) // 2], trials[-1]):
        middle = (trial.start + trial.stop) // 2
        spans.append((max(trial.start, middle - look // 2), min(trial.stop, middle + look // 2)))
    deviations = [samples.std(axis=1) for samples in read_spans(path, data_format, spans)]
    # Read as int16, every second channel of an int32 file holds the signal and looks like it; the
    # others hold its sign. So the lower quartile tells, and not the median.
    quiet, typical = np.percentile(np.concatenate(deviations), [25, 50])
    low, high = _PLAUSIBLE_UV
    if not (quiet >= low and typical <= high):
        raise RecordingError(
            f"{path}: its channels' standard deviations have the lower quartile {quiet:.3g} and "
            f"the median {typical:.3g} µV, EEG has {low:g} to {high:g}; wrong unit{width}"
        )
