from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from offline.datasets.readers import open_recording
from offline.datasets.recording import Event
from rtbci.errors import RecordingError
from tests.offline.datasets.cnt_writer import ELECTRODE, HEADER, write_cnt

CHANNELS = ("FP1", "M1", "CZ", "VEO")
BOTH = ["int16", "int32"]


def noise(n_samples: int = 2500) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 20, (len(CHANNELS), n_samples))


def refused(path: Path, said: str, **options: str) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        open_recording(path, **options).read()
    assert str(caught.value).count(str(path)) == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data_format", BOTH)
@pytest.mark.parametrize("said", [None, "auto", "right"])
def test_samples_come_back_in_microvolts_within_half_a_step(tmp_path, data_format, said):
    path, samples = tmp_path / "a.cnt", noise()
    steps = np.array([0.05, 0.1, 0.2, 0.5])
    zeros = [0, 7, -100, 30]
    write_cnt(path, samples, CHANNELS, data_format=data_format, lsb=steps, baseline=zeros)
    recording = open_recording(path, data_format=data_format if said == "right" else said)
    assert (recording.channels, recording.sfreq) == (CHANNELS, 1000)
    assert recording.n_samples == samples.shape[1]
    assert (np.abs(recording.read() - samples).max(axis=1) <= steps / 2 * 1.001).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(recording)).read(), recording.read())


def test_events_are_at_their_samples(tmp_path):
    write_cnt(tmp_path / "a.cnt", noise(), CHANNELS, events=[(10, 3), (1500, 12)])
    assert open_recording(tmp_path / "a.cnt").events == (Event(10, "3"), Event(1500, "12"))


@pytest.mark.parametrize(
    "header",
    [
        {"date": b"25/12/13"},  # day and month swapped
        {"date": b"31/02/13"},
        {"date": b""},
        {"date": b"01/01/69"},
        {"date": b"\xff\xfe/\x81/13"},
        {"time": b"\xb5\xda:20:30"},
        {"date": b"not a date", "time": b"whenever"},
        {"patient": "王小明".encode("gbk")},
    ],
)
def test_text_that_cannot_be_understood_does_not_stop_the_reading(tmp_path, header, capfd):
    path, samples = tmp_path / "a.cnt", noise()
    write_cnt(path, samples, CHANNELS, **header)
    np.testing.assert_allclose(open_recording(path).read(), samples, atol=0.0251)
    assert capfd.readouterr() == ("", "")


def test_reading_such_text_leaves_mne_as_it_was(tmp_path):
    from mne._fiff.utils import read_str
    from mne.io.cnt import cnt

    write_cnt(tmp_path / "a.cnt", noise(), CHANNELS)
    open_recording(tmp_path / "a.cnt")
    (tmp_path / "b.cnt").write_bytes((tmp_path / "a.cnt").read_bytes()[:-5])
    refused(tmp_path / "b.cnt", "damaged or cut off")
    assert cnt.read_str is read_str


@pytest.mark.parametrize("place", [np.nan, 1e38, -500.0, 0.0])
def test_electrode_positions_in_the_header_make_no_difference(tmp_path, place):
    path, samples = tmp_path / "a.cnt", noise()
    write_cnt(path, samples, CHANNELS, positions=np.full((len(CHANNELS), 2), place))
    np.testing.assert_allclose(open_recording(path).read(), samples, atol=0.0251)


@pytest.mark.parametrize(("held", "said"), [("int16", "int32"), ("int32", "int16")])
def test_a_width_that_the_header_speaks_against_is_refused(tmp_path, held, said):
    path = tmp_path / "a.cnt"
    write_cnt(path, noise(), CHANNELS, data_format=held)
    refused(path, f"is {held}, not {said}: .*2500 samples.*data_format: {held}", data_format=said)


@pytest.mark.parametrize("stated", [0, -732, 2499, 3000])
def test_a_header_with_a_wrong_count_needs_the_width_to_be_said(tmp_path, stated):
    path, samples = tmp_path / "a.cnt", noise()
    write_cnt(path, samples, CHANNELS, n_samples=stated)
    refused(path, rf"states {stated} samples.*5000 as int16.*2500 as int32; set data_format: ")
    recording = open_recording(path, data_format="int32")
    assert recording.n_samples == 2500
    np.testing.assert_allclose(recording.read(), samples, atol=0.0251)


def test_bytes_that_are_no_whole_samples_are_refused(tmp_path):
    path = tmp_path / "a.cnt"
    write_cnt(path, noise(), CHANNELS)
    (end,) = struct.unpack_from("<i", path.read_bytes(), 886)
    write_cnt(path, noise(), CHANNELS, event_table=end - 3)
    refused(path, "as int32; damaged, or set another data_format", data_format="int32")


@pytest.mark.parametrize("width", [*BOTH, "auto"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share, width):
    write_cnt(tmp_path / "whole.cnt", noise(), CHANNELS)
    content = (tmp_path / "whole.cnt").read_bytes()
    (tmp_path / "a.cnt").write_bytes(content[: int(share * len(content))])
    said = "cut off, its header places" if share > 0.1 else "not a Neuroscan .cnt"
    refused(tmp_path / "a.cnt", said, data_format=width)


def test_a_file_that_is_cut_off_after_it_was_opened_is_refused(tmp_path):
    path = tmp_path / "a.cnt"
    write_cnt(path, noise(), CHANNELS)
    recording = open_recording(path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(RecordingError, match="a.cnt: cut off"):
        recording.read()


@pytest.mark.parametrize(("offset", "value"), [(370, 0), (370, 65535), (376, 0), (886, 10)])
def test_a_damaged_header_is_refused(tmp_path, offset, value):
    path = tmp_path / "a.cnt"
    write_cnt(path, noise(), CHANNELS)
    content = bytearray(path.read_bytes())
    struct.pack_into("<H" if offset < 800 else "<i", content, offset, value)
    path.write_bytes(content)
    refused(path, "damaged")


def test_a_file_above_two_gigabytes_goes_by_its_count(tmp_path):
    n_channels, n_samples = 66, 8_000_000
    path = tmp_path / "a.cnt"
    names = [f"E{k}" for k in range(n_channels)]
    write_cnt(path, np.full((n_channels, 100), 12.5), names, n_samples=n_samples, event_table=-1)
    content = path.read_bytes()
    first = HEADER + ELECTRODE * n_channels
    with path.open("wb") as file:  # sparse: it takes no room
        file.write(content[: first + 100 * 4 * n_channels])
        file.seek(first + 4 * n_channels * n_samples)
        file.write(struct.pack("<Bii", 1, 0, 0))
    refused(path, "larger than 2 GB.*set data_format")
    refused(path, "is int32, not int16.*set data_format: int32", data_format="int16")
    recording = open_recording(path, data_format="int32")
    assert recording.n_samples == n_samples
    np.testing.assert_allclose(next(recording.blocks())[:, 50:150].sum(axis=1), 12.5 * 50)
    with path.open("r+b") as file:
        file.truncate(2_050_000_000)
    refused(path, "cut off, its header states 8000000 samples.*has room for", data_format="int32")


def test_data_format_is_for_neuroscan_files_only(tmp_path):
    for name in ("a.edf", "a.mat", "a.cnt"):
        (tmp_path / name).write_bytes(b"RIFF" + bytes(2000))
        refused(tmp_path / name, "is no Neuroscan .cnt", data_format="int32")
