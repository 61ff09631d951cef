"""SEED (Zheng and Lu 2015, doi 10.1109/TAMD.2015.2431497) and what is written in its layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from offline.datasets.config import Source
from offline.datasets.matlab import Variable
from offline.datasets.recording import Recording
from offline.datasets.script import (
    Patterns,
    ScriptedSettings,
    Session,
    SessionFile,
    find_sessions,
    shown_in,
)
from offline.datasets.seed_mat import SEED_SFREQ, find_trials, read_labels, recording_of_trials
from rtbci.errors import RecordingError
from rtbci.montage.names import SEED_CHANNELS

_TOLERANCE_S = 2.0


class MatSettings(ScriptedSettings):
    """One MATLAB file a session, one variable a clip.

    Attributes
    ----------
    rows : tuple of str
        Electrodes in the order of the matrices' rows. ``channels`` are these, where not given.
    label_file : str or None
        A file with the clips' labels beside each session's file. Where there is one it must say
        what ``sessions`` says; without ``sessions`` it alone says what the clips are.
    """

    channels: Annotated[tuple[str, ...], Field(min_length=1)] = SEED_CHANNELS
    rows: Annotated[tuple[str, ...], Field(min_length=1)] = SEED_CHANNELS
    label_file: str | None = "label.mat"

    @model_validator(mode="before")
    @classmethod
    def _all_rows(cls, content: Any) -> Any:
        if isinstance(content, dict) and "rows" in content:
            return {"channels": content["rows"], **content}
        return content

    @model_validator(mode="after")
    def _labelled(self) -> Self:
        if not self.sessions and self.label_file is None:
            raise ValueError("sessions or label_file has to say what the clips are")
        return self


class SeedSettings(MatSettings):
    """Files with the samples of each clip; see :class:`MatSettings`.

    Attributes
    ----------
    sfreq : float
        Their sampling rate, hertz.
    """

    layout: Literal["seed"]
    files: Patterns = ("Preprocessed_EEG/{subject}_{date}.mat",)
    sfreq: Annotated[float, Field(gt=0)] = SEED_SFREQ


def find_seed(settings: SeedSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings of SEED; see :func:`offline.datasets.registry.open_dataset`."""
    return tuple(
        Source(file.path.name, partial(_open_session, settings, file))
        for file in find_sessions(settings, root, not_this=settings.label_file)
    )


def _open_session(settings: SeedSettings, file: SessionFile) -> tuple[Recording, ...]:
    variables = find_trials(file.path, settings.rows)
    session = session_of(settings, file)
    recording = recording_of_trials(file.path, variables, settings.rows, settings.sfreq)
    edges = [(trial.start, trial.stop) for trial in recording.trials]
    require_clips(file.path, variables, session, [n / settings.sfreq for n in _lengths(variables)])
    trials = settings.trials_at(session, edges)
    return (replace(recording, subject=file.subject, session=file.session, trials=trials),)


def _lengths(variables: Mapping[int, Variable]) -> list[int]:
    return [variable.shape[1] for variable in variables.values()]


def session_of(settings: MatSettings, file: SessionFile) -> Session:
    """Return what a file's session shows, from the settings, the label file or both.

    Raises
    ------
    RecordingError
        If neither says it, or they contradict each other.
    """
    beside = None if settings.label_file is None else file.path.with_name(settings.label_file)
    if beside is not None and not beside.is_file():
        beside = None
    if not settings.sessions:
        if beside is None:
            raise RecordingError(
                f"{file.path}: no {settings.label_file} beside it says what its trials are; nor "
                "does the key sessions"
            )
        return Session(clips=read_labels(beside))
    session = shown_in(settings, file)
    if beside is not None:
        _require_agreement(beside, read_labels(beside), session, file)
    return session


def _require_agreement(
    beside: Path, labels: tuple[int, ...], session: Session, file: SessionFile
) -> None:
    if len(labels) != len(session.clips):
        raise RecordingError(
            f"{beside}: has {len(labels)} labels, the settings have {len(session.clips)} for "
            f"session {file.session} (key sessions)"
        )
    for number, (held, said) in enumerate(zip(labels, session.clips, strict=True), start=1):
        if held != said:
            raise RecordingError(
                f"{beside}: says {held} for trial {number}, the settings say {said} for session "
                f"{file.session} (key sessions); set label_file: null to go by the settings"
            )


def require_clips(
    path: Path, variables: Mapping[int, Variable], session: Session, seconds: Sequence[float]
) -> None:
    """Refuse a file that does not hold each of the session's clips, in its length.

    Parameters
    ----------
    path : Path
        The file.
    variables : mapping
        What it holds, by the clips' numbers from 1.
    session : Session
        What it ought to hold.
    seconds : sequence of float
        How long each variable is.

    Raises
    ------
    RecordingError
        If a clip is missing, too many or of another length.
    """
    count = len(session.clips)
    missing = [str(number) for number in range(1, count + 1) if number not in variables]
    if missing:
        raise RecordingError(
            f"{path}: lacks trial {', '.join(missing)} of {count} (key sessions); cut off, or not "
            "this data set"
        )
    strangers = [each.name for number, each in variables.items() if not 1 <= number <= count]
    if strangers:
        raise RecordingError(
            f"{path}: holds {strangers[0]}, but {count} trials are expected (key sessions); not "
            "this data set"
        )
    for number, (held, said) in enumerate(
        zip(seconds, session.durations or seconds, strict=True), start=1
    ):
        if abs(held - said) > _TOLERANCE_S:
            raise RecordingError(
                f"{path}: trial {number} lasts {held:.1f} s, {said:g} s are expected (key "
                "sessions); cut off, or not this data set"
            )
