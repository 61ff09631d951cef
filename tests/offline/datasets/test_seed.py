from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from offline.datasets.recording import Trial
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.datasets.seed import SeedSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError
from rtbci.montage.names import SEED_CHANNELS
from tests.offline.datasets.mat_writer import VERSIONS, write_mat

CONFIGS = Path(__file__).parents[3] / "configs" / "datasets"
CLASSES = {
    "classes": ["negative", "neutral", "positive"],
    "labels": {-1: "negative", 0: "neutral", 1: "positive"},
}
PLAIN = {"layout": "seed", "name": "made"} | CLASSES


def trials_of(lengths=(300, 400, 500), channels=62):
    return {f"ww_eeg{k}": np.full((channels, n), float(k)) for k, n in enumerate(lengths, start=1)}


def write(root: Path, names, labels=(1, 0, -1), version="v5", **sizes) -> Path:
    folder = root / "Preprocessed_EEG"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_mat(folder / name, trials_of(**sizes), version)
    if labels is not None:
        scipy.io.savemat(folder / "label.mat", {"label": np.array([labels])})
    return root


def opened(root: Path, keep_going=False, **changes):
    settings = validate(SeedSettings, PLAIN | changes, source="made.yaml")
    return open_dataset(settings, root, keep_going).recordings


def refused(root: Path, said: str, **changes) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        [recording.read() for recording in opened(root, **changes)]
    assert "\n" not in str(caught.value)


def test_sessions_are_counted_by_date_and_subjects_by_number(tmp_path):
    write(tmp_path, ["10_20130101.mat", "2_20130605.mat", "2_20131212.mat", "2_20140103.mat"])
    found = [(r.subject, r.session, r.name) for r in opened(tmp_path)]
    assert found == [
        ("2", "1", "2_20130605.mat"),
        ("2", "2", "2_20131212.mat"),
        ("2", "3", "2_20140103.mat"),
        ("10", "1", "10_20130101.mat"),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_trials_follow_one_another_with_their_labels(tmp_path, version):
    write(tmp_path, ["1_20130101.mat"], version=version)
    (recording,) = opened(tmp_path)
    assert recording.channels == SEED_CHANNELS
    assert recording.sfreq == 200
    assert recording.trials == (Trial(0, 300, 2), Trial(300, 700, 1), Trial(700, 1200, 0))
    samples = recording.read()
    assert samples.shape == (62, 1200)
    assert [float(samples[0, trial.start]) for trial in recording.trials] == [1, 2, 3]


@pytest.mark.parametrize("file", ["sx_v5.mat", "sx_v73.mat"])
def test_a_real_recording_is_what_matlab_stored(tmp_path, shared_data, file):
    folder = shared_data("seedlike_derived")
    shutil.copy(folder / file, tmp_path / "1_20130101.mat")
    session = {"clips": [1, 0, -1], "seconds": [15, 15, 15]}
    (recording,) = opened(tmp_path, files="{subject}_{date}.mat", sessions={"all": session})
    assert recording.trials == (Trial(0, 3000, 2), Trial(3000, 6000, 1), Trial(6000, 9000, 0))
    stored = scipy.io.loadmat(folder / "sx_v5.mat")
    wanted = np.concatenate([stored[f"sx_eeg{k}"] for k in (1, 2, 3)], axis=1)
    np.testing.assert_array_equal(recording.read(), wanted.astype(np.float32))


def test_the_class_order_is_the_files_and_a_label_without_class_is_left_out(tmp_path):
    write(tmp_path, ["1_20130101.mat"])
    changes = {"classes": ["good", "bad"], "labels": {1: "good", -1: "bad"}}
    (recording,) = opened(tmp_path, **changes)
    assert [trial.label for trial in recording.trials] == [0, -1, 1]


def test_sessions_that_are_folders_show_each_their_own(tmp_path):
    for session in ("1", "2"):
        for subject in ("10", "2"):
            folder = tmp_path / "eeg_raw_data" / session
            folder.mkdir(parents=True, exist_ok=True)
            write_mat(folder / f"{subject}_2015123{session}.mat", trials_of())
    found = opened(
        tmp_path,
        files="eeg_raw_data/{session}/{subject}_{date}.mat",
        labels={0: "neutral", 1: "negative", 3: "positive"},
        sessions={1: {"clips": [3, 2, 1]}, 2: {"clips": [1, 0, 0], "invalid": [2]}},
    )
    labels = [(r.subject, r.session, [trial.label for trial in r.trials]) for r in found]
    assert labels == [
        ("2", "1", [2, -1, 0]),
        ("2", "2", [0, -1, 1]),
        ("10", "1", [2, -1, 0]),
        ("10", "2", [0, -1, 1]),
    ]


def test_rows_and_rate_are_the_settings(tmp_path):
    write(tmp_path, ["1_20130101.mat"], channels=3)
    settings = validate(SeedSettings, PLAIN | {"rows": ["Cz", "O1", "M1"]}, source="x")
    assert settings.channels == ("Cz", "O1", "M1")
    (recording,) = opened(tmp_path, rows=["Cz", "O1", "M1"], channels=["Cz"], sfreq=100)
    assert (recording.channels, recording.sfreq) == (("Cz", "O1", "M1"), 100)


def test_a_file_without_label_file_goes_by_the_settings(tmp_path):
    write(tmp_path, ["1_20130101.mat"], labels=None)
    (recording,) = opened(tmp_path, sessions={"all": {"clips": [0, 0, 1]}})
    assert [trial.label for trial in recording.trials] == [1, 1, 2]


def test_a_label_file_has_to_agree_with_the_settings(tmp_path):
    write(tmp_path, ["1_20130101.mat"])
    sessions = {"all": {"clips": [1, 1, -1]}}
    refused(
        tmp_path,
        "label.mat: says 0 for trial 2, the settings say 1 for session 1 .*sessions",
        sessions=sessions,
    )
    refused(tmp_path, "label.mat: has 3 labels, .* have 1", sessions={"all": {"clips": [1]}})
    (recording,) = opened(tmp_path, sessions=sessions, label_file=None)
    assert [trial.label for trial in recording.trials] == [2, 2, 0]


def test_the_file_for_seed_is_what_the_data_set_is():
    settings = load_dataset_settings(CONFIGS / "seed.yaml")
    assert isinstance(settings, SeedSettings)
    assert settings.channels == settings.rows == SEED_CHANNELS
    session = settings.sessions["all"]
    assert (len(session.clips), sum(session.clips), sum(session.seconds)) == (15, 0, 3394)
    assert not settings.simulated
    assert load_dataset_settings(CONFIGS / "simulated.yaml").simulated


def test_the_file_for_seed_iv_leaves_fear_out():
    settings = load_dataset_settings(CONFIGS / "seed-iv.yaml")
    assert isinstance(settings, SeedSettings)
    for session in settings.sessions.values():
        classes = [settings.class_of(number) for number in session.clips]
        assert [classes.count(c) for c in (-1, 0, 1, 2)] == [6, 6, 6, 6]
    line = next(
        text for text in (CONFIGS / "seed-iv.yaml").read_text().split("\n") if "# labels:" in text
    )
    assert "2: negative" in line


@pytest.mark.parametrize(
    ("written", "changes", "said"),
    [
        ({"labels": None}, {}, "no label.mat beside it"),
        ({"channels": 61}, {}, "ww_eeg1 is 61 x 300; .*62 x samples"),
        ({"lengths": (0, 4, 4)}, {}, "ww_eeg1 is 62 x 0; "),
        ({"labels": (1, 0, -1, 1, 0)}, {}, "lacks trial 4, 5 of 5"),
        ({}, {"sessions": {"all": {"clips": [1, 0, -1, 0]}}, "label_file": None}, "lacks trial 4"),
        ({"labels": (1, 0)}, {}, "holds ww_eeg3, but 2 trials are expected"),
        (
            {},
            {"sessions": {"all": {"clips": [1, 0, -1], "seconds": [1.5, 12, 2.5]}}},
            "trial 2 lasts 2.0 s, 12 s are expected",
        ),
        (
            {},
            {"sessions": {"2": {"clips": [1, 0, -1]}, "3": {"clips": [1, 0, -1]}}},
            r"1_20130101.mat: is session 1 of subject 1; the settings know 2, 3 \(key sessions\)",
        ),
        ({}, {"files": "raw/{subject}_{date}.mat"}, r"holds no file raw/\{subject\}_\{date\}.mat"),
    ],
)
def test_files_that_are_not_what_the_settings_say_are_refused(tmp_path, written, changes, said):
    write(tmp_path, ["1_20130101.mat"], **written)
    refused(tmp_path, said, **changes)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ww_eeg2": None}, "lacks trial 2 of 3"),
        ({"other_eeg2": np.ones((62, 9))}, "has two variables 2, "),
        ({"ww_eeg2": np.ones((400, 62))}, "ww_eeg2 is 400 x 62; .*62 x samples, it is transposed"),
        ({"ww_eeg2": np.ones((62, 9, 5))}, "ww_eeg2 is 62 x 9 x 5; "),
        ({"ww_eeg2": np.ones((1, 1))}, "ww_eeg2 is 1 x 1; "),
        ({"ww_eeg2": np.where(np.eye(62, 9) > 0, np.nan, 1)}, "ww_eeg2 .* 9 values .* row 1"),
        ({"ww_eeg3": np.where(np.arange(62)[:, None] == 4, np.inf, np.ones(3))}, "3 values.*row 5"),
        ({"ww_eeg2": np.full((62, 3), 1e300)}, "ww_eeg2 holds 186 values that are no finite"),
        ({"ww_eeg2": np.full((62, 3), 1j)}, "ww_eeg2 is no matrix of real numbers"),
    ],
)
def test_a_damaged_trial_is_named(tmp_path, version, changed, said):
    write(tmp_path, ["1_20130101.mat"])
    content = {
        name: values for name, values in (trials_of() | changed).items() if values is not None
    }
    write_mat(tmp_path / "Preprocessed_EEG" / "1_20130101.mat", content, version)
    refused(tmp_path, "1_20130101.mat: .*" + said)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.95])
def test_a_file_that_is_cut_off_is_refused_when_opened_or_read(tmp_path, version, share):
    write(tmp_path, [], labels=(1, 0, -1))
    rng = np.random.default_rng(0)
    path = tmp_path / "Preprocessed_EEG" / "1_20130101.mat"
    write_mat(path, {f"a_eeg{k}": rng.normal(size=(62, 500)) for k in (1, 2, 3)}, version)
    (recording,) = opened(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(tmp_path, "1_20130101.mat: ")
    with pytest.raises(RecordingError, match=r"1_20130101.mat: ") as caught:
        recording.read()
    assert "\n" not in str(caught.value)


def test_compressed_bytes_that_changed_are_noticed(tmp_path):
    write(tmp_path, [])
    rng = np.random.default_rng(0)
    path = tmp_path / "Preprocessed_EEG" / "1_20130101.mat"
    write_mat(path, {f"a_eeg{k}": rng.normal(size=(62, 500)) for k in (1, 2, 3)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)
    refused(tmp_path, "1_20130101.mat: cannot be read")


def test_one_bad_file_can_be_left_out(tmp_path):
    write(tmp_path, ["1_20130101.mat", "1_20130202.mat", "1_20130303.mat"])
    write_mat(tmp_path / "Preprocessed_EEG" / "1_20130202.mat", {"x": np.ones(3)})
    settings = validate(SeedSettings, PLAIN, source="made.yaml")
    dataset = open_dataset(settings, tmp_path, keep_going=True)
    assert [r.session for r in dataset.recordings] == ["1", "3"]
    assert [left.name for left in dataset.left_out] == ["1_20130202.mat"]


def test_two_files_of_one_session_are_refused(tmp_path):
    folder = tmp_path / "s" / "1"
    folder.mkdir(parents=True)
    for name in ("1_20130101.mat", "1_20130102.mat"):
        write_mat(folder / name, trials_of())
    refused(
        tmp_path,
        "1_20130102.mat: is session 1 of subject 1, and so is .*1_20130101.mat",
        files="s/{session}/{subject}_{date}.mat",
        sessions={"all": {"clips": [1, 0, -1]}},
    )


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"absent: no such data folder$"):
        opened(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layout: sead", r"d.yaml: layout = 'sead'; allowed are seed, "),
        ("name: x", r"layout = None; allowed are"),
        ("{layout: seed, name: x, classes: [a, b], labels: {1: c}}", "classes has no such class"),
        (
            "{layout: seed, name: x, classes: [a, b], labels: {1: a}, file: y}",
            "unknown key 'file'; allowed are layout, name, .*files",
        ),
        (
            "{layout: seed, name: x, classes: [a, b], labels: {1: a}, files: '{subject}.mat'}",
            r"files lacks \{session\} or \{date\}",
        ),
        (
            "{layout: seed, name: x, classes: [a, b], labels: {1: a}, label_file: null}",
            "sessions or label_file has to say",
        ),
    ],
)
def test_a_wrong_settings_file_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "d.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_dataset_settings(path)
    assert "\n" not in str(caught.value)
