from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.datasets.deap import DeapSettings
from offline.datasets.dreamer import DreamerSettings
from offline.datasets.ratings import Interval
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError

THREE = {
    "negative": {"below": 4},
    "neutral": {"at_least": 4, "at_most": 6},
    "positive": {"above": 6},
}
PLAIN = {
    "layout": "deap",
    "name": "made",
    "classes": ["negative", "neutral", "positive"],
    "bounds": THREE,
}


def deap(**changes):
    return validate(DeapSettings, PLAIN | changes, source="made.yaml")


@pytest.mark.parametrize(
    ("rating", "label"), [(1, 0), (3.99, 0), (4, 1), (5, 1), (6, 1), (6.01, 2), (9, 2)]
)
def test_a_rating_is_the_class_whose_interval_holds_it(rating, label):
    assert deap().label_of(rating, "here") == label
    order = {"classes": ["positive", "negative", "neutral"]}
    assert deap(**order).label_of(rating, "here") == (1, 2, 0)[label]


def test_a_rating_between_the_classes_has_no_label():
    bounds = {"low": {"at_most": 3}, "high": {"at_least": 7, "below": 9}}
    settings = deap(classes=["low", "high"], bounds=bounds)
    found = [settings.label_of(rating, "here") for rating in (3, 3.01, 6.99, 7, 8.99, 9)]
    assert found == [0, -1, -1, 1, 1, -1]


@pytest.mark.parametrize("rating", [0, 0.99, 9.01, float("nan"), float("inf")])
def test_a_rating_off_the_scale_is_refused(rating):
    with pytest.raises(RecordingError, match=r"s01, trial 7: valence is .*; the scale is 1 to 9"):
        deap().label_of(rating, "s01, trial 7")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"bounds": THREE | {"neutral": {"at_least": 3.5, "at_most": 6}}},
            "negative and neutral ov",
        ),
        (
            {"bounds": THREE | {"positive": {"at_least": 6}}},
            "bounds of neutral and positive overlap",
        ),
        ({"bounds": THREE | {"joyful": {"above": 8}}}, "joyful; classes has no such class"),
        ({"bounds": {"negative": {"below": 4}}}, "bounds lacks the class neutral, positive"),
        ({"bounds": THREE | {"positive": {}}}, "bounds.positive = {}: needs one of below"),
        ({"bounds": THREE | {"positive": {"above": 6, "at_least": 6}}}, "above or at_least, not"),
        ({"bounds": THREE | {"negative": {"below": 4, "at_least": 4}}}, "holds no number"),
        ({"bounds": THREE | {"negative": {"below": 1}}}, "negative holds no rating; .* 1 to 9"),
        ({"bounds": THREE | {"positive": {"over": 6}}}, "unknown key"),
        ({"rating": "joy"}, "rating = 'joy'"),
        ({"unit": "ohm"}, "unit = 'ohm': not a voltage; allowed are V, mV, uV and nV"),
        ({"files": "s01.dat"}, r"files = 's01.dat': lacks \{subject\}"),
        ({"exclude": ["s1"]}, "exclude.0 = 's1'"),
    ],
)
def test_wrong_settings_are_told_in_one_line(changes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        deap(**changes)
    assert "\n" not in str(caught.value)


def test_bounds_made_for_another_scale_are_refused():
    with pytest.raises(ConfigError, match="positive holds no rating; the scale is 1 to 5"):
        validate(DreamerSettings, PLAIN | {"layout": "dreamer"}, source="made.yaml")


ENDS = st.one_of(st.none(), st.integers(1, 9))


@given(st.tuples(*[st.tuples(ENDS, ENDS, st.booleans(), st.booleans())] * 2), st.data())
def test_intervals_meet_exactly_if_a_number_lies_in_both(ends, data):
    made = []
    for low, high, open_low, open_high in ends:
        given_ends = {"above" if open_low else "at_least": low}
        given_ends |= {"below" if open_high else "at_most": high}
        given_ends = {key: value for key, value in given_ends.items() if value is not None}
        numbers = [
            number / 2
            for number in range(0, 21)
            if (low is None or number / 2 > low or (number / 2 == low and not open_low))
            and (high is None or number / 2 < high or (number / 2 == high and not open_high))
        ]
        if not given_ends or not numbers:
            with pytest.raises(ValueError, match="needs one of|holds no number"):
                Interval(**given_ends)
            return
        interval = Interval(**given_ends)
        assert [n / 2 for n in range(0, 21) if interval.holds(n / 2)] == numbers
        made.append((interval, set(numbers)))
    (one, first), (other, second) = made
    assert one.meets(other.lower, other.upper) == bool(first & second)
