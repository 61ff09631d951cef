"""Recordings into the folds of a protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from offline.datasets.recording import Recording
from offline.evaluation.protocols.folds import Fold, Share
from offline.evaluation.protocols.settings import (
    DatasetsProtocol,
    LeaveOneSubjectOut,
    Protocol,
    RandomWindows,
    Sessions,
    Subjects,
    TrialKfold,
    Trials,
)
from offline.splits import TrialKey, Unit, grouped, held_out, labels_of, refuse_gaps, shuffled
from rtbci.errors import ConfigError


def make_folds(
    protocol: Protocol,
    recordings: Sequence[Recording],
    classes: Sequence[str],
    seed: int,
    tested: Collection[int] = (),
) -> tuple[Fold, ...]:
    """Deal the trials of data sets to the folds of a protocol.

    Parameters
    ----------
    protocol : Protocol
        What is held out.
    recordings : sequence of Recording
        Each subject's in order of time. Trials with the label -1 are in no part.
    classes : sequence of str
        Names of the classes.
    seed : int
        Fixes every draw; not negative.
    tested : collection of int
        Under the protocol ``datasets``, indices of the recordings that belong to the data sets to
        test on; without meaning under the others.

    Returns
    -------
    tuple of Fold
        With names of their own.

    Raises
    ------
    ConfigError
        If there are too few trials, sessions or subjects, or a class would have no training trial.
    """
    label = labels_of(recordings)
    if not label:
        raise ConfigError(f"protocol {protocol.kind}: no recording has a labelled trial")
    folds = tuple(_dealt(protocol, recordings, label, seed, frozenset(tested)))
    for fold in folds:
        said = f"protocol {protocol.kind}, {fold.name}"
        refuse_gaps(said, fold, label, classes, "choose another protocol or other amounts")
    return folds


Labels = Mapping[TrialKey, int]
_Deal = Callable[[list[TrialKey], str], Iterator[Fold]]
# Makes the folds of one session's trials; the text says whose, for errors.


def _dealt(
    protocol: Protocol,
    recordings: Sequence[Recording],
    label: Labels,
    seed: int,
    tested: frozenset[int],
) -> Iterator[Fold]:
    match protocol:
        case Trials():
            folds = _within(recordings, label, protocol.pooled, _in_order(protocol, label))
        case TrialKfold():
            folds = _within(recordings, label, protocol.pooled, _kfold(protocol, label, seed))
        case RandomWindows():
            folds = _within(recordings, label, protocol.pooled, _random_windows(protocol, seed))
        case Sessions():
            folds = _sessions(protocol, recordings, label, seed)
        case LeaveOneSubjectOut():
            folds = _leave_one_subject_out(protocol, recordings, label, seed)
        case Subjects():
            folds = _subjects(protocol, recordings, label, seed)
        case DatasetsProtocol():
            folds = _datasets(protocol, recordings, label, seed, tested)
    return folds


def _within(
    recordings: Sequence[Recording], label: Labels, pooled: bool, deal: _Deal
) -> Iterator[Fold]:
    """Deal each session's trials; join the sessions' folds of the same name where they are pooled.

    Every session is dealt with the same seed, so that what is joined is of the same stimuli where
    sessions have the same ones in the same order.
    """
    joined: dict[str, list[Fold]] = defaultdict(list)
    for session, trials in _by_session(recordings, label).items():
        whose = "subject {}, session {}".format(*session)
        for fold in deal(trials, whose):
            words = ("all sessions",) if pooled else (whose,)
            joined[", ".join((*words, fold.name) if fold.name else words)].append(fold)
    for name, folds in joined.items():
        yield Fold(
            name,
            train=tuple(sorted(key for fold in folds for key in fold.train)),
            validation=tuple(sorted(key for fold in folds for key in fold.validation)),
            test=tuple(sorted(key for fold in folds for key in fold.test)),
            share=folds[0].share,
        )


def _by_session(
    recordings: Sequence[Recording], keys: Iterable[TrialKey]
) -> dict[Unit, list[TrialKey]]:
    groups = grouped(recordings, keys, "trial")
    return {session: [key for (key,) in trials.values()] for session, trials in groups.items()}


def _in_order(protocol: Trials, label: Labels) -> _Deal:
    def deal(trials: list[TrialKey], whose: str) -> Iterator[Fold]:
        train, validation, test = protocol.counts(len(trials))
        _require(protocol, whose, len(trials), train + validation + test, "labelled trial")
        first, rest = trials[:train], trials[train:]
        chosen = rest[:validation] if validation else _last(first, label, protocol.validation_share)
        yield Fold(
            "",
            train=tuple(key for key in first if key not in chosen),
            validation=tuple(chosen),
            test=tuple(rest[validation : validation + test]),
        )

    return deal


def _last(trials: Sequence[TrialKey], label: Labels, share: float) -> list[TrialKey]:
    """Return the last of each class's trials: one at least, but never all."""
    by_class: dict[int, list[TrialKey]] = defaultdict(list)
    for key in trials:
        by_class[label[key]].append(key)
    chosen = []
    for keys in by_class.values():
        count = min(max(round(share * len(keys)), 1), len(keys) - 1)
        chosen += keys[len(keys) - count :]
    return sorted(chosen)


def _kfold(protocol: TrialKfold, label: Labels, seed: int) -> _Deal:
    def deal(trials: list[TrialKey], whose: str) -> Iterator[Fold]:
        _require(protocol, whose, len(trials), protocol.folds, "labelled trial")
        rng = np.random.default_rng(seed)
        in_random_order = [trials[index] for index in rng.permutation(len(trials))]
        # Class by class to one fold after the other: each fold gets as many of a class as any
        # other, give or take one, and so of all trials.
        by_class = sorted(in_random_order, key=label.__getitem__)
        parts = [by_class[number :: protocol.folds] for number in range(protocol.folds)]
        for number in range(protocol.folds):
            later = [parts[(number + step) % protocol.folds] for step in range(protocol.folds)]
            yield Fold(
                f"fold {number + 1}",
                train=tuple(key for part in later[2:] for key in part),
                validation=tuple(later[1]),
                test=tuple(later[0]),
            )

    return deal


def _random_windows(protocol: RandomWindows, seed: int) -> _Deal:
    def deal(trials: list[TrialKey], whose: str) -> Iterator[Fold]:
        everything = tuple(trials)
        for number in range(protocol.folds):
            share = Share(number, protocol.folds, seed)
            yield Fold(f"fold {number + 1}", everything, everything, everything, share)

    return deal


def _sessions(
    protocol: Sessions, recordings: Sequence[Recording], label: Labels, seed: int
) -> Iterator[Fold]:
    for (subject,), sessions in grouped(recordings, label, "session").items():
        _require(protocol, f"subject {subject}", len(sessions), 2, "session")
        for session, test in sessions.items():
            rest = [key for name, keys in sessions.items() if name != session for key in keys]
            trials = grouped(recordings, rest, "trial")
            validation = held_out(trials, protocol.validation_share, label, seed)
            yield _fold(f"subject {subject}, session {session}", rest, validation, test)


def _leave_one_subject_out(
    protocol: LeaveOneSubjectOut, recordings: Sequence[Recording], label: Labels, seed: int
) -> Iterator[Fold]:
    subjects = grouped(recordings, label, "subject")[()]
    _require(protocol, "the data set", len(subjects), 3, "subject")
    # The subjects stand in a random ring; those next to the one who is tested are chosen on.
    ring = shuffled(subjects, label, seed)
    count = min(max(round(protocol.validation_share * (len(ring) - 1)), 1), len(ring) - 2)
    for subject, test in subjects.items():
        after = ring.index(subject) + 1
        chosen = {ring[(after + step) % len(ring)] for step in range(count)}
        rest = [key for name, keys in subjects.items() if name != subject for key in keys]
        validation = {key for name in chosen for key in subjects[name]}
        yield _fold(f"subject {subject}", rest, validation, test)


def _subjects(
    protocol: Subjects, recordings: Sequence[Recording], label: Labels, seed: int
) -> Iterator[Fold]:
    subjects = grouped(recordings, label, "subject")[()]
    train, validation, test = protocol.counts(len(subjects))
    _require(protocol, "the data set", len(subjects), train + validation + test, "subject")
    drawn = shuffled(subjects, label, seed)[: train + validation + test]

    def trials(names: Sequence[str]) -> list[TrialKey]:
        return [key for name in names for key in subjects[name]]

    tested, chosen = drawn[:test], drawn[test : test + validation]
    yield _fold("subjects", trials(drawn[test:]), set(trials(chosen)), trials(tested))


def _datasets(
    protocol: DatasetsProtocol,
    recordings: Sequence[Recording],
    label: Labels,
    seed: int,
    tested: frozenset[int],
) -> Iterator[Fold]:
    test = [key for key in label if key[0] in tested]
    rest = [key for key in label if key[0] not in tested]
    subjects = grouped(recordings, rest, "subject")
    _require(protocol, "the training data sets", len(subjects.get((), ())), 2, "subject")
    validation = held_out(subjects, protocol.validation_share, label, seed)
    yield _fold("other data sets", rest, validation, test)


def _fold(
    name: str, rest: Iterable[TrialKey], validation: Collection[TrialKey], test: Iterable[TrialKey]
) -> Fold:
    """Make a fold; what is left of ``rest`` without the validation part is trained on."""
    return Fold(
        name,
        train=tuple(sorted(key for key in rest if key not in validation)),
        validation=tuple(sorted(validation)),
        test=tuple(sorted(test)),
    )


def _require(protocol: Protocol, whose: str, found: int, least: int, what: str) -> None:
    if found < least:
        advice = (
            "use a protocol with fewer parts"
            if what == "subject"
            else "a protocol of whole subjects (leave-one-subject-out, subjects) does without"
        )
        raise ConfigError(
            f"protocol {protocol.kind}: {whose}: {found} {what}{'' if found == 1 else 's'}, "
            f"{least} are needed; {advice}"
        )
