"""What a stream says of itself, complete or not."""

from __future__ import annotations

import dataclasses

import pylsl
import pytest

from rtbci.errors import StreamError
from rtbci.stream.description import StreamDescription, parse_description


def make_info(
    labels=(), units=(), *, n_channels=2, sfreq=250.0, kind="float32", tag="label"
) -> pylsl.StreamInfo:
    info = pylsl.StreamInfo("amp", "EEG", n_channels, sfreq, kind, "serial 7")
    channels = info.desc().append_child("channels")
    for k, label in enumerate(labels):
        channel = channels.append_child("channel")
        channel.append_child_value(tag, label)
        if k < len(units):
            channel.append_child_value("unit", units[k])
    return info


def parse(*arguments, **options) -> StreamDescription:
    return parse_description(make_info(*arguments, **options))


def test_a_complete_description():
    found = parse(["Fp1", " Cz "], ["microvolts", "µV"])
    assert (found.name, found.kind, found.source_id) == ("amp", "EEG", "serial 7")
    assert (found.sfreq, found.n_channels, found.numeric) == (250.0, 2, True)
    assert found.channels == ("Fp1", "Cz")
    assert found.units == ("microvolts", "µV")
    found.check_usable()


def test_channels_may_be_called_names_instead_of_labels():
    assert parse(["Fp1", "Cz"], tag="name").channels == ("Fp1", "Cz")


@pytest.mark.parametrize("labels", [[], ["Fp1"], ["Fp1", ""], ["Fp1", "Cz", "Pz"]])
def test_half_a_list_of_names_is_none(labels):
    found = parse(labels)
    assert found.channels == ()
    with pytest.raises(
        StreamError,
        match=r"^stream 'amp' does not name its 2 channels; name them in order with --channels$",
    ):
        found.check_usable()


def test_units_may_be_missing_for_some_or_all_channels():
    assert parse(["Fp1", "Cz"], ["volts"]).units == ("volts", "")
    assert parse(["Fp1", "Cz"]).units == ("", "")
    assert parse().units == ("", "")


def test_text_and_irregular_rates_are_no_eeg():
    with pytest.raises(StreamError, match=r"^stream 'amp' carries text, not samples$"):
        parse(["Fp1", "Cz"], kind="string").check_usable()
    with pytest.raises(StreamError, match=r"^stream 'amp' has an irregular rate; EEG needs"):
        parse(["Fp1", "Cz"], sfreq=0.0).check_usable()


@pytest.mark.parametrize("kind", ["float32", "double64", "int16", "int32", "int8", "int64"])
def test_any_number_will_do(kind):
    parse(["Fp1", "Cz"], kind=kind).check_usable()


def test_a_description_that_is_no_xml_names_no_channels():
    info = make_info(["Fp1", "Cz"])
    info.desc().append_child_value("serial", "7\x01")  # from a driver's uninitialised memory
    found = parse_description(info)
    assert (found.name, found.n_channels) == ("amp", 2)
    assert (found.channels, found.units) == ((), ("", ""))


def test_a_person_may_name_the_channels():
    named = parse().with_channels(("FP1", "CZ"))
    assert named.channels == ("FP1", "CZ")
    named.check_usable()
    with pytest.raises(
        StreamError, match=r"^3 channel names were given, but stream 'amp' has 2 channels$"
    ):
        parse().with_channels(("FP1", "CZ", "PZ"))


@pytest.mark.parametrize(
    "changes",
    [
        {"sfreq": 500.0},
        {"n_channels": 3},
        {"channels": ("Cz", "Fp1")},
        {"units": ("volts", "volts")},
        {"numeric": False},
    ],
)
def test_what_changes_the_samples_meaning_changes_the_signature(changes):
    found = parse(["Fp1", "Cz"], ["uV", "uV"])
    assert dataclasses.replace(found, **changes).signature != found.signature


def test_a_restart_does_not_change_the_signature():
    found = parse(["Fp1", "Cz"])
    again = dataclasses.replace(found, uid="another", hostname="elsewhere", name="renamed")
    assert again.signature == found.signature
