"""What the sessions of a data set show: the clips of each with their labels and times."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from offline.datasets.config import (
    DatasetSettings,
    FoundFile,
    find_files,
    natural_order,
    require_folder,
    without_zeros,
)
from offline.datasets.recording import Trial
from rtbci.configuration import Settings
from rtbci.errors import RecordingError

_log = logging.getLogger(__name__)

ALL = "all"
"""Stands for every session where all show the same."""


class Session(Settings):
    """The clips of one session, in the order in which they were shown.

    Attributes
    ----------
    clips : tuple of int
        Label of each clip, in the data set's own numbers.
    seconds : tuple of float or None
        How long each clip is, where the data set cuts its recordings into clips.
    start, stop : tuple of float or None
        When each clip begins and ends, seconds from the recording's first sample.
    invalid : tuple of int
        Clips to be left out, counted from 1.
    """

    clips: Annotated[tuple[int, ...], Field(min_length=1)]
    seconds: tuple[float, ...] | None = None
    start: tuple[float, ...] | None = None
    stop: tuple[float, ...] | None = None
    invalid: tuple[int, ...] = ()

    @property
    def durations(self) -> tuple[float, ...] | None:
        """How long each clip is, seconds, if that is known."""
        if self.start is not None and self.stop is not None:
            return tuple(stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return self.seconds

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        count = len(self.clips)
        for key in ("seconds", "start", "stop"):
            times = getattr(self, key)
            if times is not None and len(times) != count:
                raise ValueError(f"{key} has {len(times)} entries, clips has {count}")
        if (self.start is None) != (self.stop is None):
            raise ValueError("start and stop belong together")
        if self.start is not None and self.seconds is not None:
            raise ValueError("seconds goes without start and stop, which say the same")
        if any(length <= 0 for length in self.durations or ()):
            raise ValueError("a clip does not end after its start")
        starts, stops = self.start or (), self.stop or ()
        for number, (stop, following) in enumerate(zip(stops, starts[1:], strict=False), start=1):
            if following < stop:
                raise ValueError(f"clip {number + 1} starts before clip {number} stops")
        strangers = [number for number in self.invalid if not 1 <= number <= count]
        if strangers:
            raise ValueError(f"invalid names clip {strangers[0]}; clips are counted 1 to {count}")
        return self


Sessions = dict[Annotated[str, BeforeValidator(str)], Session]
"""What each session shows, by its name; YAML reads a name such as 1 as a number."""


Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1),
]
"""One pattern of paths or several."""


class ScriptedSettings(DatasetSettings):
    """What the layouts of the SEED family share.

    Attributes
    ----------
    files : str or tuple of str
        Where the files lie; several patterns for copies that are arranged otherwise, of which the
        first that any file fits is taken. ``{subject}`` and ``{session}`` stand for what differs;
        without ``{session}`` there is ``{date}``, by which a subject's sessions are counted.
    labels : dict
        Class of each number in ``clips``; clips with another number are left out.
    sessions : dict
        What each session shows, by its name; ``all`` where they show the same.
    """

    files: Patterns
    labels: Annotated[dict[int, str], Field(min_length=1)]
    sessions: Sessions = Field(default={})

    @model_validator(mode="after")
    def _named_consistently(self) -> Self:
        strangers = sorted(set(self.labels.values()) - set(self.classes))
        if strangers:
            raise ValueError(f"labels names {', '.join(strangers)}; classes has no such class")
        if ALL in self.sessions and len(self.sessions) > 1:
            raise ValueError("sessions has all, so it can have no other")
        for pattern in self.files:
            _check_pattern(pattern)
        return self

    def class_of(self, number: int) -> int:
        """Return the class of a data set's own number; -1 where it has none."""
        name = self.labels.get(number)
        return -1 if name is None else self.classes.index(name)

    def trials_at(self, session: Session, edges: Sequence[tuple[int, int]]) -> tuple[Trial, ...]:
        """Label stretches of samples, one a clip; an invalid clip has the label -1."""
        return tuple(
            Trial(start, stop, -1 if number in session.invalid else self.class_of(label))
            for number, ((start, stop), label) in enumerate(
                zip(edges, session.clips, strict=True), start=1
            )
        )


def _check_pattern(pattern: str) -> None:
    names = re.findall(r"\{(\w+)\}", pattern)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"files has {{{name}}} twice in {pattern}; give one another name")
    if "subject" not in names:
        raise ValueError(f"files lacks {{subject}} in {pattern}")
    if not {"session", "date"} & set(names):
        raise ValueError(f"files lacks {{session}} or {{date}} in {pattern}")


@dataclass(frozen=True)
class SessionFile:
    """The file of one session.

    Attributes
    ----------
    path : Path
        Where it is.
    subject, session : str
        Whose, and which: as the path says or counted from 1 by date.
    """

    path: Path
    subject: str
    session: str


def find_sessions(
    settings: ScriptedSettings, root: Path, not_this: str | None = None
) -> tuple[SessionFile, ...]:
    """Find the files of all sessions, ordered by subject and session.

    Parameters
    ----------
    settings : ScriptedSettings
        Where they lie.
    root : Path
        Folder of the data set.
    not_this : str, optional
        Name of files that are no session's, although a pattern may fit them.

    Raises
    ------
    RecordingError
        If there is no such folder, no file fits a pattern, a date is none, or two files are of one
        session.
    """
    by_subject: dict[str, list[FoundFile]] = defaultdict(list)
    for found in _that_fit(settings.files, root, not_this):
        by_subject[without_zeros(found.fields["subject"])].append(found)
    files = [
        file
        for subject in sorted(by_subject, key=natural_order)
        for file in _in_order(subject, by_subject[subject])
    ]
    for before, file in pairwise(files):
        if replace(before, path=file.path) == file:
            raise RecordingError(
                f"{file.path}: is session {file.session} of subject {file.subject}, and so is "
                f"{before.path}; take one away"
            )
    return tuple(files)


def _that_fit(patterns: Sequence[str], root: Path, not_this: str | None) -> tuple[FoundFile, ...]:
    require_folder(root)
    for pattern in patterns:
        try:
            found = find_files(root, pattern)
        except RecordingError:  # no file fits
            continue
        kept = tuple(file for file in found if file.path.name != not_this)
        if kept:
            return kept
    raise RecordingError(
        f"{root}: holds no file {' or '.join(patterns)}; is it the data set's top folder? "
        "(key files)"
    )


def _in_order(subject: str, found: list[FoundFile]) -> list[SessionFile]:
    if "session" in found[0].fields:
        files = [SessionFile(file.path, subject, file.fields["session"]) for file in found]
        return sorted(files, key=lambda file: natural_order(file.session))
    for file in found:
        if not file.fields["date"].isdecimal():
            raise RecordingError(
                f"{file.path}: {file.fields['date']!r} is no date such as 20131027, by which "
                "sessions are counted (key files); rename the file or take it away"
            )
        if not _is_date(file.fields["date"]):
            _log.debug(
                "%s: %s is no date of a calendar, year, month, day; its subject's sessions are "
                "counted by it",
                file.path.name,
                file.fields["date"],
            )
    dated = sorted(found, key=lambda file: natural_order(file.fields["date"]))
    return [SessionFile(file.path, subject, str(k)) for k, file in enumerate(dated, start=1)]


def _is_date(digits: str) -> bool:
    try:
        datetime.strptime(digits, "%Y%m%d")
    except ValueError:
        return False
    return len(digits) == 8


def shown_in(settings: ScriptedSettings, file: SessionFile) -> Session:
    """Return what a file's session shows.

    Raises
    ------
    RecordingError
        If ``sessions`` has no such session.
    """
    key = ALL if ALL in settings.sessions else file.session
    if key not in settings.sessions:
        raise RecordingError(
            f"{file.path}: is session {file.session} of subject {file.subject}; the settings "
            f"know {', '.join(settings.sessions)} (key sessions)"
        )
    return settings.sessions[key]
