from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pytest

from offline.datasets.config import Dataset, DatasetSettings
from offline.datasets.export import export
from offline.datasets.recording import Recording, Trial, recording_of
from offline.datasets.registry import load_dataset_settings, open_dataset
from rtbci.errors import ChannelError, RecordingError
from rtbci.montage.positions import electrode_positions

NAMES = ("EEG Fp1-REF", "T3", "CB1", "ECG", "Oz")
WANTED = ("T7", "FP1", "CB1", "OZ", "CZ")
HELD = [1, 0, 2, 4]  # of NAMES, in the order of WANTED
CLASSES = ("negative", "neutral", "positive")
TRIALS = (Trial(0, 700, 2), Trial(700, 1000, -1), Trial(1000, 1501, 0), Trial(1400, 2000, 1))


def recording(seed: int = 0, **changes) -> Recording:
    samples = 30 * np.random.default_rng(seed).standard_normal((len(NAMES), 2000)) + 1e4
    options = {"trials": TRIALS, "name": f"r{seed}.mat", "subject": "1", "session": "1"}
    return recording_of(samples, 200.0, NAMES, **(options | changes))


def dataset(*recordings: Recording, **changes) -> Dataset:
    options = {"layout": "folder", "name": "made", "classes": CLASSES, "channels": WANTED}
    return Dataset(DatasetSettings(**(options | changes)), recordings)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_again(folder: Path) -> Dataset:
    return open_dataset(load_dataset_settings(folder / "dataset.yaml"), folder)


def test_what_was_exported_is_read_again_as_a_data_set(tmp_path):
    first, second = recording(0), recording(1, subject="2", session="b")
    written = export(dataset(first, second, simulated=True), tmp_path)
    assert (written.files, written.unlabelled) == (6, 2)
    again = read_again(tmp_path)
    assert again.settings.simulated
    assert again.settings.classes == CLASSES
    assert [(r.subject, r.session) for r in again.recordings] == [("1", "1")] * 3 + [("2", "b")] * 3
    assert [r.trials[0].label for r in again.recordings] == [2, 0, 1] * 2
    labelled = [trial for trial in TRIALS if trial.label >= 0]
    for source, found in ((first, again.recordings[:3]), (second, again.recordings[3:])):
        for trial, each in zip(labelled, found, strict=True):
            assert each.channels == ("T7", "FP1", "CB1", "OZ")
            assert each.sfreq == 200
            wanted = source.read()[HELD, trial.start : trial.stop]
            np.testing.assert_allclose(each.read(), wanted, rtol=1e-6)


def test_a_file_says_what_it_holds(tmp_path):
    export(dataset(recording(), simulated=True), tmp_path)
    raw = mne.io.read_raw(tmp_path / "sub-1_ses-1_trial-03_negative_raw.fif", verbose="error")
    assert raw.ch_names == ["T7", "FP1", "CB1", "OZ"]
    assert set(raw.get_channel_types()) == {"eeg"}
    assert raw.n_times == 501
    assert raw.info["description"] == "made: r0.mat, 5-7.505 s, exported by rtbci; simulated data"
    assert raw.info["subject_info"]["his_id"] == "1"
    assert list(raw.annotations.description) == ["negative"]
    assert raw.annotations.onset[0] == 0
    assert raw.annotations.duration[0] == pytest.approx(501 / 200)
    np.testing.assert_allclose(np.mean(raw.get_data()), 1e-2, rtol=1e-3)  # volts
    placed = raw.get_montage().get_positions()["ch_pos"]
    wanted = electrode_positions(raw.ch_names)
    np.testing.assert_allclose([placed[name] for name in raw.ch_names], wanted, atol=1e-7)


def test_the_table_says_where_each_trial_comes_from(tmp_path):
    export(dataset(recording()), tmp_path)
    rows = rows_of(tmp_path / "trials.csv")
    assert rows[1] == {
        "file": "sub-1_ses-1_trial-03_negative_raw.fif",
        "subject": "1",
        "session": "1",
        "trial": "3",
        "label": "negative",
        "start_s": "5.0",
        "stop_s": "7.505",
        "source": "r0.mat",
    }
    assert [row["file"] for row in rows] == [r["file"] for r in rows_of(tmp_path / "labels.csv")]


def test_a_trial_that_only_keeps_its_number_does_not_stop_the_others(tmp_path):
    trials = (Trial(0, 400, 1), Trial(400, 400, -1), Trial(400, 900, 0))
    written = export(dataset(recording(trials=trials)), tmp_path)
    assert (written.files, written.unlabelled) == (2, 1)
    files = sorted(path.name for path in tmp_path.glob("*.fif"))
    assert files == [
        "sub-1_ses-1_trial-01_neutral_raw.fif",
        "sub-1_ses-1_trial-03_negative_raw.fif",
    ]


def test_recordings_of_one_session_do_not_overwrite_one_another(tmp_path):
    parts = [recording(seed, trials=(Trial(0, 400, 1),)) for seed in range(3)]
    export(dataset(*parts), tmp_path)
    files = sorted(path.name for path in tmp_path.glob("*.fif"))
    assert files == [f"sub-1_ses-1_trial-0{k}_neutral_raw.fif" for k in (1, 2, 3)]
    for part, again in zip(parts, read_again(tmp_path).recordings, strict=True):
        np.testing.assert_allclose(again.read(), part.read()[HELD, :400], rtol=1e-6)


def test_odd_names_become_safe_ones_and_are_found_again(tmp_path):
    people = ("../../x", "a b", "a/b", "A B", "Žofie 张")
    parts = [recording(k, subject=name, session="day_1") for k, name in enumerate(people)]
    export(dataset(*parts, classes=("zło", "neutral", "很 好")), tmp_path)
    assert all(path.parent == tmp_path for path in tmp_path.rglob("*.fif"))
    again = read_again(tmp_path)
    assert {r.subject for r in again.recordings} == set(people)
    assert {r.session for r in again.recordings} == {"day_1"}
    assert again.settings.classes == ("zło", "neutral", "很 好")


def test_only_the_wanted_subjects_are_written(tmp_path):
    parts = dataset(*(recording(k, subject=f"p{k}") for k in range(3)))
    export(parts, tmp_path, subjects=["p0", "p2"])
    assert {row["subject"] for row in rows_of(tmp_path / "labels.csv")} == {"p0", "p2"}
    with pytest.raises(RecordingError, match=r"no subject p9; there are p0, p1, p2"):
        export(parts, tmp_path, subjects=["p9"])


def test_nothing_is_replaced_unless_that_is_said(tmp_path):
    export(dataset(recording(0)), tmp_path)
    file = tmp_path / "sub-1_ses-1_trial-01_positive_raw.fif"
    before = file.read_bytes()
    with pytest.raises(RecordingError, match=r"trial-01.*exists already.*--overwrite"):
        export(dataset(recording(1)), tmp_path)
    assert file.read_bytes() == before
    export(dataset(recording(1)), tmp_path, overwrite=True)
    np.testing.assert_allclose(
        read_again(tmp_path).recordings[0].read(), recording(1).read()[HELD, :700], rtol=1e-6
    )


def broken_off(whole: Recording) -> Recording:
    def blocks() -> Iterator[np.ndarray]:
        yield whole.read()[:, :1200]
        raise RecordingError("r1.mat: cut off")

    return replace(whole, blocks=blocks)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_export_that_fails_leaves_whole_files_and_no_tables(tmp_path, overwrite):
    if overwrite:
        export(dataset(recording(0)), tmp_path)
    with pytest.raises(RecordingError, match="cut off"):
        export(dataset(broken_off(recording(1))), tmp_path, overwrite=overwrite)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left[0] == "sub-1_ses-1_trial-01_positive_raw.fif"
    assert all(name.endswith("_raw.fif") for name in left)
    assert len(left) == (3 if overwrite else 1)
    assert mne.io.read_raw(tmp_path / left[0], verbose="error").n_times == 700


@pytest.mark.parametrize(
    ("part", "error", "said"),
    [
        ({"trials": ()}, RecordingError, "made: no trial has a label"),
        ({"trials": (Trial(0, 2001, 0),)}, RecordingError, "r0.mat: trial 1 is not within"),
        ({"trials": (Trial(9, 9, 0),)}, RecordingError, "r0.mat: trial 1 is not within"),
        ({"channels": tuple("vwxyz")}, RecordingError, "r0.mat: has none of the electrodes T7"),
        ({"channels": ("T3", "T7", *"xyz")}, ChannelError, "r0.mat: channels 'T3' and 'T7'"),
        ({"shipped": lambda: np.zeros((9, 5, 5))}, RecordingError, "r0.mat: holds features"),
    ],
)
def test_what_cannot_be_exported_is_told(tmp_path, part, error, said):
    with pytest.raises(error, match=said) as caught:
        export(dataset(replace(recording(), **part)), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.fif"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"file/out: Not a directory"):
        export(dataset(recording()), tmp_path / "file" / "out")
