from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import pytest

from offline.datasets.check import check
from offline.datasets.continuous import ContinuousSettings
from offline.datasets.recording import Trial
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.features.extract import extract
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe
from tests.offline.datasets.cnt_writer import write_cnt

CONFIGS = Path(__file__).parents[3] / "configs" / "datasets"
CHANNELS = ("M1", "CZ", "FP1", "VEO")
SESSION = {"clips": [1, 0, -1], "start": [1, 4.06, 7], "stop": [3, 6.5, 9], "invalid": [2]}
PLAIN = {
    "layout": "continuous",
    "name": "made",
    "classes": ["negative", "neutral", "positive"],
    "labels": {-1: "negative", 0: "neutral", 1: "positive"},
    "channels": ["FP1", "CZ"],
    "files": "raw/{subject}_{session}.cnt",
    "sessions": {"all": SESSION},
}


def eeg(seconds: float = 10, microvolts: float = 20, sfreq: int = 500) -> np.ndarray:
    shape = (len(CHANNELS), round(seconds * sfreq))
    return np.random.default_rng(1).normal(0, microvolts, shape)


def write(root: Path, name: str = "1_1.cnt", samples: np.ndarray | None = None, **header) -> None:
    (root / "raw").mkdir(exist_ok=True)
    write_cnt(root / "raw" / name, eeg() if samples is None else samples, CHANNELS, 500, **header)


def opened(root: Path, **changes):
    settings = validate(ContinuousSettings, PLAIN | changes, source="made.yaml")
    return open_dataset(settings, root).recordings


def refused(root: Path, said: str, **changes) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        opened(root, **changes)
    assert str(root / "raw") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_clips_are_at_their_times_and_the_whole_session_is_read(tmp_path):
    write(tmp_path)
    (recording,) = opened(tmp_path)
    assert (recording.subject, recording.session, recording.sfreq) == ("1", "1", 500)
    assert recording.trials == (
        Trial(500, 1500, 2),
        Trial(2030, 3250, -1),  # in binary 4.06 * 500 is a little less
        Trial(3500, 4500, 0),
    )
    np.testing.assert_allclose(recording.read(), eeg(), atol=0.0251)


def test_channels_that_are_not_listed_do_not_reach_the_features(tmp_path):
    samples = eeg()
    write(tmp_path, samples=samples)
    (recording,) = opened(tmp_path)
    assert recording.channels == CHANNELS
    recipe = Recipe(channels=("FP1", "CZ"))
    maps = extract(recording, recipe).maps
    samples[[0, 3]] *= 30
    write(tmp_path, samples=samples)
    np.testing.assert_array_equal(extract(opened(tmp_path)[0], recipe).maps, maps)


def test_each_session_has_its_times_and_a_subject_may_lack_one(tmp_path):
    for name in ("10_1.cnt", "10_2.cnt", "9_2.cnt"):
        write(tmp_path, name)
    second = {"clips": [0, 0], "start": [2, 5], "stop": [3, 8]}
    found = opened(tmp_path, sessions={1: SESSION, 2: second, 3: SESSION})
    assert [(r.subject, r.session, len(r.trials)) for r in found] == [
        ("9", "2", 2),
        ("10", "1", 3),
        ("10", "2", 2),
    ]
    refused(
        tmp_path,
        "2.cnt: is session 2 of subject 9; the settings know 1, 3",
        sessions={1: SESSION, 3: SESSION},
    )


def test_any_format_that_mne_reads_will_do(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    info = mne.create_info(list(CHANNELS), 500, "eeg")
    raw = mne.io.RawArray(1e-6 * eeg(), info, verbose="ERROR")
    raw.save(folder / "4_2_raw.fif", verbose="ERROR")
    (recording,) = opened(tmp_path, files="raw/{subject}_{session}_raw.fif")
    assert (recording.subject, recording.session) == ("4", "2")
    np.testing.assert_allclose(recording.read(), eeg(), rtol=1e-5, atol=1e-4)


def test_a_real_recording_is_cut_at_its_times(tmp_path, shared_data):
    folder = tmp_path / "raw"
    folder.mkdir()
    source = shared_data("eegmmidb_S001") / "S001R04.edf"
    (folder / "1_1.edf").symlink_to(source)
    session = {"clips": [0, 1], "start": [4.2, 60], "stop": [8.3, 124]}
    (recording,) = opened(tmp_path, files="raw/{subject}_{session}.edf", sessions={"1": session})
    assert recording.trials == (Trial(672, 1328, 1), Trial(9600, 19840, 2))
    assert recording.events[1].sample == recording.trials[0].start


@pytest.mark.parametrize(
    ("samples", "header", "changes", "said"),
    [
        (
            eeg(8.9),
            {},
            {},
            r"lasts 8.9 s, but its last clip stops at 9 s \(key sessions\).*data_format, now auto",
        ),
        (eeg(14), {}, {}, "lasts 14.0 s, far longer than its last clip, which stops at 9 s"),
        (eeg(microvolts=0.01), {"lsb": 0.001}, {}, "lower quartile 0.0.* µV.*data_format"),
        (eeg(microvolts=5000), {}, {}, r"median \d.*e\+03 µV, EEG has 0.1 to 1000"),
        (None, {}, {"data_format": "int16"}, "is int32, not int16.*set data_format: int32"),
        (None, {"n_samples": -732}, {}, "states -732 samples.*set data_format"),
        # The width that the header's doubled count suggests: twice the length.
        (None, {"n_samples": 10_000}, {}, "lasts 20.0 s, far longer.*data_format, now auto"),
        # A header that is of no help, and the wrong width insisted on.
        (None, {"n_samples": 0}, {"data_format": "int16"}, "lasts 20.0 s.*data_format, now int16"),
        (
            None,
            {"data_format": "int16", "n_samples": 0},
            {"data_format": "int32"},
            "lasts 5.0 s, but its last clip stops at 9 s.*data_format, now int32",
        ),
    ],
)
def test_a_file_that_is_not_the_session_is_refused(tmp_path, samples, header, changes, said):
    write(tmp_path, samples=samples, **header)
    refused(tmp_path, said, **changes)


def test_a_wrong_width_of_the_right_length_is_told_by_its_size(tmp_path):
    write(tmp_path, samples=eeg(12), n_samples=0)  # 24 s as int16
    session = SESSION | {"start": [1, 4, 17], "stop": [3, 6.5, 23]}
    refused(tmp_path, "lower quartile 0.02", sessions={"all": session}, data_format="int16")


def test_a_header_with_a_wrong_count_is_read_with_the_width_said(tmp_path):
    write(tmp_path, n_samples=-732)
    (recording,) = opened(tmp_path, data_format="int32")
    assert recording.n_samples == 5000


def test_an_offset_or_a_quiet_channel_does_not_matter(tmp_path):
    samples = eeg() + 8000
    samples[3] = 0
    write(tmp_path, samples=samples)
    assert len(opened(tmp_path)) == 1


def test_a_format_that_mne_does_not_read_is_refused(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "1_1.xdf").touch()
    refused(tmp_path, "not a format that MNE reads", files="raw/{subject}_{session}.xdf")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sessions": {}}, "sessions"),
        ({"sessions": {1: {"clips": [1], "seconds": [2]}}}, "sessions.1 lacks start and stop"),
        ({"data_format": "int24"}, "data_format = 'int24'"),
    ],
)
def test_settings_without_times_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        validate(ContinuousSettings, PLAIN | changes, source="made.yaml")


@pytest.mark.parametrize(
    ("file", "valid"),
    [
        ("seed-raw.yaml", {"all": [5, 5, 5]}),
        ("seed-ger.yaml", {"all": [6, 6, 6]}),
        ("seed-fra.yaml", {"all": [7, 7, 7]}),
        ("seed-v.yaml", {"1": [3, 3, 3], "2": [3, 3, 3], "3": [3, 3, 3]}),
    ],
)
def test_the_files_for_the_family_have_as_many_clips_of_each_class(file, valid):
    settings = load_dataset_settings(CONFIGS / file)
    assert isinstance(settings, ContinuousSettings)
    assert settings.channels == SEED_CHANNELS
    assert settings.data_format == "int32"
    found = {}
    for name, session in settings.sessions.items():
        trials = settings.trials_at(session, [(0, 1)] * len(session.clips))
        labels = [trial.label for trial in trials]
        found[name] = [labels.count(label) for label in range(3)]
    assert found == valid


def test_the_raw_seed_has_the_clips_of_the_preprocessed():
    raw = load_dataset_settings(CONFIGS / "seed-raw.yaml").sessions["all"]
    cut = load_dataset_settings(CONFIGS / "seed.yaml").sessions["all"]
    assert (raw.clips, raw.durations) == (cut.clips, cut.seconds)


@pytest.mark.parametrize("date", [b"25/12/13", b"", b"\xff\xfe"])
def test_an_unreadable_date_and_a_wrong_count_are_told_by_check_alone(tmp_path, date, caplog):
    write(tmp_path, date=date, n_samples=77)
    settings = validate(ContinuousSettings, PLAIN | {"data_format": "int32"}, source="made.yaml")
    with caplog.at_level("INFO"):
        open_dataset(settings, tmp_path)
    assert not caplog.records
    odd = check(settings, tmp_path).odd
    assert "1_1.cnt: the date in its header cannot be read; nothing depends on it" in odd
    assert any(line.startswith("1_1.cnt: its header states 77 samples") for line in odd)
    write(tmp_path)
    assert not [line for line in check(settings, tmp_path).odd if "header" in line]
