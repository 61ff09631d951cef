from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from offline.datasets.config import Dataset
from offline.datasets.deap import DEAP_CHANNELS, DeapSettings
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.features.extract import extract
from rtbci.configuration import validate
from rtbci.errors import RecordingError
from rtbci.recipe import Recipe

CONFIG = Path(__file__).parents[3] / "configs" / "datasets" / "deap.yaml"
VALENCE = (1.0, 3.99, 4.0, 6.0, 6.01, 9.0)
SHORT = {"trials": len(VALENCE), "trial_s": 2.0}  # of the real 40 trials of 60 s
LENGTH = 5 * 128


def content(valence=VALENCE, rows=40, length=LENGTH, **changes) -> dict:
    rng = np.random.default_rng(0)
    data = rng.normal(0, 10, (len(valence), rows, length))
    labels = np.full((len(valence), 4), 5.0)
    labels[:, 0] = valence
    return {"labels": labels, "data": data} | changes


def write(root: Path, held: object, name: str = "s01.dat", protocol: int = 2) -> Path:
    path = root / "data_preprocessed_python" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(held, protocol))
    return path


def opened(root: Path, keep_going: bool = False, **changes) -> Dataset:
    given = load_dataset_settings(CONFIG).model_dump(exclude_unset=True)
    settings = validate(DeapSettings, given | SHORT | changes, source="made.yaml")
    return open_dataset(settings, root, keep_going)


def test_trials_follow_one_another_each_behind_its_baseline(tmp_path):
    held = content()
    write(tmp_path, held)
    (recording,) = opened(tmp_path).recordings
    assert (recording.subject, recording.session, recording.sfreq) == ("1", "1", 128)
    assert recording.channels == DEAP_CHANNELS
    found = [(trial.start, trial.stop, trial.label) for trial in recording.trials]
    labels = (0, 0, 1, 1, 2, 2)
    assert found == [(k * LENGTH + 384, (k + 1) * LENGTH, labels[k]) for k in range(6)]
    wanted = np.concatenate(held["data"][:, :32], axis=1).astype(np.float32)
    np.testing.assert_array_equal(recording.read(), wanted)


def test_people_are_in_order_of_their_numbers_and_may_be_left_out(tmp_path):
    for name in ("s10.dat", "s02.dat", "s01.dat"):
        write(tmp_path, content(), name)
    found = [recording.subject for recording in opened(tmp_path).recordings]
    assert found == ["1", "2", "10"]
    found = [recording.subject for recording in opened(tmp_path, exclude=[2, 32]).recordings]
    assert found == ["1", "10"]
    with pytest.raises(RecordingError, match=r"people only who are left out \(key exclude\)"):
        opened(tmp_path, exclude=[1, 2, 10])


def test_the_rating_its_bounds_and_the_unit_are_the_settings(tmp_path):
    held = content()
    held["labels"][:, 1] = (1, 4.99, 5, 5, 9, 9)
    write(tmp_path, held)
    bounds = {"low": {"below": 5}, "high": {"at_least": 5}}
    changes = {"rating": "arousal", "classes": ["low", "high"], "bounds": bounds, "unit": "mV"}
    (recording,) = opened(tmp_path, **changes).recordings
    assert [trial.label for trial in recording.trials] == [0, 0, 1, 1, 1, 1]
    wanted = (1000 * held["data"][0, :32]).astype(np.float32)
    np.testing.assert_array_equal(next(recording.blocks()), wanted)


def test_a_window_that_reaches_into_the_baseline_has_no_label(tmp_path):
    write(tmp_path, content())
    (recording,) = opened(tmp_path).recordings
    features = extract(recording, Recipe(channels=DEAP_CHANNELS, window_s=1.0, hop_s=0.5))
    first = features.last - 127
    inside = (first % LENGTH >= 384) & (first % LENGTH + 128 <= LENGTH)
    settled = features.label[len(features) // 3 :] >= 0  # the first trials settle the filters
    np.testing.assert_array_equal(settled, inside[len(features) // 3 :])


def test_the_file_for_deap_is_what_the_data_set_is(tmp_path):
    settings = load_dataset_settings(CONFIG)
    assert isinstance(settings, DeapSettings)
    assert settings.channels == DEAP_CHANNELS
    held = {"labels": np.full((40, 4), 5.0), "data": np.zeros((40, 40, 8064), np.int8)}
    write(tmp_path, held, protocol=4)
    (recording,) = open_dataset(settings, tmp_path).recordings
    assert len(recording.trials) == 40
    assert {trial.stop - trial.start for trial in recording.trials} == {60 * 128}
    assert recording.n_samples == 40 * 63 * 128


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (content(rows=32), r"s01\.dat: data is 6 x 32 x 640; 6 x 40 x 640 are expected"),
        (
            content(length=600),
            r"s01\.dat: data is 6 x 40 x 600; .*keys trials, baseline_s, trial_s",
        ),
        (content(VALENCE[:5]), "data is 5 x 40 x 640; 6 x"),
        (content(labels=np.full((6, 3), 5.0)), "labels is 6 x 3; 6 x 4 are expected"),
        (content(labels=np.float64(5)), "labels is one number; 6 x 4 are expected"),
        ({"data": content()["data"]}, "lacks labels; it holds data"),
        ({}, "lacks data; it holds nothing"),
        (content((5, 5, 0, 5, 5, 5)), r"s01\.dat, trial 3: valence is 0; the scale is 1 to 9"),
        (content((5, 5, 5, 5, 5, np.nan)), r"s01\.dat, trial 6: valence is nan"),
    ],
)
def test_a_file_that_is_not_what_the_settings_say_is_refused(tmp_path, held, said):
    write(tmp_path, held)
    write(tmp_path, content(), "s02.dat")
    with pytest.raises(RecordingError, match=said) as caught:
        opened(tmp_path)
    assert "\n" not in str(caught.value)
    kept = opened(tmp_path, keep_going=True)
    assert [recording.subject for recording in kept.recordings] == ["2"]
    assert [(each.name, each.why) for each in kept.left_out] == [("s01.dat", str(caught.value))]


class Evil:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_a_program_is_refused(tmp_path):
    write(tmp_path, content(labels=Evil(tmp_path / "ran")))
    with pytest.raises(RecordingError, match=r"s01\.dat: refused, this pickle asks for .*\.mkdir"):
        opened(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    path = write(tmp_path, content())
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(RecordingError, match=r"s01\.dat: cannot be read.*cut off"):
        opened(tmp_path)


def test_a_recording_can_be_sent_to_another_process(tmp_path):
    write(tmp_path, content())
    (recording,) = opened(tmp_path).recordings
    copy = pickle.loads(pickle.dumps(recording))
    np.testing.assert_array_equal(copy.read(), recording.read())
