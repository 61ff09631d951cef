from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.script import Step, Timetable, Turn, in_turn, parse_script
from rtbci.errors import ReplayError
from rtbci.recipe import EMOTIONS


def test_a_script_is_read_as_it_is_written() -> None:
    steps = parse_script(" neutral 60,positive 2.5,  negative  1e2 ", EMOTIONS)
    assert steps == (Step(1, 60.0), Step(2, 2.5), Step(0, 100.0))


def test_a_class_may_have_a_name_of_several_words() -> None:
    assert parse_script("high arousal 3", ("low arousal", "high arousal")) == (Step(1, 3.0),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("neutral 60, happy 5", "no emotion 'happy'; there are negative, neutral, positive"),
        ("Neutral 60", "no emotion 'Neutral'"),
        ("", "'' is not an emotion and its seconds"),
        ("neutral 60,", "'' is not an emotion and its seconds"),
        ("neutral", "'neutral' is not"),
        ("60", "'60' is not"),
        ("neutral 0", "'neutral 0': the seconds are to be a number above 0, as in"),
        ("neutral -3", "'neutral -3': the seconds are"),
        ("neutral nan", "'neutral nan': the seconds are"),
        ("neutral inf", "'neutral inf': the seconds are"),
        ("neutral 60s", "'neutral 60s': the seconds are"),
        ("neutral 60; positive 60", "no emotion 'neutral 60; positive'"),
        ("neutral", 'as in "negative 60, neutral 60, positive 60"'),
    ],
)
def test_what_is_no_script_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ReplayError) as refused:
        parse_script(text, EMOTIONS)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("seconds", [1e17, 1e300, np.inf, -np.inf, np.nan])
def test_lengths_that_cannot_be_counted_are_refused_in_one_line(seconds: float) -> None:
    with pytest.raises(ReplayError, match="^--stop: .* is no length that can be played$"):
        Timetable((Step(0, 1.0),), 200.0, stop_s=seconds)
    if seconds > 0 and np.isfinite(seconds):
        with pytest.raises(ReplayError, match="^--script: .* is no length that can be played$"):
            Timetable((Step(0, 1.0), Step(1, seconds)), 200.0)


def test_without_a_script_every_class_has_its_turn() -> None:
    assert in_turn(("a", "b")) == (Step(0, 20.0), Step(1, 20.0))


def test_turns_are_counted_round_after_round() -> None:
    table = Timetable((Step(1, 0.5), Step(0, 0.3)), 100.0, loop=True)
    assert table.n_samples is None
    assert list(table.turns(60, 131)) == [
        Turn(2, 0, 50, 80),
        Turn(3, 1, 80, 130),
        Turn(4, 0, 130, 160),
    ]


def test_a_script_may_be_cut() -> None:
    table = Timetable((Step(1, 0.5), Step(0, 0.3)), 100.0, stop_s=0.6)
    assert table.n_samples == 60
    assert list(table.turns(0, 60)) == [Turn(1, 1, 0, 50), Turn(2, 0, 50, 60)]
    assert Timetable((Step(0, 1.0),), 100.0, stop_s=9).n_samples == 100
    with pytest.raises(ReplayError, match="--stop 0.001"):
        Timetable((Step(0, 1.0),), 100.0, stop_s=0.001)


def test_no_error_adds_up_over_many_steps() -> None:
    table = Timetable((Step(0, 1 / 3),) * 300, 128.0)
    assert table.n_samples == 12_800
    assert {turn.stop - turn.start for turn in table.turns(0, 12_800)} == {42, 43}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0.001, 2.0)), min_size=1, max_size=6),
    st.booleans(),
    st.none() | st.floats(0.02, 5.0),
    st.integers(0, 300),
)
def test_labels_are_those_of_the_turns(steps, loop, stop_s, start) -> None:
    table = Timetable([Step(*step) for step in steps], 50.0, loop, stop_s)
    stop = start + 200 if table.n_samples is None else table.n_samples
    start = min(start, stop - 1)
    turns = list(table.turns(start, stop))
    labels = np.concatenate([np.full(turn.stop - turn.start, turn.label) for turn in turns])
    labels = labels[start - turns[0].start :][: stop - start]
    np.testing.assert_array_equal(table.labels(np.arange(start, stop)), labels)
    assert [turn.number for turn in turns] == list(
        range(turns[0].number, turns[0].number + len(turns))
    )
    if table.n_samples is not None:
        assert (table.labels(np.arange(stop, stop + 9)) == labels[-1]).all()
