from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from offline.evaluation.protocols import (
    DatasetsProtocol,
    LeaveOneSubjectOut,
    Protocol,
    RandomWindows,
    Sessions,
    Subjects,
    TrialKfold,
    Trials,
    fold_windows,
    make_folds,
)
from rtbci.configuration import Settings, validate
from rtbci.errors import ConfigError
from tests.offline.cohort import CLASSES, SEED_LABELS, cohort, recording

PARTS = ("train", "validation", "test")
FEW = settings(max_examples=60, deadline=None)

amounts = st.integers(1, 4)
shares = st.floats(0.05, 0.6)
PROTOCOLS = {
    "trials": st.builds(
        Trials,
        train=amounts,
        validation=st.integers(0, 2),
        test=amounts,
        validation_share=shares,
        pooled=st.booleans(),
    ),
    "trial-kfold": st.builds(TrialKfold, folds=st.integers(3, 5), pooled=st.booleans()),
    "sessions": st.builds(Sessions, validation_share=shares),
    "leave-one-subject-out": st.builds(LeaveOneSubjectOut, validation_share=shares),
    "subjects": st.one_of(
        st.builds(Subjects, train=amounts, validation=amounts, test=amounts),
        st.just(Subjects()),
    ),
    "datasets": st.builds(DatasetsProtocol, validation_share=shares),
}
ONCE = ("trial-kfold", "sessions", "leave-one-subject-out")


@st.composite
def small_cohorts(draw):
    more = st.lists(st.integers(-1, 2), max_size=9)
    labels = more.flatmap(lambda extra: st.permutations([0, 1, 2] * 3 + extra))
    return [
        recording(f"s{subject}", str(session), draw(labels))
        for subject in range(draw(st.integers(2, 7)))
        for session in range(draw(st.integers(1, 3)))
    ]


def unit_of(kind, recordings, key):
    """What must not be in two parts at once."""
    own = recordings[key[0]]
    if kind in ("leave-one-subject-out", "subjects"):
        return own.subject
    return (own.subject, own.session) if kind == "sessions" else key


def labelled(recordings):
    return {
        (r, t)
        for r, each in enumerate(recordings)
        for t, trial in enumerate(each.trials)
        if trial.label >= 0
    }


@pytest.mark.parametrize("kind", PROTOCOLS)
@FEW
@given(data=st.data())
def test_no_part_shares_what_must_stay_together(kind, data):
    protocol = data.draw(PROTOCOLS[kind])
    recordings = data.draw(small_cohorts())
    tested = range(len(recordings) // 2) if kind == "datasets" else ()
    seed = data.draw(st.integers(0, 99))
    try:
        folds = make_folds(protocol, recordings, CLASSES, seed, tested)
    except ConfigError:
        return  # too little data for this protocol; another test sees that it is said
    everything = labelled(recordings)
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        parts = {part: getattr(fold, part) for part in PARTS}
        for keys in parts.values():
            assert keys == tuple(sorted(set(keys)))
            assert keys
            assert set(keys) <= everything
        for one, other in combinations(PARTS, 2):
            assert set(parts[one]).isdisjoint(parts[other])
        held = {unit_of(kind, recordings, key) for key in fold.test}
        seen = {unit_of(kind, recordings, key) for key in fold.train + fold.validation}
        assert held.isdisjoint(seen)
        if kind in ("leave-one-subject-out", "subjects", "datasets"):
            people = [{recordings[r].subject for r, _ in parts[part]} for part in PARTS[:2]]
            assert people[0].isdisjoint(people[1])
        assert {recordings[r].trials[t].label for r, t in fold.train} == {0, 1, 2}
    if kind in ONCE:
        assert sorted(key for fold in folds for key in fold.test) == sorted(everything)
    assert make_folds(protocol, recordings, CLASSES, seed, tested) == folds


@pytest.mark.parametrize(
    ("protocol", "n_folds", "sizes"),
    [
        (Trials(), 45, (6, 3, 6)),
        (Trials(train=9, validation=3, test=3), 45, (9, 3, 3)),
        (Trials(train=0.6, validation=0.2, test=0.2, pooled=True), 1, (405, 135, 135)),
        (TrialKfold(), 225, (9, 3, 3)),
        (TrialKfold(pooled=True), 5, (405, 135, 135)),
        (Sessions(), 45, (24, 6, 15)),
        (LeaveOneSubjectOut(), 15, (11 * 45, 3 * 45, 45)),
        (Subjects(), 1, (9 * 45, 3 * 45, 3 * 45)),
        (Subjects(train=9, validation=3, test=3), 1, (9 * 45, 3 * 45, 3 * 45)),
    ],
)
def test_data_of_seeds_size_are_dealt_as_in_the_papers(protocol, n_folds, sizes):
    folds = make_folds(protocol, cohort(15, 3), CLASSES, seed=0)
    assert len(folds) == n_folds
    assert {tuple(len(getattr(fold, part)) for part in PARTS) for fold in folds} == {sizes}


def test_trials_are_dealt_in_order_of_time_and_unlabelled_ones_do_not_count():
    labels = [-1, *SEED_LABELS[:5], -1, *SEED_LABELS[5:], 2]
    (fold,) = make_folds(
        Trials(train=9, validation=3, test=3), [recording("s0", "1", labels)], CLASSES, seed=0
    )
    assert [trial for _, trial in fold.train] == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    assert [trial for _, trial in fold.validation] == [11, 12, 13]
    assert [trial for _, trial in fold.test] == [14, 15, 16]


def test_without_validation_trials_each_classs_last_training_trials_are_chosen_on():
    labels = [0, 0, 1, 0, 1, 0, 0, 2, 1, 2]
    (fold,) = make_folds(
        Trials(train=8, test=2, validation_share=0.4), [recording("s0", "1", labels)], CLASSES, 0
    )
    # Two of the five trials of class 0, one of two of class 1, and none of class 2's only one.
    assert [trial for _, trial in fold.validation] == [4, 5, 6]


def test_each_fold_has_each_class_evenly_and_the_next_is_chosen_on():
    recordings = cohort(2, 2)
    folds = make_folds(TrialKfold(folds=5), recordings, CLASSES, seed=3)[:5]
    for fold, following in zip(folds, (*folds[1:], folds[0]), strict=True):
        for part in (fold.test, fold.validation):
            assert sorted(recordings[r].trials[t].label for r, t in part) == [0, 1, 2]
        assert fold.validation == following.test


def test_a_stimulus_that_all_sessions_share_is_on_one_side_of_pooled_folds():
    for fold in make_folds(TrialKfold(pooled=True), cohort(3, 2), CLASSES, seed=1):
        sides = [{trial for _, trial in getattr(fold, part)} for part in PARTS]
        assert all(one.isdisjoint(other) for one, other in combinations(sides, 2))


def test_a_session_is_tested_by_what_was_trained_on_its_subject():
    recordings = cohort(2, 3)
    for fold in make_folds(Sessions(), recordings, CLASSES, seed=0):
        keys = fold.train + fold.validation + fold.test
        assert len({recordings[r].subject for r, _ in keys}) == 1
        assert len({recordings[r].session for r, _ in fold.test}) == 1
        chosen = sorted(recordings[r].trials[t].label for r, t in fold.validation)
        assert chosen == [0, 0, 1, 1, 2, 2]


def test_the_subjects_that_are_chosen_on_change_from_fold_to_fold_and_with_the_seed():
    recordings = cohort(10, 1)

    def chosen(seed):
        folds = make_folds(LeaveOneSubjectOut(), recordings, CLASSES, seed)
        return [frozenset(r for r, _ in fold.validation) for fold in folds]

    assert len(set(chosen(0))) == 10
    assert all(len(subjects) == 2 for subjects in chosen(0))
    assert [sum(r in each for each in chosen(0)) for r in range(10)] == [2] * 10
    assert chosen(0) != chosen(1)


@pytest.mark.parametrize(
    "protocol", [TrialKfold(), Sessions(), LeaveOneSubjectOut(), Subjects(), DatasetsProtocol()]
)
def test_another_seed_deals_otherwise(protocol):
    recordings = cohort(12, 2)
    dealt = [make_folds(protocol, recordings, CLASSES, seed, range(2)) for seed in range(3)]
    assert dealt[0] != dealt[1] != dealt[2]


def test_other_data_sets_are_tested_on_and_on_nothing_else():
    recordings = cohort(8, 1)
    (fold,) = make_folds(DatasetsProtocol(), recordings, CLASSES, 0, tested={2, 5})
    assert {r for r, _ in fold.test} == {2, 5}
    assert len({r for r, _ in fold.validation}) == 1
    assert {r for r, _ in fold.train + fold.validation} == {0, 1, 3, 4, 6, 7}


@pytest.mark.parametrize(
    ("protocol", "recordings", "said"),
    [
        (
            Trials(),
            [recording("7", "1", [0]), recording("7", "1", [1])],
            "protocol trials: subject 7, session 1: 2 labelled trials, 15 are needed; a protocol "
            "of whole subjects (leave-one-subject-out, subjects) does without",
        ),
        (
            TrialKfold(),
            [recording("7", "1", [0, 1, 0])],
            "protocol trial-kfold: subject 7, session 1: 3 labelled trials, 5 are needed; a "
            "protocol of whole subjects (leave-one-subject-out, subjects) does without",
        ),
        (
            Sessions(),
            [*cohort(1, 2), recording("boris", "2", SEED_LABELS)],
            "protocol sessions: subject boris: 1 session, 2 are needed; a protocol of whole "
            "subjects (leave-one-subject-out, subjects) does without",
        ),
        (
            LeaveOneSubjectOut(),
            cohort(2, 1),
            "protocol leave-one-subject-out: the data set: 2 subjects, 3 are needed; use a "
            "protocol with fewer parts",
        ),
        (
            Subjects(train=9, validation=3, test=3),
            cohort(14, 1),
            "protocol subjects: the data set: 14 subjects, 15 are needed; use a protocol with "
            "fewer parts",
        ),
        (
            LeaveOneSubjectOut(),
            cohort(4, 1, [0, 1, 1]),
            "protocol leave-one-subject-out, subject s0: leaves class positive no training trial; "
            "choose another protocol or other amounts",
        ),
        (
            DatasetsProtocol(),
            cohort(4, 1),
            "protocol datasets, other data sets: leaves no trial for test; choose another "
            "protocol or other amounts",
        ),
        (Subjects(), cohort(4, 1, [-1]), "protocol subjects: no recording has a labelled trial"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(protocol, recordings, said):
    with pytest.raises(ConfigError) as caught:
        make_folds(protocol, recordings, CLASSES, seed=0)
    assert str(caught.value) == said


def windows(recordings, rng):
    """Trials of windows as extraction gives them: with gaps between, of unequal lengths."""
    return [
        SimpleNamespace(
            trial=np.concatenate(
                [[-1] * 3]
                + [[t] * rng.integers(20, 60) + [-1] * 4 for t in range(len(each.trials))]
            ).astype(np.int64)
        )
        for each in recordings
    ]


def test_an_honest_part_has_all_windows_of_its_trials():
    recordings = cohort(2, 2)
    features = windows(recordings, np.random.default_rng(0))
    for fold in make_folds(TrialKfold(), recordings, CLASSES, seed=0):
        for part in PARTS:
            found = fold_windows(fold, part, features, stride=1)
            pairs = {(r, int(features[r].trial[w])) for r, own in found.items() for w in own}
            assert pairs == set(getattr(fold, part))
            assert sum(map(len, found.values())) == sum(
                int((features[r].trial == t).sum()) for r, t in getattr(fold, part)
            )


@FEW
@given(
    folds=st.integers(3, 6),
    pooled=st.booleans(),
    strides=st.tuples(*[st.integers(1, 4)] * 3),
    seed=st.integers(0, 99),
)
def test_windows_dealt_at_random_are_in_one_part_whatever_the_strides(folds, pooled, strides, seed):
    recordings = [*cohort(1, 2), recording("s1", "1", [0, -1, 1, 2])]
    features = windows(recordings, np.random.default_rng(seed))
    dealt = make_folds(RandomWindows(folds=folds, pooled=pooled), recordings, CLASSES, seed)
    assert len(dealt) == folds * (1 if pooled else 3)
    tested = []
    for fold in dealt:
        parts = [
            {
                (r, int(w))
                for r, own in fold_windows(fold, part, features, stride).items()
                for w in own
            }
            for part, stride in zip(PARTS, strides, strict=True)
        ]
        assert all(one.isdisjoint(other) for one, other in combinations(parts, 2))
        tested += parts[2]
    of_trials = {
        (r, int(w))
        for r, t in labelled(recordings)
        for w in np.flatnonzero(features[r].trial == t)[:: strides[2]]
    }
    assert sorted(tested) == sorted(of_trials)  # each once


def test_random_windows_tear_trials_apart():
    recordings = cohort(1, 1)
    features = windows(recordings, np.random.default_rng(0))
    fold = make_folds(RandomWindows(), recordings, CLASSES, seed=0)[0]
    trials = [
        set(features[0].trial[fold_windows(fold, part, features, 1)[0]].tolist()) for part in PARTS
    ]
    assert trials[0] == set(range(15))
    assert trials[2] == set(range(15))


class Holder(Settings):
    protocol: Annotated[Protocol, Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("content", "title", "leaky"),
    [
        ({"kind": "trials"}, "trials in order of time, 9/0/6 in each session", False),
        (
            {"kind": "trial-kfold", "pooled": True},
            "5 folds of each session's trials, sessions pooled",
            False,
        ),
        ({"kind": "sessions"}, "leave one session out, within each subject", False),
        ({"kind": "leave-one-subject-out"}, "leave one subject out", False),
        (
            {"kind": "subjects", "train": 9, "validation": 3, "test": 3},
            "subjects, 9/3/3 drawn with each seed",
            False,
        ),
        ({"kind": "datasets"}, "other data sets", False),
        ({"kind": "random-windows"}, "random windows (LEAKY)", True),
    ],
)
def test_a_protocol_is_told_by_its_kind_and_says_what_it_is(content, title, leaky):
    protocol = validate(Holder, {"protocol": content}, "evaluation.yaml").protocol
    assert (protocol.title, protocol.leaky) == (title, leaky)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"kind": "windows"},
            "kind = 'windows': there are trials, trial-kfold, sessions, leave-one-subject-out",
        ),
        ({"kind": "trial-kfold", "folds": 2}, "folds = 2: .*greater than or equal to 3"),
        ({"kind": "trials", "folds": 5}, "unknown key 'protocol.trials.folds'; allowed are train"),
        ({"kind": "subjects", "train": 0.5}, "whole numbers or shares that sum to 1"),
        ({"kind": "subjects", "train": 3, "validation": 0.5, "test": 3}, "whole numbers or shares"),
    ],
)
def test_wrong_settings_are_told_in_one_line(content, said):
    with pytest.raises(ConfigError, match=said) as caught:
        validate(Holder, {"protocol": content}, "evaluation.yaml")
    assert "\n" not in str(caught.value)
