from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import mne
import numpy as np
import pytest

from offline.datasets.config import Dataset
from offline.datasets.markers import MarkersSettings
from offline.datasets.readers import open_recording
from offline.datasets.recording import Event, Recording, Trial
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.datasets.trial_markers import end_marker, split_trials, start_marker
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError
from tests.offline.datasets.xdf_writer import eeg_stream, write_xdf

CONFIG = Path(__file__).parents[3] / "configs" / "datasets" / "markers.yaml"
PLAIN = {
    "layout": "markers",
    "name": "made",
    "classes": ["calm", "happy"],
    "channels": ["E0"],
    "files": "{subject}_{session}.xdf",
}
VIDEO = {"video pos start": "happy", "video neg *": "calm"}


def configured(**changes) -> MarkersSettings:
    return validate(MarkersSettings, PLAIN | changes, source="made.yaml")


def opened(root: Path, keep_going: bool = False, **changes) -> Dataset:
    return open_dataset(configured(**changes), root, keep_going)


def write(root: Path, markers: list[tuple[float, object]], name: str = "1_1.xdf", **more) -> Path:
    """Write 100 s at 100 Hz; the markers' times count from the first sample."""
    stream = {
        "type": "Markers",
        "units": [None],
        "stamps": [50 + time for time, _ in markers],
        "samples": [said for _, said in markers],
    }
    write_xdf(root / name, eeg_stream(["uV"], n_samples=10_000), stream | more)
    return root / name


def test_markers_of_ones_own_become_trials_and_others_events(tmp_path):
    markers = [
        (-3.0, "hello"),
        (1.0, "video pos start"),
        (2.0, "look"),
        (11.0, "video end"),
        (15.0, "video end"),
        (20.0, "video neg 17"),
        (30.0, "video pos start"),
        (35.0, "video pos stop"),
        (90.0, "video neg [x]"),
        (200.0, "after"),
    ]
    write(tmp_path, markers)
    (recording,) = opened(tmp_path, markers=VIDEO, end="video end").recordings
    assert recording.trials == (
        Trial(100, 1100, 1),
        Trial(2000, 3000, 0),
        Trial(3000, 9000, 1),
        Trial(9000, 10_000, 0),
    )
    assert recording.events == (Event(200, "look"), Event(3500, "video pos stop"))
    assert (recording.subject, recording.session) == ("1", "1")
    np.testing.assert_array_equal(recording.read(), np.arange(10_000.0)[np.newaxis])


def test_a_trial_lasts_for_its_seconds_at_most(tmp_path):
    starts = [
        (-1, "video neg 0"),
        (10, "video neg 1"),
        (20, "video pos start"),
        (23, "video end"),
        (95, "video neg 2"),
    ]
    write(tmp_path, starts)
    (recording,) = opened(tmp_path, markers=VIDEO, end=["video end"], seconds=8).recordings
    found = [(trial.start, trial.stop, trial.label) for trial in recording.trials]
    assert found == [(1000, 1800, 0), (2000, 2300, 1), (9500, 10_000, 0)]


def test_a_trial_that_began_before_the_recording_counts_from_its_first_sample(tmp_path):
    write(tmp_path, [(-1, "video neg 0"), (10, "stop")])
    (recording,) = opened(tmp_path, markers=VIDEO, end="stop").recordings
    assert recording.trials == (Trial(0, 1000, 0),)


def test_the_same_text_goes_before_a_pattern(tmp_path):
    write(tmp_path, [(1, "a"), (2, "ab"), (3, "a end"), (4, "a?")])
    meanings = {"a*": "calm", "ab": "happy", "a?": "happy"}
    (recording,) = opened(tmp_path, markers=meanings, end="a end").recordings
    found = [(trial.start, trial.stop, trial.label) for trial in recording.trials]
    assert found == [(100, 200, 0), (200, 300, 1), (400, 10_000, 1)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"markers": {"a*": "calm", "*b": "happy"}}, "'a b' fits more than one entry: calm, happy"),
        ({"markers": {"a*": "calm"}, "end": "*b"}, "'a b' fits more than one entry: calm, end"),
    ],
)
def test_a_marker_of_two_meanings_is_refused(tmp_path, changes, said):
    write(tmp_path, [(1, "a b")])
    with pytest.raises(RecordingError, match=rf"1_1\.xdf: marker {said}"):
        opened(tmp_path, **changes)


def test_two_patterns_of_one_class_are_one_meaning(tmp_path):
    write(tmp_path, [(1, "a b")])
    (recording,) = opened(tmp_path, markers={"a*": "calm", "*b": "calm"}).recordings
    assert recording.trials == (Trial(100, 10_000, 0),)


def test_a_marker_stream_may_send_numbers(tmp_path):
    write(tmp_path, [(1, 7), (5, 99), (6, 8)], type="markers")
    (recording,) = opened(tmp_path, markers={"7": "happy", "8": "calm"}, end="99").recordings
    assert recording.trials == (Trial(100, 500, 1), Trial(600, 10_000, 0))


def written_by_replay(classes: tuple[str, ...]) -> list[tuple[float, str]]:
    trials = [(5, 20, 0), (20, 35, 1), (50, 60, -1), (70, 80, 0)]
    return [
        marker
        for number, (start, stop, label) in enumerate(trials, start=1)
        for marker in (
            (start, start_marker(number, label, classes)),
            (stop, end_marker(number)),
        )
    ]


TRIALS = (Trial(500, 2000, 0), Trial(2000, 3500, 1), Trial(5000, 6000, -1), Trial(7000, 8000, 0))


@pytest.mark.parametrize(
    "classes",
    [("calm", "happy"), ("negative", "neutral", "positive"), ("positive", "negative"), ("1", "0")],
)
def test_the_programs_own_markers_are_read_with_the_files_classes(tmp_path, classes):
    write(tmp_path, written_by_replay(classes))
    (recording,) = opened(tmp_path, classes=classes).recordings
    assert recording.trials == TRIALS
    assert recording.events == ()


def test_the_programs_own_markers_may_be_given_another_meaning(tmp_path):
    write(tmp_path, written_by_replay(("negative", "neutral", "positive")))
    meanings = {"trial * negative": "happy", "trial * neutral": "calm"}
    (recording,) = opened(tmp_path, markers=meanings, end="trial * end").recordings
    assert recording.trials == (Trial(500, 2000, 1), Trial(2000, 3500, 0), Trial(7000, 8000, 1))
    assert recording.events == (Event(5000, "trial 3 unknown"),)


def test_a_trial_of_an_unknown_class_ends_the_one_before_it():
    markers = [Event(10, "trial 1 calm"), Event(50, "trial 2 angry"), Event(70, "trial 3 calm")]
    trials, events = split_trials(markers, 100, ("calm", "happy"))
    assert trials == (Trial(10, 50, 0), Trial(70, 100, 0))
    assert events == (Event(50, "trial 2 angry"),)


def test_an_end_without_a_trial_stays_among_the_events():
    markers = [Event(5, "trial 1 end"), Event(10, "trial 2 calm"), Event(50, "trial 2 end")]
    trials, events = split_trials([*markers, Event(60, "trial 2 end")], 100, ("calm", "happy"))
    assert trials == (Trial(10, 50, 0),)
    assert events == (Event(5, "trial 1 end"), Event(60, "trial 2 end"))


def write_annotated(path: Path, *, first_sample: int = 0) -> None:
    info = mne.create_info(["E0", "E1"], 100.0, "eeg")
    volts = np.random.default_rng(0).normal(0, 1e-5, (2, 5000))
    raw = mne.io.RawArray(volts, info, first_samp=first_sample, verbose="ERROR")
    texts = ["video pos start", "video end", "video neg 2", "break", "trial 4 happy", "trial 4 end"]
    raw.set_annotations(mne.Annotations([1.0, 11.0, 20.0, 25.0, 30.0, 40.0], [0] * 6, texts))
    raw.save(path, verbose="ERROR")


@pytest.mark.parametrize("first", [0, 700])
def test_annotations_of_other_formats_are_markers_as_well(tmp_path, first):
    write_annotated(tmp_path / "s_raw.fif", first_sample=first)
    files = "{subject}_raw.fif"
    (recording,) = opened(tmp_path, files=files, markers=VIDEO, end="*end").recordings
    assert recording.trials == (Trial(100, 1100, 1), Trial(2000, 4000, 0))
    assert recording.events == (Event(2500, "break"), Event(3000, "trial 4 happy"))
    assert (recording.subject, recording.session) == ("s", "1")
    (recording,) = opened(tmp_path, files=files).recordings
    assert recording.trials == (Trial(3000, 4000, 1),)


def test_a_real_recording_with_its_annotations(tmp_path, shared_data):
    source = shared_data("eegmmidb_S001") / "S001R04.edf"
    shutil.copy(source, tmp_path / "S001R04.edf")
    changes = {"files": "S{subject}R{session}.edf", "markers": {"T1": "calm", "T2": "happy"}}
    (recording,) = opened(tmp_path, end="T0", **changes).recordings
    assert (recording.subject, recording.session) == ("001", "04")
    events = open_recording(source).events
    wanted = [
        Trial(event.sample, after.sample, {"T1": 0, "T2": 1}[event.text])
        for event, after in pairwise(events)
        if event.text != "T0"
    ]
    assert len(wanted) == 14  # and one that lasts until the recording's end
    assert list(recording.trials[:-1]) == wanted
    assert recording.trials[-1].stop == recording.n_samples


def test_people_and_their_sessions_are_in_natural_order(tmp_path):
    (tmp_path / "day10").mkdir()
    (tmp_path / "day9").mkdir()
    for name in ("day9/10.xdf", "day10/2.xdf", "day9/2.xdf"):
        write(tmp_path, [(1, "trial 1 calm")], name)
    write(tmp_path, [(1, "trial 1 calm")], "2_extra.xdf")
    files = ["day{session}/{subject}.xdf", "{subject}_{session}.xdf", "2_{subject}.xdf"]
    found = [(each.subject, each.session) for each in opened(tmp_path, files=files[:2]).recordings]
    assert found == [("2", "9"), ("2", "10"), ("2", "extra"), ("10", "9")]
    with pytest.raises(RecordingError, match=r"holds no file \{subject\}\.edf"):
        opened(tmp_path, files=[files[0], "{subject}.edf"])


MANY = [(float(k), f"m{k}") for k in range(15)]


@pytest.mark.parametrize(
    ("markers", "changes", "said"),
    [
        (
            [],
            {},
            "no marker starts a trial .*'trial 1 calm', 'trial 1 happy'.*; its markers are none",
        ),
        ([(1, "go"), (2, "stop"), (3, "go")], {}, "its markers are 'go', 'stop'$"),
        ([(1, "go")], {"markers": VIDEO}, "expected: 'video pos start', 'video neg .'.* are 'go'$"),
        (MANY, {}, "'m0', 'm1', .*'m11' and 3 more$"),
        (
            [(1, "trial 1 positive"), (2, "trial 1 end")],
            {},
            "are 'trial 1 positive', 'trial 1 end'",
        ),
        ([(1, "trial 1 unknown")], {}, "no marker starts a trial"),
        ([(1, "trial 1 calm"), (2, "trial 2 2")], {}, "label of trial 2 is 2; the 2 classes count"),
        ([(200, "trial 1 calm")], {}, "no marker starts a trial"),
    ],
)
def test_a_file_without_a_trial_is_refused_with_its_markers(tmp_path, markers, changes, said):
    path = write(tmp_path, markers)
    write(tmp_path, [(1, "trial 1 calm"), (2, "video neg 1")], "2_1.xdf")
    with pytest.raises(RecordingError, match=said) as caught:
        opened(tmp_path, **changes)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    kept = opened(tmp_path, keep_going=True, **changes)
    assert [recording.subject for recording in kept.recordings] == ["2"]
    assert [each.name for each in kept.left_out] == ["1_1.xdf"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"markers": {"go": "joy"}}, "markers names joy; classes has no such class"),
        ({"end": "stop"}, "end and seconds need the key markers"),
        ({"seconds": 3}, "end and seconds need the key markers"),
        ({"markers": {"go": "calm"}, "end": ["go"]}, "go is both in markers and in end"),
        ({"markers": {"go": "calm"}, "seconds": 0}, "seconds = 0"),
        ({"files": "{session}.xdf"}, r"lacks \{subject\}"),
        ({"files": []}, "files = "),
        ({"unit": "celsius"}, "unit = 'celsius': not a voltage"),
    ],
)
def test_wrong_settings_are_told_in_one_line(changes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        configured(**changes)
    assert "\n" not in str(caught.value)


def test_the_unit_that_a_file_lacks_is_the_settings(tmp_path):
    write_xdf(
        tmp_path / "1_1.xdf",
        eeg_stream([None]),
        {"type": "Markers", "units": [None], "stamps": [50.1], "samples": ["trial 1 calm"]},
    )
    with pytest.raises(RecordingError, match="declares no unit"):
        opened(tmp_path)
    (recording,) = opened(tmp_path, unit="mV").recordings
    np.testing.assert_array_equal(recording.read()[0, :3], [0, 1000, 2000])


def test_the_file_for_ones_own_recordings_is_an_example_that_loads():
    assert isinstance(load_dataset_settings(CONFIG), MarkersSettings)


def recordings_equal(one: Recording, other: Recording) -> bool:
    return (one.trials, one.events) == (other.trials, other.events)


def test_opened_as_a_recording_the_trials_are_the_same(tmp_path):
    path = write(tmp_path, [*written_by_replay(("negative", "neutral", "positive")), (85, "bye")])
    classes = ("negative", "neutral", "positive")
    (recording,) = opened(tmp_path, classes=classes).recordings
    assert recordings_equal(recording, open_recording(path))
