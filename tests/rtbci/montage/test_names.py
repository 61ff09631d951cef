"""Electrode names: drivers spell them in many ways, and each must find its electrode."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbci.errors import ChannelError
from rtbci.montage.names import SEED_CHANNELS, canonical_name, match_channels
from rtbci.montage.positions import known_electrodes


def edf_labels(path: Path) -> list[str]:
    """Read the labels from an EDF header: 16 characters each, after 256 bytes."""
    header = path.read_bytes()
    count = int(header[252:256])
    return [header[256 + 16 * k : 272 + 16 * k].decode("ascii").strip() for k in range(count)]


@pytest.mark.parametrize(
    ("written", "electrode"),
    [
        ("FP1", "FP1"),
        ("Fp1", "FP1"),
        ("fp1", "FP1"),
        ("  Cz ", "CZ"),
        ("EEG Fp1", "FP1"),
        ("eeg fp1", "FP1"),
        ("EEG:Fp1", "FP1"),
        ("EEG_Fp1", "FP1"),
        ("EEG-Fp1", "FP1"),
        ("EEG.Fp1", "FP1"),
        ("CH Fp1", "FP1"),
        ("Fc5.", "FC5"),
        ("Cz..", "CZ"),
        ("Afz.", "AFZ"),
        ("F3-REF", "F3"),
        ("F3-Ref", "F3"),
        ("F3-LE", "F3"),
        ("F3_REF", "F3"),
        ("F3 AVG", "F3"),
        ("F3-A1A2", "F3"),
        ("EEG F3-REF", "F3"),
        ("T3", "T7"),
        ("T4", "T8"),
        ("T5", "P7"),
        ("T6", "P8"),
        ("EEG t3-le", "T7"),
        ("T7", "T7"),
        ("TP7", "TP7"),
        ("FT7", "FT7"),
        ("CB1", "CB1"),
    ],
)
def test_one_spelling_for_each_electrode(written, electrode):
    assert canonical_name(written) == electrode


@pytest.mark.parametrize("name", ["A2-A1", "ECG", "EOG", "Status", "EMG1", "T10", "C3-C4", ""])
def test_what_is_no_scalp_electrode_does_not_become_one(name):
    assert canonical_name(name) not in SEED_CHANNELS


def test_the_names_of_the_montage_stay_as_they_are():
    assert tuple(canonical_name(name) for name in SEED_CHANNELS) == SEED_CHANNELS


def test_every_electrode_of_a_real_recording_with_10_20_names_is_recognised(shared_data):
    labels = edf_labels(shared_data("eegmat_200hz") / "Subject00_1.edf")
    # The electrodes as the data set's paper lists them, with the old names T3-T6.
    # fmt: off
    electrodes = [
        "FP1", "FP2", "F3", "F4", "F7", "F8", "T7", "T8", "C3", "C4",
        "P7", "P8", "P3", "P4", "O1", "O2", "FZ", "CZ", "PZ",
    ]
    # fmt: on
    found = match_channels(electrodes, labels)
    assert None not in found
    assert len(set(found)) == 19
    left = {labels[k] for k in set(range(len(labels))) - set(found)}
    assert left <= {"EEG A2-A1", "ECG ECG", "EDF Annotations"}


def test_every_electrode_of_a_real_recording_with_10_10_names_is_recognised(shared_data):
    labels = [
        name
        for name in edf_labels(shared_data("eegmmidb_S001") / "S001R01.edf")
        if name != "EDF Annotations"
    ]
    assert len(labels) == 64
    assert any(name.endswith(".") for name in labels)
    known = set(known_electrodes())
    electrodes = [canonical_name(name) for name in labels]
    assert set(electrodes) <= known
    assert len(set(electrodes)) == 64
    missing = [
        name
        for name, place in zip(SEED_CHANNELS, match_channels(SEED_CHANNELS, labels), strict=True)
        if place is None
    ]
    assert missing == ["PO5", "PO6", "CB1", "CB2"]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    order=st.permutations(SEED_CHANNELS),
    wanted=st.lists(st.sampled_from(SEED_CHANNELS), unique=True),
    spell=st.sampled_from([str, str.lower, str.title, "EEG {}".format, "{}-REF".format]),
)
def test_each_wanted_electrode_is_found_wherever_it_is(order, wanted, spell):
    stream = [spell(name) for name in order]
    assert match_channels(wanted, stream) == tuple(order.index(name) for name in wanted)


def test_what_is_missing_or_bad_is_none():
    stream = ["Fp1", "ECG", "T3", "Cz"]
    assert match_channels(["CZ", "OZ", "T7", "FP1"], stream) == (3, None, 2, 0)
    assert match_channels(["CZ", "OZ", "T7", "FP1"], stream, bad=["t7"]) == (3, None, None, 0)
    assert match_channels(["CZ"], stream, bad=["ecg"]) == (3,)


def test_a_bad_channel_that_the_stream_lacks_is_an_error():
    with pytest.raises(ChannelError, match=r"^bad channel 'Oz' is not in the stream; .* Fp1, Cz$"):
        match_channels(["CZ"], ["Fp1", "Cz"], bad=["Oz"])


def test_two_channels_for_one_electrode_are_an_error_only_where_it_is_wanted():
    stream = ["T3", "Cz", "EEG T7", "ECG", "ECG"]
    with pytest.raises(
        ChannelError, match=r"^channels 'T3' and 'EEG T7' of the stream both mean electrode T7$"
    ):
        match_channels(["T7"], stream)
    assert match_channels(["CZ"], stream) == (1,)
    assert match_channels(["CZ", "T7"], stream, bad=["T7"]) == (1, None)
