"""SEED (Zheng and Lu 2015, doi 10.1109/TAMD.2015.2431497) and what is written in its layout."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from offline.datasets.config import DatasetSettings, FoundFile, Source, find_files
from offline.datasets.readers import open_recording
from offline.datasets.recording import Recording, Trial
from rtbci.errors import RecordingError
from rtbci.montage.names import SEED_CHANNELS

_TOLERANCE_S = 2.0


class SeedSettings(DatasetSettings):
    """One MATLAB file a session, one variable a trial, ``label.mat`` beside them.

    Attributes
    ----------
    files : str
        Where the files lie; ``{subject}`` and ``{date}`` stand for what differs. A subject's
        sessions are counted by date.
    labels : dict
        Class of each number in ``label.mat``; trials with another number are left out.
    trials : int or None
        How many trials each file holds, if that is known.
    trial_seconds : tuple of float or None
        How long each trial is, if that is known.
    """

    layout: Literal["seed"]
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = SEED_CHANNELS
    files: str = "Preprocessed_EEG/{subject}_{date}.mat"
    labels: dict[Literal[-1, 0, 1], str]
    trials: Annotated[int, Field(ge=1)] | None = None
    trial_seconds: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        strangers = sorted(set(self.labels.values()) - set(self.classes))
        if strangers:
            raise ValueError(f"labels names {', '.join(strangers)}; classes has no such class")
        for name in ("subject", "date"):
            if f"{{{name}}}" not in self.files:
                raise ValueError(f"files lacks {{{name}}}")
        return self


def find_seed(settings: SeedSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings of SEED; see :func:`offline.datasets.registry.open_dataset`."""
    by_subject: dict[str, list[FoundFile]] = defaultdict(list)
    for file in find_files(root, settings.files):
        by_subject[file.fields["subject"]].append(file)
    return tuple(
        Source(file.path.name, partial(_open_session, settings, file, str(number)))
        for files in by_subject.values()
        for number, file in enumerate(files, start=1)  # found in order of their dates
    )


def _open_session(settings: SeedSettings, file: FoundFile, session: str) -> tuple[Recording, ...]:
    recording = open_recording(file.path)
    if all(trial.label < 0 for trial in recording.trials):
        raise RecordingError(f"{file.path}: no label.mat beside it says what its trials are")
    _check_trials(settings, file.path, recording)
    classes = {
        value + 1: settings.classes.index(name) for value, name in settings.labels.items()
    }  # the reader counts from 0 what the file counts from -1
    trials = tuple(
        Trial(trial.start, trial.stop, classes.get(trial.label, -1)) for trial in recording.trials
    )
    subject = file.fields["subject"]
    return (replace(recording, subject=subject, session=session, trials=trials),)


def _check_trials(settings: SeedSettings, path: Path, recording: Recording) -> None:
    count = len(recording.trials)
    if settings.trials is not None and count != settings.trials:
        raise RecordingError(
            f"{path}: holds {count} trials, {settings.trials} are expected; "
            "cut off, or not this data set (key trials)"
        )
    if settings.trial_seconds is None:
        return
    if len(settings.trial_seconds) != count:
        raise RecordingError(
            f"{path}: holds {count} trials, but trial_seconds has {len(settings.trial_seconds)}"
        )
    for number, (trial, expected) in enumerate(
        zip(recording.trials, settings.trial_seconds, strict=True), start=1
    ):
        seconds = (trial.stop - trial.start) / recording.sfreq
        if abs(seconds - expected) > _TOLERANCE_S:
            raise RecordingError(
                f"{path}: trial {number} lasts {seconds:.1f} s, {expected:g} s are expected; "
                "cut off, or not this data set (key trial_seconds)"
            )
