"""Who is trained on, who is chosen on and who is tested on: always whole trials, never windows.

Neighbouring windows of one trial are nearly the same, so a split by window puts the answer on both
sides; most of the accuracies above 94 % in the literature come from that.
"""

from __future__ import annotations

import typing
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from offline.datasets.recording import Recording
from rtbci.configuration import Settings
from rtbci.errors import ConfigError

TrialKey: TypeAlias = tuple[int, int]
"""Index of a recording, and of a trial within it."""


class SplitSettings(Settings):
    """How trials are dealt to the three parts.

    Attributes
    ----------
    by : {"session", "trial", "subject"}
        What stays together: all trials of a session, single trials, or all of a subject.
    test : "last", float or tuple of str
        ``last`` holds out each subject's last session, or each session's last trial. A number is
        the share that is drawn at random, even between the classes: of the subjects, of each
        subject's sessions or of each session's trials. A list names subjects, sessions or trials
        (trials are counted from 1).
    validation : float
        Share of what is not test on which the epoch is chosen: of the subjects under ``by:
        subject``, otherwise of each session's trials.
    """

    by: Literal["session", "trial", "subject"] = "session"
    test: Literal["last"] | float | tuple[str, ...] = "last"
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2

    @field_validator("test", mode="before")
    @classmethod
    def _last_share_or_names(cls, test: Any) -> Any:
        if isinstance(test, list | tuple) and test:
            return tuple(str(name) for name in test)
        share = isinstance(test, int | float) and not isinstance(test, bool) and 0 < test < 1
        if test == "last" or share:
            return test
        raise ValueError("allowed are last, a share between 0 and 1, or a list of names")

    @model_validator(mode="after")
    def _no_last_subject(self) -> Self:
        if self.by == "subject" and self.test == "last":
            raise ValueError("by: subject needs test: a share between 0 and 1, or a list of names")
        return self


@dataclass(frozen=True)
class Split:
    """Trials of the three parts; no trial is in two of them."""

    train: tuple[TrialKey, ...]
    validation: tuple[TrialKey, ...]
    test: tuple[TrialKey, ...]


Unit: TypeAlias = tuple[str, ...]
Groups: TypeAlias = dict[Unit, dict[str, list[TrialKey]]]
# A pool (all subjects; a subject; a session) holds units by name, in order of time. What is held
# out is drawn from each pool, unit by unit.


def make_split(
    recordings: Sequence[Recording], classes: Sequence[str], settings: SplitSettings, seed: int
) -> Split:
    """Deal the trials of a data set to training, validation and test.

    Parameters
    ----------
    recordings : sequence of Recording
        Each subject's in order of time. Trials with the label -1 are in no part.
    classes : sequence of str
        Names of the classes.
    settings : SplitSettings
        What stays together and what is held out.
    seed : int
        Fixes the draw. Every pool is drawn with the same seed, so that sessions with the same
        stimuli in the same order hold out the same ones.

    Raises
    ------
    ConfigError
        If a part would be empty, a class would have no training trial, or a name is unknown.
    """
    label = labels_of(recordings)
    test = _wanted(grouped(recordings, label, settings.by), settings.test, label, seed)
    rest = [key for key in label if key not in test]
    whole = "subject" if settings.by == "subject" else "trial"
    validation = held_out(grouped(recordings, rest, whole), settings.validation, label, seed + 1)
    split = Split(
        train=tuple(key for key in rest if key not in validation),
        validation=tuple(sorted(validation)),
        test=tuple(sorted(test)),
    )
    said = f"split by {settings.by}, test {settings.test}, validation {settings.validation:g}"
    refuse_gaps(said, split, label, classes, "choose another split.by or share")
    return split


def labels_of(recordings: Sequence[Recording]) -> dict[TrialKey, int]:
    """Return the label of every trial that has one, in order."""
    return {
        (r, t): trial.label
        for r, recording in enumerate(recordings)
        for t, trial in enumerate(recording.trials)
        if trial.label >= 0
    }


def grouped(recordings: Sequence[Recording], keys: Iterable[TrialKey], by: str) -> Groups:
    """Sort trials into pools, and units that stay together within them."""
    groups: Groups = defaultdict(lambda: defaultdict(list))
    for key in keys:
        recording = recordings[key[0]]
        if by == "subject":
            groups[()][recording.subject].append(key)
        elif by == "session":
            groups[(recording.subject,)][recording.session].append(key)
        else:
            session = groups[(recording.subject, recording.session)]
            session[str(len(session) + 1)].append(key)
    return groups


def _wanted(
    groups: Groups,
    wanted: str | float | tuple[str, ...],
    label: Mapping[TrialKey, int],
    seed: int,
) -> set[TrialKey]:
    """Return the trials of the units that are wanted from each pool."""
    if isinstance(wanted, float):
        return held_out(groups, wanted, label, seed)
    if isinstance(wanted, str):
        return {
            key for units in groups.values() for name in list(units)[1:][-1:] for key in units[name]
        }
    known = list(dict.fromkeys(name for units in groups.values() for name in units))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(
            f"split.test names {', '.join(unknown)}; the data set has {', '.join(known)}"
        )
    return {key for units in groups.values() for name in wanted for key in units.get(name, ())}


def held_out(
    groups: Groups, share: float, label: Mapping[TrialKey, int], seed: int
) -> set[TrialKey]:
    """Draw a share of each pool's units, each class as often as its part of the pool.

    Where there are enough units, as many as there are classes are drawn and as many stay, so that a
    small share does not miss a class. At least one stays, and one is drawn if there are two. Every
    pool is drawn with the same seed.
    """
    held: set[TrialKey] = set()
    for units in groups.values():
        least = len({_class_of(keys, label) for keys in units.values()})
        count = min(max(round(share * len(units)), least), len(units) - least)
        count = min(max(count, 1), len(units) - 1)
        held.update(key for name in shuffled(units, label, seed)[:count] for key in units[name])
    return held


def shuffled(
    units: Mapping[str, Sequence[TrialKey]], label: Mapping[TrialKey, int], seed: int
) -> list[str]:
    """Return a pool's units in random order, so that a stretch holds each class by its share.

    A unit counts as its most frequent class.
    """
    rng = np.random.default_rng(seed)
    by_class: dict[int, list[str]] = defaultdict(list)
    for name, keys in units.items():
        by_class[_class_of(keys, label)].append(name)
    ranked: list[tuple[float, float, str]] = []
    for names in by_class.values():
        order = rng.permutation(len(names))
        ranked += [
            ((rank + 0.5) / len(names), float(rng.random()), names[index])
            for rank, index in enumerate(order)
        ]
    return [name for _, _, name in sorted(ranked)]


def _class_of(keys: Sequence[TrialKey], label: Mapping[TrialKey, int]) -> int:
    return Counter(label[key] for key in keys).most_common(1)[0][0]


class _Parts(typing.Protocol):
    @property
    def train(self) -> tuple[TrialKey, ...]: ...
    @property
    def validation(self) -> tuple[TrialKey, ...]: ...
    @property
    def test(self) -> tuple[TrialKey, ...]: ...


def refuse_gaps(
    said: str,
    parts: _Parts,
    label: Mapping[TrialKey, int],
    classes: Sequence[str],
    advice: str,
) -> None:
    """Raise ConfigError where a part is empty or a class has no training trial."""
    for part in ("test", "validation", "train"):
        if not getattr(parts, part):
            raise ConfigError(f"{said}: leaves no trial for {part}; {advice}")
    present = {label[key] for key in parts.train}
    absent = [name for index, name in enumerate(classes) if index not in present]
    if absent:
        raise ConfigError(f"{said}: leaves class {', '.join(absent)} no training trial; {advice}")


class Labelled(typing.Protocol):
    """What knows the trial of each window of a recording; -1 is none."""

    @property
    def trial(self) -> NDArray[np.int64]:
        """Trial of each window, shape (windows,)."""


class ByRecording(typing.Protocol):
    """Windows of all recordings, by the recording's index."""

    def __getitem__(self, recording: int, /) -> Labelled: ...


def windows_of(
    keys: Iterable[TrialKey], features: ByRecording, stride: int, history: int = 0
) -> dict[int, NDArray[np.intp]]:
    """Return the windows of trials, by recording and in order of time.

    Parameters
    ----------
    keys : iterable of TrialKey
        The trials.
    features : sequence or mapping of Features
        By the recording's index.
    stride : int
        Every which window is taken, counted from each trial's first; 1 for all.
    history : int
        Windows before it that have to lie in its trial as well: what a network learns from must
        not reach back into another trial, which may be a test trial.

    Returns
    -------
    dict of int to array of int, shape (windows,)
        Indices into the recording's windows. A trial without windows adds none, and a recording
        without windows is left out.
    """
    found: dict[int, list[NDArray[np.intp]]] = defaultdict(list)
    for recording, trial in keys:
        windows = np.flatnonzero(features[recording].trial == trial)[history::stride]
        if len(windows):
            found[recording].append(windows)
    return {recording: np.sort(np.concatenate(parts)) for recording, parts in found.items()}


def trials_at(chosen: Mapping[int, NDArray[np.intp]], features: ByRecording) -> NDArray[np.int64]:
    """Return a number for the trial of each window, another one for each trial of a recording."""
    pairs = [np.column_stack([np.full(len(w), r), features[r].trial[w]]) for r, w in chosen.items()]
    _, numbers = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
    return numbers.reshape(-1).astype(np.int64)
