from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.datasets.seed import SeedSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError
from rtbci.montage.names import SEED_CHANNELS

CONFIGS = Path(__file__).parents[3] / "configs" / "datasets"
PLAIN = {
    "layout": "seed",
    "name": "made",
    "classes": ["negative", "neutral", "positive"],
    "labels": {-1: "negative", 0: "neutral", 1: "positive"},
}


def write(root: Path, names, lengths=(300, 400, 500), labels=(1, 0, -1), channels=62) -> Path:
    folder = root / "Preprocessed_EEG"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        trials = {
            f"ww_eeg{k}": np.full((channels, n), float(k)) for k, n in enumerate(lengths, start=1)
        }
        scipy.io.savemat(folder / name, trials)
    if labels is not None:
        scipy.io.savemat(folder / "label.mat", {"label": np.array([labels])})
    return root


def opened(root: Path, **changes):
    settings = validate(SeedSettings, PLAIN | changes, source="made.yaml")
    return open_dataset(settings, root).recordings


def test_sessions_are_counted_by_date_and_subjects_by_number(tmp_path):
    write(tmp_path, ["10_20130101.mat", "2_20131212.mat", "2_20130605.mat", "2_20140103.mat"])
    found = [(r.subject, r.session, r.name) for r in opened(tmp_path)]
    assert found == [
        ("2", "1", "2_20130605.mat"),
        ("2", "2", "2_20131212.mat"),
        ("2", "3", "2_20140103.mat"),
        ("10", "1", "10_20130101.mat"),
    ]


def test_trials_follow_one_another_with_their_labels(tmp_path):
    write(tmp_path, ["1_20130101.mat"])
    (recording,) = opened(tmp_path)
    assert recording.channels == SEED_CHANNELS
    assert recording.sfreq == 200
    found = [(trial.start, trial.stop, trial.label) for trial in recording.trials]
    assert found == [(0, 300, 2), (300, 700, 1), (700, 1200, 0)]
    samples = recording.read()
    assert samples.shape == (62, 1200)
    assert [float(samples[0, trial.start]) for trial in recording.trials] == [1, 2, 3]


def test_the_class_order_is_the_files_and_a_label_without_class_is_left_out(tmp_path):
    write(tmp_path, ["1_20130101.mat"])
    changes = {"classes": ["good", "bad"], "labels": {1: "good", -1: "bad"}}
    (recording,) = opened(tmp_path, **changes)
    assert [trial.label for trial in recording.trials] == [0, -1, 1]


def test_the_file_for_seed_is_what_the_data_set_is():
    settings = load_dataset_settings(CONFIGS / "seed.yaml")
    assert isinstance(settings, SeedSettings)
    assert settings.channels == SEED_CHANNELS
    assert settings.trial_seconds is not None
    assert (len(settings.trial_seconds), sum(settings.trial_seconds)) == (settings.trials, 3394)
    assert not settings.simulated
    assert load_dataset_settings(CONFIGS / "simulated.yaml").simulated


@pytest.mark.parametrize(
    ("written", "changes", "said"),
    [
        ({"labels": None}, {}, "no label.mat beside it"),
        ({"channels": 61}, {}, "ww_eeg1 is 61 x 300; .*62"),
        ({}, {"trials": 15}, "holds 3 trials, 15 are expected"),
        ({}, {"trial_seconds": [1.5, 12, 2.5]}, "trial 2 lasts 2.0 s, 12 s are expected"),
        ({}, {"trial_seconds": [1.5]}, "holds 3 trials, but trial_seconds has 1"),
        ({}, {"files": "raw/{subject}_{date}.mat"}, r"holds no file raw/\{subject\}_\{date\}.mat"),
    ],
)
def test_files_that_are_not_what_the_settings_say_are_refused(tmp_path, written, changes, said):
    write(tmp_path, ["1_20130101.mat"], **written)
    with pytest.raises(RecordingError, match=said) as caught:
        opened(tmp_path, **changes)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"absent: no such data folder; .*--root"):
        opened(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layout: sead", r"d.yaml: layout = 'sead'; allowed are seed, folder"),
        ("name: x", r"layout = None; allowed are"),
        ("{layout: seed, name: x, classes: [a, b], labels: {1: c}}", "classes has no such class"),
        (
            "{layout: seed, name: x, classes: [a, b], labels: {1: a}, file: y}",
            "unknown key 'file'; allowed are layout, name, .*files",
        ),
        (
            "{layout: seed, name: x, classes: [a, b], labels: {1: a}, files: '{subject}.mat'}",
            r"files lacks \{date\}",
        ),
    ],
)
def test_a_wrong_settings_file_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "d.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_dataset_settings(path)
    assert "\n" not in str(caught.value)
