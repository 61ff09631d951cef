"""States that markers tell of."""

from __future__ import annotations

import time

import pylsl
import pytest

from rtbci.errors import StreamError
from rtbci.stream.markers import MarkerInlet, Timeline
from tests.system import unique


def heard(*markers: tuple[str, float]) -> Timeline:
    truth = Timeline()
    for text, when in markers:
        truth.hear(text, when)
    return truth


TWO_TRIALS = (
    ("trial 1 positive", 100.0),
    ("trial 1 end", 110.0),
    ("trial 2 negative", 112.0),
    ("trial 2 end", 120.0),
)


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        (100.0, 101.0, "positive"),
        (105.0, 109.9, "positive"),
        (112.0, 119.9, "negative"),
        (99.9, 101.0, None),  # began before the trial
        (109.0, 110.5, None),  # ended after it
        (110.5, 111.5, None),  # between trials
        (109.0, 113.0, None),  # from one into the other
        (10.0, 11.0, None),
        (121.0, 122.0, None),
        (90.0, 130.0, None),
    ],
)
def test_a_window_has_a_label_where_one_trial_holds_it(first, last, label):
    assert heard(*TWO_TRIALS).during(first, last) == label


def test_a_trial_that_still_runs_counts():
    truth = heard(*TWO_TRIALS, ("trial 3 neutral", 130.0))
    assert truth.during(500.0, 501.0) == "neutral"
    truth.hear("trial 3 end", 140.0)
    assert truth.during(500.0, 501.0) is None
    assert truth.during(131.0, 132.0) == "neutral"


def test_a_trial_ends_at_the_latest_where_the_next_begins():
    truth = heard(("trial 1 positive", 100.0), ("trial 2 negative", 110.0))
    assert truth.during(105.0, 109.0) == "positive"
    assert truth.during(109.0, 111.0) is None
    assert truth.during(110.0, 111.0) == "negative"


def test_labels_may_hold_spaces_and_other_markers_are_ignored():
    truth = heard(
        ("blink", 99.0),
        ("trial 1 very calm", 100.0),
        ("T0", 105.0),
        ("trial", 106.0),
        ("trial x end", 107.0),
    )
    assert truth.during(101.0, 108.0) == "very calm"


def test_an_end_without_a_beginning_is_ignored():
    truth = heard(("trial 7 end", 90.0), *TWO_TRIALS)
    assert truth.during(80.0, 85.0) is None
    assert truth.during(101.0, 102.0) == "positive"


def test_bare_names_count_where_they_were_asked_for():
    rest = Timeline(states=("rest", "work"))
    for text, when in (("rest", 10.0), ("blink", 12.0), ("end", 20.0), ("work", 30.0)):
        rest.hear(text, when)
    assert rest.during(11.0, 19.0) == "rest"
    assert rest.during(11.0, 21.0) is None
    assert rest.during(31.0, 900.0) == "work"
    plain = heard(("rest", 10.0), ("trial 1 rest", 15.0), ("end", 20.0))
    assert plain.during(11.0, 14.0) is None
    assert plain.during(16.0, 25.0) == "rest"


def test_markers_come_over_lsl_with_their_times():
    name = unique("script")
    info = pylsl.StreamInfo(name, "Markers", 1, pylsl.IRREGULAR_RATE, "string", name)
    outlet = pylsl.StreamOutlet(info)
    with MarkerInlet(name, timeout=10) as inlet:
        assert inlet.pull() == []
        sent = [("rest", pylsl.local_clock()), ("end", pylsl.local_clock() + 1)]
        for text, stamp in sent:
            outlet.push_sample([text], stamp)
        heard_of: list[tuple[str, float]] = []
        deadline = time.monotonic() + 10
        while len(heard_of) < 2 and time.monotonic() < deadline:
            heard_of += inlet.pull()
    assert [text for text, _ in heard_of] == ["rest", "end"]
    assert [stamp for _, stamp in heard_of] == pytest.approx([stamp for _, stamp in sent], abs=1e-3)


def test_a_marker_stream_that_is_not_there_is_named():
    with pytest.raises(StreamError, match="no marker stream 'nobody' within 0.3 s"):
        MarkerInlet("nobody", timeout=0.3)
