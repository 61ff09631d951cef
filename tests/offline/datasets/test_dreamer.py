from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from offline.datasets.amigos import EPOC_CHANNELS
from offline.datasets.config import Dataset
from offline.datasets.dreamer import DreamerSettings
from offline.datasets.registry import load_dataset_settings, open_dataset
from rtbci.configuration import validate
from rtbci.errors import RecordingError

CONFIG = Path(__file__).parents[3] / "configs" / "datasets" / "dreamer.yaml"
N_TRIALS = 5


def cell_array(items: list, shape: tuple[int, ...] = (-1, 1)) -> np.ndarray:
    cells = np.empty(len(items), object)
    cells[:] = items
    return cells.reshape(shape)


def person(seed: int, valence=(1, 2, 3, 4, 5), channels: int = 14) -> dict:
    rng = np.random.default_rng(seed)

    def clips(length: int) -> np.ndarray:
        return cell_array(
            [rng.normal(4200, 10, (length + 10 * k, channels)) for k in range(len(valence))]
        )

    column = np.array(valence, float)[:, np.newaxis]
    return {
        "Age": "22",
        "EEG": {"baseline": clips(128), "stimuli": clips(256)},
        "ECG": {"baseline": cell_array([np.zeros((4, 2))]), "stimuli": cell_array([0])},
        "ScoreValence": column,
        "ScoreArousal": column[::-1],
        "ScoreDominance": column * 0 + 3,
    }


def write(root: Path, people: list[dict], data: object = None) -> Path:
    path = root / "DREAMER.mat"
    content = {
        "Data": cell_array(people, (1, -1)) if data is None else data,
        "EEG_SamplingRate": 128,
        "EEG_Electrodes": cell_array(list(EPOC_CHANNELS), (1, -1)),
    }
    scipy.io.savemat(path, {"DREAMER": content}, do_compression=True)
    return path


def opened(root: Path, **changes) -> Dataset:
    given = load_dataset_settings(CONFIG).model_dump(exclude_unset=True)
    settings = validate(DreamerSettings, given | {"trials": N_TRIALS} | changes, source="made.yaml")
    return open_dataset(settings, root)


def expected(held: dict) -> np.ndarray:
    pieces = zip(held["EEG"]["baseline"].ravel(), held["EEG"]["stimuli"].ravel(), strict=True)
    return np.concatenate([piece for pair in pieces for piece in pair]).T.astype(np.float32)


def test_each_person_is_one_recording_of_baselines_and_clips(tmp_path):
    people = [person(seed) for seed in range(3)]
    write(tmp_path, people)
    recordings = opened(tmp_path).recordings
    assert [recording.subject for recording in recordings] == ["1", "2", "3"]
    for recording, held in zip(recordings, people, strict=True):
        assert (recording.sfreq, recording.channels) == (128, EPOC_CHANNELS)
        np.testing.assert_array_equal(recording.read(), expected(held))
    lengths = [(128 + 10 * k, 256 + 10 * k) for k in range(N_TRIALS)]
    stops = np.cumsum([sum(pair) for pair in lengths])
    found = [(trial.start, trial.stop, trial.label) for trial in recordings[0].trials]
    labels = (0, 0, 1, 2, 2)
    assert found == [
        (stop - clip, stop, label)
        for stop, (_, clip), label in zip(stops, lengths, labels, strict=True)
    ]


def test_the_rating_and_the_people_are_the_settings(tmp_path):
    people = [person(seed) for seed in range(3)]
    write(tmp_path, people)
    recordings = opened(tmp_path, rating="arousal", exclude=[1]).recordings
    assert [recording.subject for recording in recordings] == ["2", "3"]
    assert [trial.label for trial in recordings[0].trials] == [2, 2, 1, 0, 0]
    np.testing.assert_array_equal(recordings[0].read(), expected(people[1]))
    with pytest.raises(RecordingError, match="holds nobody who is not left out"):
        opened(tmp_path, exclude=[1, 2, 3])


def test_people_may_be_a_struct_array(tmp_path):
    people = [person(seed) for seed in range(2)]
    structs = np.empty((1, 2), [(name, object) for name in people[0]])
    for index, held in enumerate(people):
        structs[0, index] = tuple(held.values())
    write(tmp_path, people, structs)
    recordings = opened(tmp_path).recordings
    np.testing.assert_array_equal(recordings[1].read(), expected(people[1]))


def test_one_person_with_one_trial_is_no_special_case(tmp_path):
    held = person(1, valence=(5,))
    write(tmp_path, [held])
    (recording,) = opened(tmp_path, trials=1).recordings
    assert [trial.label for trial in recording.trials] == [2]
    np.testing.assert_array_equal(recording.read(), expected(held))


def test_the_file_is_read_once_and_again_in_another_process(tmp_path):
    people = [person(seed) for seed in range(2)]
    path = write(tmp_path, people)
    recordings = opened(tmp_path).recordings
    sent = pickle.dumps(recordings)
    assert len(sent) < 20_000  # the samples stay behind
    copies = pickle.loads(sent)
    np.testing.assert_array_equal(copies[1].read(), expected(people[1]))
    path.unlink()
    for recording in (*recordings, copies[0]):
        np.testing.assert_array_equal(
            recording.read(), expected(people[int(recording.subject) - 1])
        )
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: No such file"):
        pickle.loads(sent)[0].read()


def altered(name: str, value: object) -> dict:
    held = person(1)
    held["EEG"][name].flat[2] = value
    return held


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (person(1, channels=13), "subject 2, trial 1: baseline is 128 x 13; samples x 14 are"),
        (altered("stimuli", np.zeros((14, 90))), "subject 2, trial 3: stimuli is 14 x 90; samp"),
        (altered("stimuli", np.empty((0, 0))), "subject 2, trial 3: stimuli is 0 x 0; samples"),
        (altered("stimuli", np.empty((0, 14))), "subject 2, trial 3: stimuli is 0 x 14; samples"),
        (altered("baseline", "text"), "subject 2, trial 3: baseline holds no numbers"),
        (person(1, (1, 2, 3, 4)), "subject 2: EEG.baseline holds 4 trials, 5 are expected"),
        (
            person(1) | {"ScoreValence": np.ones((4, 1))},
            "subject 2: ScoreValence holds 4 trials, 5 are expected",
        ),
        (person(1) | {"ScoreValence": cell_array(["a"] * 5)}, "ScoreValence holds no numbers"),
        (person(1, (1, 2, 3, 0, 5)), "subject 2, trial 4: valence is 0; the scale is 1 to 5"),
        (person(1, (1, 2, 3, 4, np.nan)), "subject 2, trial 5: valence is nan; the scale"),
        ({"Age": "22"}, "subject 2: lacks the field EEG"),
        (person(1) | {"EEG": {"stimuli": 0}}, "subject 2: lacks the field baseline"),
    ],
)
def test_a_file_that_is_not_what_the_settings_say_is_refused(tmp_path, second, said):
    write(tmp_path, [person(0), second])
    with pytest.raises(
        RecordingError, match=rf"DREAMER\.mat, {said}|DREAMER\.mat, .*{said}"
    ) as error:
        opened(tmp_path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_something_else_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: No such file"):
        opened(tmp_path)
    path = tmp_path / "DREAMER.mat"
    scipy.io.savemat(path, {"other": 1})
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: lacks the variable DREAMER"):
        opened(tmp_path)
    scipy.io.savemat(path, {"DREAMER": np.zeros(3)})
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: DREAMER: lacks the field Data"):
        opened(tmp_path)
    scipy.io.savemat(path, {"DREAMER": {"Data": np.empty((0, 0))}})
    with pytest.raises(RecordingError, match=r"DREAMER\.mat"):
        opened(tmp_path)
    path.write_text("milk, eggs\n" * 500)
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: cannot be read"):
        opened(tmp_path)
    with pytest.raises(RecordingError, match=r"absent: no such data folder"):
        opened(tmp_path / "absent")


def test_a_file_of_matlab_7_3_says_what_to_do(tmp_path):
    path = tmp_path / "DREAMER.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["DREAMER"] = 1
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    path.write_bytes(head.ljust(512, b"\x00") + path.read_bytes()[512:])
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: is of MATLAB v7\.3.*-v7"):
        opened(tmp_path)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share):
    path = write(tmp_path, [person(seed) for seed in range(3)])
    held = path.read_bytes()
    path.write_bytes(held[: int(share * len(held))])
    with pytest.raises(RecordingError, match=r"DREAMER\.mat: .*cut off") as caught:
        opened(tmp_path)
    assert "\n" not in str(caught.value)
