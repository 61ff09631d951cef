from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from offline.datasets.amigos import EPOC_CHANNELS, AmigosSettings
from offline.datasets.check import odd_trials
from offline.datasets.config import Dataset
from offline.datasets.registry import load_dataset_settings, open_dataset
from rtbci.configuration import validate
from rtbci.errors import RecordingError

CONFIG = Path(__file__).parents[3] / "configs" / "datasets" / "amigos.yaml"
BASELINE = 5 * 128


def trial(number: int, seconds: float = 6, columns: int = 17) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.normal(0, 10, (int(seconds * 128) + number, columns))


def ratings(valence: float = 5.0, arousal: float = 2.0) -> np.ndarray:
    return np.array([[arousal, valence, 3, 3, 3, 0, 0, 0, 1, 0, 0, 0]], float)


def cell_array(items: list, shape: tuple[int, ...]) -> np.ndarray:
    cells = np.empty(len(items), object)
    cells[:] = items
    return cells.reshape(shape)


def write(root: Path, trials: list, rated: list, name="P01", shape=(1, -1), **more) -> Path:
    path = root / "data_preprocessed" / f"Data_Preprocessed_{name}.mat"
    path.parent.mkdir(exist_ok=True)
    held = {
        "joined_data": cell_array(trials, shape),
        "labels_selfassessment": cell_array(rated, shape),
        "labels_ext_annotation": cell_array([np.zeros((3, 3))] * len(trials), shape),
    }
    scipy.io.savemat(path, held | more, do_compression=True)
    return path


def write_20(root: Path, name: str = "P01") -> list[np.ndarray]:
    """Write a file like the data set's: 20 trials, of which two long ones are empty."""
    trials = [trial(number) for number in range(18)] + [np.empty((0, 0))] * 2
    rated = [ratings((2, 5, 8)[number % 3]) for number in range(18)] + [np.empty((0, 0))] * 2
    write(root, trials, rated, name)
    return trials


def opened(root: Path, keep_going: bool = False, **changes) -> Dataset:
    given = load_dataset_settings(CONFIG).model_dump(exclude_unset=True)
    settings = validate(AmigosSettings, given | changes, source="made.yaml")
    return open_dataset(settings, root, keep_going)


def test_the_short_videos_follow_one_another_each_behind_its_baseline(tmp_path, caplog):
    trials = write_20(tmp_path)
    (recording,) = opened(tmp_path).recordings
    assert (recording.subject, recording.sfreq) == ("1", 128)
    assert recording.channels == EPOC_CHANNELS
    edges = np.cumsum([0, *(len(each) for each in trials[:16])])
    found = [(trial.start, trial.stop, trial.label) for trial in recording.trials]
    assert found == [(edges[k] + BASELINE, edges[k + 1], k % 3) for k in range(16)]
    wanted = np.concatenate([each[:, :14].T for each in trials[:16]], axis=1).astype(np.float32)
    np.testing.assert_array_equal(recording.read(), wanted)
    assert not caplog.records


def test_people_with_missing_trials_are_left_out(tmp_path):
    for number in (1, 8, 9, 12, 20, 21, 22, 23, 24, 33, 40):
        write_20(tmp_path, f"P{number:02}")
    found = [recording.subject for recording in opened(tmp_path).recordings]
    assert found == ["1", "8", "20", "40"]


def test_files_may_lie_in_folders_of_their_own(tmp_path):
    write_20(tmp_path)
    name = "Data_Preprocessed_P01"
    (tmp_path / name).mkdir()
    (tmp_path / "data_preprocessed" / f"{name}.mat").rename(tmp_path / name / f"{name}.mat")
    files = "Data_Preprocessed_P{folder}/Data_Preprocessed_P{subject}.mat"
    (recording,) = opened(tmp_path, files=files).recordings
    assert recording.subject == "1"


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1)])
def test_an_empty_trial_keeps_its_number_and_is_told(tmp_path, caplog, shape):
    trials = [trial(1), np.empty((0, 0)), trial(3)]
    write(tmp_path, trials, [ratings(1), np.empty((0, 0)), ratings(9)], shape=shape)
    with caplog.at_level(logging.WARNING):
        (recording,) = opened(tmp_path, trials=3).recordings
    assert "Data_Preprocessed_P01.mat: trial 2 is left out, its cell is empty" in caplog.text
    first, empty, last = recording.trials
    assert (first.label, last.label) == (0, 2)
    assert (empty.start, empty.stop, empty.label) == (first.stop, first.stop, -1)
    assert (last.start, last.stop) == (first.stop + BASELINE, first.stop + len(trials[2]))
    wanted = np.concatenate([trials[0], trials[2]])[:, :14].T.astype(np.float32)
    np.testing.assert_array_equal(recording.read(), wanted)


def test_all_empty_trials_of_a_person_are_told_in_one_line(tmp_path, caplog):
    trials = [trial(1), np.empty((0, 0)), trial(3), np.empty((0, 0))]
    write(tmp_path, trials, [ratings() if each.size else np.empty((0, 0)) for each in trials])
    dataset = opened(tmp_path, trials=4)
    (record,) = caplog.records
    assert "P01.mat: trial 2, 4 are left out, their cells are empty" in record.getMessage()
    assert not any("outside" in line for line in odd_trials(dataset.recordings[0]))


def test_the_ratings_columns_are_known_by_name(tmp_path):
    write(tmp_path, [trial(1), trial(2)], [ratings(1, 9), ratings(9, 1)])
    labels = {
        name: [
            trial.label for trial in opened(tmp_path, trials=2, rating=name).recordings[0].trials
        ]
        for name in ("valence", "arousal", "familiarity")
    }
    assert labels == {"valence": [0, 2], "arousal": [2, 0], "familiarity": [0, 0]}


def test_ratings_may_be_one_matrix(tmp_path):
    rows = np.concatenate([ratings(1), ratings(9)])
    write(tmp_path, [trial(1), trial(2)], [0], labels_selfassessment=rows)
    (recording,) = opened(tmp_path, trials=2).recordings
    assert [trial.label for trial in recording.trials] == [0, 2]


EMPTY = np.empty((0, 0))


@pytest.mark.parametrize(
    ("trials", "rated", "said"),
    [
        ([trial(1)], [ratings()], "trial 2 is missing; joined_data holds 1 trials, 2 are"),
        (
            [trial(1), trial(2, columns=14)],
            [ratings()] * 2,
            "trial 2: joined_data is 770 x 14; sam",
        ),
        ([trial(1), trial(2).T], [ratings()] * 2, "trial 2: joined_data is 17 x 770; samples x 17"),
        ([trial(1), trial(2, 4.9)], [ratings()] * 2, "trial 2: lasts 4.9 s, .* baseline of 5 s"),
        ([trial(1), "text"], [ratings()] * 2, "trial 2: joined_data holds no numbers"),
        ([trial(1), trial(2)], [ratings()] * 1, "trial 2: .* holds 0 ratings, 12 are expected"),
        ([trial(1), trial(2)], [ratings(), EMPTY], "trial 2: .* holds 0 ratings, 12 are expected"),
        ([trial(1), trial(2)], [ratings()[:, :5]] * 2, "trial 1: .* holds 5 ratings, 12"),
        ([trial(1), trial(2)], [ratings(), ratings(0)], "trial 2: valence is 0; the scale is 1"),
        ([trial(1), trial(2)], [ratings(np.nan), ratings()], "trial 1: valence is nan; the scale"),
        ([EMPTY, EMPTY], [EMPTY, EMPTY], "all its trials are empty"),
    ],
)
def test_a_file_that_is_not_what_the_settings_say_is_refused(tmp_path, trials, rated, said):
    path = write(tmp_path, trials, rated)
    write(tmp_path, [trial(1), trial(2)], [ratings()] * 2, "P02")
    with pytest.raises(RecordingError, match=said) as caught:
        opened(tmp_path, trials=2)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    kept = opened(tmp_path, keep_going=True, trials=2)
    assert [recording.subject for recording in kept.recordings] == ["2"]
    assert [each.name for each in kept.left_out] == [path.name]


def test_a_file_without_the_variable_is_refused(tmp_path):
    path = write(tmp_path, [trial(1)], [ratings()])
    scipy.io.savemat(path, {"joined_data": np.zeros(3)})
    with pytest.raises(RecordingError, match=r"P01\.mat: lacks the variable labels_selfassessment"):
        opened(tmp_path)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share):
    write_20(tmp_path)
    path = tmp_path / "data_preprocessed" / "Data_Preprocessed_P01.mat"
    held = path.read_bytes()
    path.write_bytes(held[: int(share * len(held))])
    with pytest.raises(RecordingError, match=r"P01\.mat: .*cut off") as caught:
        opened(tmp_path)
    assert "\n" not in str(caught.value)
