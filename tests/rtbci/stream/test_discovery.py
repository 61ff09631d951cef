"""Finding streams: real outlets, real resolvers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pylsl
import pytest

from rtbci.errors import StreamError
from rtbci.stream.discovery import (
    StreamFinder,
    StreamQuery,
    choose,
    describe,
    list_streams,
    same_device,
)
from tests.system import unique


def outlet(name: str, kind: str = "EEG", source_id: str = "") -> pylsl.StreamOutlet:
    info = pylsl.StreamInfo(name, kind, 2, 250, "float32", source_id)
    channels = info.desc().append_child("channels")
    for label in ("Fp1", "Cz"):
        channels.append_child("channel").append_child_value("label", label)
    return pylsl.StreamOutlet(info)


def wait(
    finder: StreamFinder, until: Callable[[list[Any]], bool], timeout: float = 15
) -> list[Any]:
    deadline = time.monotonic() + timeout
    while not until(found := finder.look()):
        assert time.monotonic() < deadline, [info.name() for info in found]
        time.sleep(0.02)
    return found


def looked_up(text: str, count: int) -> list[Any]:
    """Look for so many streams, and half a second longer for one that should not be found."""
    finder = StreamFinder(StreamQuery(text).predicate)
    wait(finder, lambda found: len(found) >= count)
    time.sleep(0.5)
    return finder.look()


def names(found: list[Any]) -> list[str]:
    return sorted(info.name() for info in found)


def test_a_stream_is_found_by_its_name_type_or_source_id_and_nothing_else_is():
    amp, kind, serial = unique("amp"), unique("kind"), unique("serial")
    _outlets = [outlet(amp, kind, serial), outlet(unique("other"), unique("x"), unique("y"))]
    for text in (f"name={amp}", f"type={kind}", f"source_id={serial}", amp, kind, serial):
        found = looked_up(text, 1)
        assert names(found) == [amp]
        assert choose(StreamQuery(text), found).name() == amp
    finder = StreamFinder(StreamQuery(f"type={amp}").predicate)
    time.sleep(1)
    assert finder.look() == []


def test_names_may_hold_quotes_and_whatever_else():
    quirks = ("{}'s", 'the "{}"', "<{}> & more", "{} or name=x", "\u00e4 {} \u00b5", "name={}")
    called = [quirk.format(unique("amp")) for quirk in quirks]
    _outlets = [outlet(name) for name in [*called, unique("other")]]
    finders = [StreamFinder(StreamQuery(f"name={name}").predicate) for name in called]
    # Bare, "name=amp" means a stream called amp.
    finders += [StreamFinder(StreamQuery(name).predicate) for name in called[:-1]]
    for name, finder in zip(called + called[:-1], finders, strict=True):
        assert names(wait(finder, lambda found: len(found) > 0)) == [name]
    time.sleep(0.5)
    assert [names(finder.look()) for finder in finders] == [[n] for n in called + called[:-1]]


def test_both_kinds_of_quotes_cannot_be_looked_for():
    said = (
        """^a stream called 'both \\\\' and "', with both kinds of quotes, cannot be looked for$"""
    )
    with pytest.raises(StreamError, match=said):
        StreamQuery("""name=both ' and \"""").predicate  # noqa: B018


def test_a_name_comes_before_a_type():
    text = unique("EEG")
    _outlets = [outlet(text, "Other"), outlet(unique("amp"), text), outlet(unique("amp"), text)]
    found = looked_up(text, 3)
    assert len(found) == 3
    assert choose(StreamQuery(text), found).name() == text


def test_several_matches_are_listed_and_a_source_id_decides():
    amp, first, second = unique("amp"), unique("serial"), unique("serial")
    _outlets = [outlet(amp, source_id=first), outlet(amp, source_id=second)]
    for text in (amp, f"name={amp}"):
        with pytest.raises(StreamError) as caught:
            choose(StreamQuery(text), looked_up(text, 2))
        said = str(caught.value)
        assert said.startswith(f"2 streams match '{text}': ")
        assert said.endswith("; choose one with --stream source_id=...")
        assert f"'{amp}' (source_id={first})" in said
        assert f"'{amp}' (source_id={second})" in said
        assert "\n" not in said
    text = f"source_id={second}"
    assert choose(StreamQuery(text), looked_up(text, 1)).source_id() == second


def test_a_device_is_known_again_by_its_name_or_its_source_id():
    amp, serial = unique("amp"), unique("serial")
    description = described(outlet(amp, source_id=serial))
    finder = StreamFinder(same_device(description, StreamQuery("type=EEG")))
    wait(finder, lambda found: not found)  # it has gone
    renamed, replaced, stranger = unique("renamed"), unique("serial"), unique("stranger")
    _outlets = [
        outlet(renamed, source_id=serial),
        outlet(amp, source_id=replaced),
        outlet(stranger, source_id=unique("serial")),
    ]
    assert names(wait(finder, lambda found: len(found) >= 2)) == sorted([renamed, amp])


def test_a_device_without_a_source_id_is_not_every_device_without_one():
    description = described(outlet(unique("amp")))
    _outlets = [outlet(unique("stranger"))]
    query = StreamQuery(description.name)
    assert same_device(description, query) == f"name='{description.name}'"


def test_who_asked_for_a_source_id_gets_no_other_device_of_that_name():
    amp, serial = unique("amp"), unique("serial")
    description = described(outlet(amp, source_id=serial))
    for text in (f"source_id={serial}", serial):
        assert same_device(description, StreamQuery(text)) == f"source_id='{serial}'"
    by_name = same_device(description, StreamQuery(amp))
    assert by_name == f"source_id='{serial}' or name='{amp}'"


def described(source: pylsl.StreamOutlet) -> Any:
    found = looked_up(f"name={source.get_info().name()}", 1)
    description = describe(found[0])
    assert description is not None
    return description


def test_a_stream_tells_its_channels_without_being_told_to_send():
    source = outlet(unique("amp"))
    description = described(source)
    assert description.channels == ("Fp1", "Cz")
    assert description.uid == source.get_info().uid()
    assert not source.have_consumers()


def test_a_stream_that_has_gone_meanwhile_tells_nothing():
    source = outlet(unique("amp"))
    info = looked_up(f"name={source.get_info().name()}", 1)[0]
    del source
    assert describe(info) is None


def test_a_stream_that_ends_is_forgotten():
    name = unique("amp")
    source = outlet(name)
    finder = StreamFinder(StreamQuery(name).predicate)
    wait(finder, lambda found: len(found) == 1)
    del source
    wait(finder, lambda found: not found)


def test_all_streams_are_listed_once_and_in_order():
    first, last = unique("a"), unique("b")
    _outlets = [outlet(last), outlet(first, "Markers")]
    listed = [stream for stream in list_streams(1.0) if stream.name in (first, last)]
    assert [(stream.name, stream.kind) for stream in listed] == [(first, "Markers"), (last, "EEG")]
    assert listed[0].channels == ("Fp1", "Cz")
