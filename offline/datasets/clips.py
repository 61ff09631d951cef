"""Clips that a person watched, as one recording: the baseline before a clip bears no label."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from offline.datasets.config import find_files, without_zeros
from offline.datasets.recording import Trial
from rtbci.errors import RecordingError


@dataclass(frozen=True)
class Clip:
    """Sizes of one clip.

    Attributes
    ----------
    n_baseline : int
        Samples before the clip begins; the filters settle on them.
    n_samples : int
        Samples of the clip itself.
    label : int
        Class, or -1.
    """

    n_baseline: int
    n_samples: int
    label: int


def end_to_end(clips: Iterable[Clip]) -> tuple[tuple[Trial, ...], int]:
    """Lay clips one after the other, each behind its baseline.

    Returns
    -------
    trials : tuple of Trial
        One a clip, without its baseline.
    n_samples : int
        Of all clips and baselines together.
    """
    trials: list[Trial] = []
    position = 0
    for clip in clips:
        start = position + clip.n_baseline
        position = start + clip.n_samples
        trials.append(Trial(start, position, clip.label))
    return tuple(trials), position


@dataclass(frozen=True)
class SubjectFile:
    """The one file of a person.

    Attributes
    ----------
    path : Path
        Where it is.
    subject : str
        The person's number, without leading zeros.
    """

    path: Path
    subject: str


def find_subjects(root: Path, pattern: str, exclude: Collection[int]) -> tuple[SubjectFile, ...]:
    """Find the people's files, in order of their numbers.

    Parameters
    ----------
    root : Path
        Folder of the data set.
    pattern : str
        As in :func:`offline.datasets.config.find_files`, with ``{subject}``.
    exclude : collection of int
        Numbers of the people who are left out.

    Raises
    ------
    RecordingError
        If no file fits, or all that fit are of people who are left out.
    """
    found = [
        SubjectFile(file.path, without_zeros(file.fields["subject"]))
        for file in find_files(root, pattern)
    ]
    left_out = {str(number) for number in exclude}
    kept = tuple(file for file in found if file.subject not in left_out)
    if not kept:
        raise RecordingError(f"{root}: holds files of people only who are left out (key exclude)")
    return kept


def require_subject(pattern: str) -> str:
    """Refuse a pattern that does not say where a file's name tells the person.

    Raises
    ------
    ValueError
        If it lacks ``{subject}``; pydantic turns it into a line that names the key.
    """
    if "{subject}" not in pattern:
        raise ValueError("lacks {subject}")
    return pattern
