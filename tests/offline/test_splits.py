from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.splits import Split, SplitSettings, make_split, windows_of
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from tests.offline.cohort import CLASSES, cohort, recording


def units(recordings, keys, by):
    def unit(key):
        r = recordings[key[0]]
        return {"subject": r.subject, "session": (r.subject, r.session), "trial": key}[by]

    return {unit(key) for key in keys}


@st.composite
def cases(draw):
    by = draw(st.sampled_from(["session", "trial", "subject"]))
    test = draw(st.floats(0.05, 0.95))
    if by != "subject" and draw(st.booleans()):
        test = "last"
    recordings = [
        recording(f"s{subject}", str(session), draw(st.lists(st.integers(-1, 2), max_size=9)))
        for subject in range(draw(st.integers(1, 5)))
        for session in range(draw(st.integers(1, 3)))
    ]
    settings = SplitSettings(by=by, test=test, validation=draw(st.floats(0.05, 0.95)))
    return recordings, settings, draw(st.integers(0, 99))


@given(cases())
def test_no_part_shares_what_must_stay_together(case):
    recordings, settings, seed = case
    try:
        split = make_split(recordings, CLASSES, settings, seed)
    except ConfigError:
        return  # too little data for this split; the next tests see that it is said
    parts = [split.train, split.validation, split.test]
    dealt = [key for part in parts for key in part]
    labelled = {
        (r, t)
        for r, each in enumerate(recordings)
        for t, trial in enumerate(each.trials)
        if trial.label >= 0
    }
    assert len(dealt) == len(set(dealt))
    assert set(dealt) == labelled
    test = units(recordings, split.test, settings.by)
    assert test.isdisjoint(units(recordings, split.train + split.validation, settings.by))
    if settings.by == "subject":
        people = [units(recordings, part, "subject") for part in parts]
        assert all(a.isdisjoint(b) for a, b in pairwise([*people, people[0]]))
    assert {recordings[r].trials[t].label for r, t in split.train} == {0, 1, 2}


@pytest.mark.parametrize(
    ("by", "test"), [("session", "last"), ("trial", 0.4), ("subject", 0.3), ("trial", "last")]
)
def test_data_of_seeds_size_can_be_split_every_way(by, test):
    split = make_split(cohort(6, 3), CLASSES, SplitSettings(by=by, test=test), seed=0)
    assert min(len(split.train), len(split.validation), len(split.test)) > 0


def test_the_last_session_of_each_subject_is_held_out():
    recordings = cohort(3, 3)
    split = make_split(recordings, CLASSES, SplitSettings(by="session", test="last"), seed=0)
    assert units(recordings, split.test, "session") == {("s0", "3"), ("s1", "3"), ("s2", "3")}


def test_validation_trials_are_even_between_the_classes():
    recordings = cohort(1, 2)
    for share in (0.05, 0.2):  # a share below one trial a class gives one a class all the same
        split = make_split(recordings, CLASSES, SplitSettings(validation=share), seed=0)
        found = sorted(recordings[r].trials[t].label for r, t in split.validation)
        assert found == [0, 1, 2]


def test_a_stimulus_that_all_sessions_share_is_on_one_side():
    split = make_split(cohort(4, 3), CLASSES, SplitSettings(by="trial", test=0.4), seed=3)
    tested, trained = ({trial for _, trial in part} for part in (split.test, split.train))
    assert len(tested) == 6
    assert tested.isdisjoint(trained)


def test_named_trials_are_held_out_in_every_session():
    settings = SplitSettings(by="trial", test=[10, 11, 12, 13, 14, 15])
    split = make_split(cohort(2, 1), CLASSES, settings, seed=0)
    assert set(split.test) == {(r, t) for r in (0, 1) for t in range(9, 15)}


def test_the_seed_fixes_the_draw():
    recordings, settings = cohort(12, 1), SplitSettings(by="subject", test=0.3)
    first, again, other = (make_split(recordings, CLASSES, settings, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert isinstance(first, Split)


@pytest.mark.parametrize(("by", "test"), [("trial", 0.5), ("session", "last")])
def test_one_class_per_recording_can_only_be_split_by_subject(by, test):
    """As in eegmat: a subject's two files are of different classes."""
    recordings = [recording(f"s{k}", "1", [label]) for k in range(8) for label in (0, 1)]
    classes = ("rest", "arithmetic")
    with pytest.raises(ConfigError, match=r"no trial for|no training trial"):
        make_split(recordings, classes, SplitSettings(by=by, test=test), seed=0)
    split = make_split(recordings, classes, SplitSettings(by="subject", test=0.25), seed=0)
    assert [len(part) for part in (split.test, split.validation, split.train)] == [4, 2, 10]


def test_an_unknown_subject_is_named_with_those_that_exist():
    with pytest.raises(ConfigError, match=r"split.test names s9; the data set has s0, s1"):
        make_split(cohort(2, 1), CLASSES, SplitSettings(by="subject", test=["s9"]), seed=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"by": "window"}, r"by = 'window': .*'session', 'trial' or 'subject'"),
        ({"test": 1.5}, r"test = 1.5: allowed are last, a share between 0 and 1, or a list"),
        ({"test": True}, r"test = True: allowed are last"),
        ({"by": "subject"}, r"by: subject needs test: a share between 0 and 1"),
        ({"validation": 0}, r"validation = 0: .*greater than 0"),
        ({"folds": 5}, r"unknown key 'folds'; allowed are by, test, validation"),
    ],
)
def test_wrong_settings_are_told_in_one_line(content, said):
    with pytest.raises(ConfigError, match=said) as caught:
        validate(SplitSettings, content, source="split.yaml")
    assert "\n" not in str(caught.value)


def test_every_nth_window_is_counted_from_its_trials_first():
    trial = np.array([-1, -1, 0, 0, 0, 0, -1, 1, 1, 1, -1, 2])
    found = windows_of(
        [(4, 1), (4, 0), (7, 0)],
        {4: SimpleNamespace(trial=trial)} | {7: SimpleNamespace(trial=np.array([-1, -1]))},
        stride=2,
    )
    assert {recording: windows.tolist() for recording, windows in found.items()} == {
        4: [2, 4, 7, 9]
    }


def test_a_history_has_to_lie_in_the_windows_own_trial():
    trial = np.array([-1, 0, 0, 0, 0, 0, -1, 1, 1, 1, -1, 2])
    features = {0: SimpleNamespace(trial=trial)}
    found = windows_of([(0, 0), (0, 1), (0, 2)], features, stride=2, history=2)
    assert found[0].tolist() == [3, 5, 9]


@pytest.mark.parametrize("test", ["last", 0.3, ["1", "2"], [1, 2]])
def test_settings_are_written_without_a_warning_and_read_again(test, recwarn):
    settings = validate(SplitSettings, {"by": "session", "test": test}, "split")
    again = validate(SplitSettings, settings.model_dump(mode="json"), "split")
    assert again == settings
    assert not recwarn.list
