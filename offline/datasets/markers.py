"""Recordings whose own markers or annotations say where the trials are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from offline.datasets import xdf
from offline.datasets.clips import require_subject
from offline.datasets.config import DatasetSettings, FoundFile, Source, find_files, natural_order
from offline.datasets.readers import open_recording
from offline.datasets.recording import Event, Recording, Trial
from offline.datasets.trial_markers import Cut, delimited, split_trials, start_marker
from offline.datasets.units import Unit
from rtbci.errors import RecordingError

_END = None  # what an end marker means, where a start marker means its class
_TOLD = 12


def _as_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class MarkersSettings(DatasetSettings):
    """Files that MNE or pyxdf reads, with markers or annotations.

    Attributes
    ----------
    files : str or tuple of str
        Where the files lie; ``{subject}`` and ``{session}`` stand for what differs. A subject's
        sessions are in natural order of that text; without ``{session}`` each has one.
    markers : dict
        Class of each text that starts a trial; ``*`` stands for any text. Without it the trials are
        those that the replay marks: ``trial 3 positive`` and ``trial 3 end``.
    end : str or tuple of str
        Texts that end a trial. The next start and the recording's end do so as well.
    seconds : float or None
        How long a trial lasts at most.
    unit : str or None
        Unit of channels for which a file declares none.
    """

    layout: Literal["markers"]
    files: Annotated[
        tuple[Annotated[str, AfterValidator(require_subject)], ...],
        BeforeValidator(_as_several),
        Field(min_length=1),
    ]
    markers: dict[str, str] = Field(default_factory=dict)
    end: Annotated[tuple[str, ...], BeforeValidator(_as_several)] = ()
    seconds: Annotated[float, Field(gt=0)] | None = None
    unit: Unit | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        strangers = sorted(set(self.markers.values()) - set(self.classes))
        if strangers:
            raise ValueError(f"markers names {', '.join(strangers)}; classes has no such class")
        if not self.markers and (self.end or self.seconds is not None):
            raise ValueError("end and seconds need the key markers")
        twice = sorted(set(self.markers) & set(self.end))
        if twice:
            raise ValueError(f"{', '.join(twice)} is both in markers and in end")
        return self

    def meaning(self, text: str) -> tuple[str | None, ...]:
        """Return the classes that a text starts, and None where it ends a trial; mostly one.

        The same text goes before one with ``*``.
        """
        known = [*self.markers.items(), *((end, _END) for end in self.end)]
        exact = [means for pattern, means in known if pattern == text]
        if exact:
            return tuple(exact)
        return tuple(dict.fromkeys(means for pattern, means in known if _fits(pattern, text)))


def find_markers(settings: MarkersSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings; see :func:`offline.datasets.registry.open_dataset`."""
    found = {file.path: file for pattern in settings.files for file in find_files(root, pattern)}
    return tuple(
        Source(file.path.name, partial(_open_file, settings, file))
        for file in sorted(found.values(), key=_by_subject_and_time)
    )


def _by_subject_and_time(file: FoundFile) -> tuple[Any, ...]:
    texts = (file.fields["subject"], _session(file), str(file.path))
    return tuple(natural_order(text) for text in texts)


def _session(file: FoundFile) -> str:
    return file.fields.get("session", "1")


def _open_file(settings: MarkersSettings, file: FoundFile) -> tuple[Recording, ...]:
    path = file.path
    recording, markers = _with_markers(path, settings.unit)
    if settings.markers:
        trials, events = _marked(settings, path, recording, markers)
    else:
        trials, events = split_trials(markers, recording.n_samples, settings.classes)
    _check(settings, path, trials, markers)
    inside = tuple(event for event in events if 0 <= event.sample < recording.n_samples)
    session = _session(file)
    return (
        replace(
            recording,
            subject=file.fields["subject"],
            session=session,
            trials=trials,
            events=inside,
        ),
    )


def _with_markers(path: Path, unit: str | None) -> tuple[Recording, tuple[Event, ...]]:
    # Opened as any recording, an XDF has its trial markers read with other classes already.
    if path.suffix.lower() in xdf.SUFFIXES:
        return xdf.open_with_markers(path, unit)
    recording = open_recording(path, unit)
    return recording, recording.events


def _marked(
    settings: MarkersSettings, path: Path, recording: Recording, markers: Sequence[Event]
) -> tuple[tuple[Trial, ...], tuple[Event, ...]]:
    """Tell the trials that the settings' markers delimit from the other events."""

    def meaning(marker: Event, _: bool) -> Cut | None:
        meanings = settings.meaning(marker.text)
        if len(meanings) > 1:
            raise RecordingError(
                f"{path}: marker {marker.text!r} fits more than one entry: "
                f"{', '.join(name or 'end' for name in meanings)} (keys markers, end)"
            )
        if not meanings:
            return None
        (name,) = meanings
        # How much of its seconds a trial has left that began before the recording, nobody knows.
        if name is _END or (marker.sample < 0 and settings.seconds is not None):
            return Cut()
        return Cut(settings.classes.index(name))

    seconds = settings.seconds
    longest = None if seconds is None else round(seconds * recording.sfreq)
    return delimited(markers, recording.n_samples, meaning, longest)


def _fits(pattern: str, text: str) -> bool:
    # Not fnmatch: brackets and question marks in a marker's text are themselves.
    regex = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(regex, text, re.DOTALL) is not None


def _check(
    settings: MarkersSettings, path: Path, trials: Sequence[Trial], markers: Sequence[Event]
) -> None:
    for number, trial in enumerate(trials, start=1):
        if trial.label >= len(settings.classes):
            raise RecordingError(
                f"{path}: the label of trial {number} is {trial.label}; the "
                f"{len(settings.classes)} classes count from 0"
            )
    if any(trial.label >= 0 for trial in trials):
        return
    wanted = list(settings.markers) or [
        start_marker(1, label, settings.classes) for label in range(len(settings.classes))
    ]
    texts = list(dict.fromkeys(marker.text for marker in markers))
    said = ", ".join(repr(text) for text in texts[:_TOLD]) or "none"
    more = f" and {len(texts) - _TOLD} more" if len(texts) > _TOLD else ""
    raise RecordingError(
        f"{path}: no marker starts a trial (expected: {', '.join(map(repr, wanted))}); its markers "
        f"are {said}{more}"
    )
