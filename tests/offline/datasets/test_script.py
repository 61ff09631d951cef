from __future__ import annotations

import pytest

from offline.datasets.recording import Trial
from offline.datasets.script import ScriptedSettings, Session, find_sessions
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError

PLAIN = {
    "layout": "any",
    "name": "made",
    "classes": ["a", "b"],
    "channels": ["Cz"],
    "labels": {0: "a", 4: "b"},
    "files": "{subject}_{session}.x",
}


def settings_of(**changes) -> ScriptedSettings:
    return validate(ScriptedSettings, PLAIN | changes, source="made.yaml")


def test_a_session_knows_its_durations():
    assert Session(clips=(1, 2)).durations is None
    assert Session(clips=(1, 2), seconds=(5, 6)).durations == (5, 6)
    assert Session(clips=(1, 2), start=(1, 10), stop=(4, 15)).durations == (3, 5)


def test_clips_without_class_and_invalid_clips_have_no_label():
    session = Session(clips=(0, 4, 7, 4), invalid=(4,))
    edges = [(0, 1), (1, 2), (5, 6), (8, 9)]
    assert settings_of().trials_at(session, edges) == (
        Trial(0, 1, 0),
        Trial(1, 2, 1),
        Trial(5, 6, -1),
        Trial(8, 9, -1),
    )


@pytest.mark.parametrize(
    ("session", "said"),
    [
        ({"clips": []}, "clips"),
        ({"clips": [1, 2], "seconds": [3]}, "seconds has 1 entries, clips has 2"),
        ({"clips": [1, 2], "start": [3, 9]}, "start and stop belong together"),
        ({"clips": [1], "start": [3], "stop": [3]}, "does not end after its start"),
        ({"clips": [1], "seconds": [-3]}, "does not end after its start"),
        ({"clips": [1], "seconds": [3], "start": [1], "stop": [2]}, "seconds goes without"),
        ({"clips": [1, 2], "start": [1, 4], "stop": [5, 6]}, "clip 2 starts before clip 1 stops"),
        ({"clips": [1, 2], "invalid": [0]}, "invalid names clip 0; clips are counted 1 to 2"),
        ({"clips": [1], "stops": [3]}, "unknown key 'sessions.1.stops'; allowed are clips, "),
    ],
)
def test_a_session_that_contradicts_itself_is_refused(session, said):
    with pytest.raises(ConfigError, match=said) as caught:
        settings_of(sessions={1: session})
    assert "made.yaml: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": {0: "c"}}, "labels names c; classes has no such class"),
        ({"labels": {}}, "labels"),
        ({"sessions": {"all": {"clips": [1]}, 2: {"clips": [1]}}}, "so it can have no other"),
        ({"files": "{session}.x"}, r"files lacks \{subject\}"),
        ({"files": ["{subject}_{date}.x", "{subject}.x"]}, r"lacks \{session\} or \{date\} in"),
        ({"files": "S{session}/{subject}_{session}.x"}, r"has \{session\} twice"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        settings_of(**changes)


def test_the_first_pattern_that_fits_is_taken(tmp_path):
    patterns = ["raw/{subject}_{session}_{date}.x", "raw/raw/S{n}/{subject}_{session}_{date}.x"]
    settings = settings_of(files=patterns)
    with pytest.raises(RecordingError, match=r"holds no file raw/.* or raw/raw/S.*\(key files\)"):
        find_sessions(settings, tmp_path)
    for session in ("1", "2"):
        folder = tmp_path / "raw" / "raw" / f"S{session}"
        folder.mkdir(parents=True)
        for subject in ("10", "9"):
            (folder / f"{subject}_{session}_20180804.x").touch()
    found = find_sessions(settings, tmp_path)
    wanted = [("9", "1"), ("9", "2"), ("10", "1"), ("10", "2")]
    assert [(file.subject, file.session) for file in found] == wanted
    (tmp_path / "raw" / "3_1_20180804.x").touch()
    assert [file.subject for file in find_sessions(settings, tmp_path)] == ["3"]


def test_a_date_that_is_none_does_not_make_a_session(tmp_path):
    for name in ("1_20131027.x", "1_20131030.x", "1_20131027 (1).x"):
        (tmp_path / name).touch()
    with pytest.raises(RecordingError, match=r"'20131027 \(1\)' is no date such as 20131027"):
        find_sessions(settings_of(files="{subject}_{date}.x"), tmp_path)


def test_a_date_of_no_calendar_still_orders_the_sessions_and_is_remarked_upon(tmp_path, caplog):
    for name in ("1_20132710.x", "1_20131130.x", "01_20131201.x"):
        (tmp_path / name).touch()
    with caplog.at_level("DEBUG", logger="offline.datasets"):
        found = find_sessions(settings_of(files="{subject}_{date}.x"), tmp_path)
    assert [file.path.name for file in found] == ["1_20131130.x", "01_20131201.x", "1_20132710.x"]
    assert {file.subject for file in found} == {"1"}
    (remark,) = caplog.messages
    assert remark.startswith("1_20132710.x: 20132710 is no date of a calendar")


def test_a_file_that_is_no_sessions_is_passed_over(tmp_path):
    for name in ("a_1.x", "a_label.x"):
        (tmp_path / name).touch()
    (found,) = find_sessions(settings_of(), tmp_path, not_this="a_label.x")
    assert found.session == "1"
    (tmp_path / "a_1.x").unlink()
    with pytest.raises(RecordingError, match="holds no file"):
        find_sessions(settings_of(), tmp_path, not_this="a_label.x")


def test_an_absolute_path_is_no_pattern(tmp_path):
    absolute = f"{tmp_path}/{{subject}}_{{session}}.x"
    with pytest.raises(ConfigError, match="by their paths below the data folder"):
        find_sessions(settings_of(files=absolute), tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ["a", "b", "a"]}, "classes = .*has a twice"),
        ({"channels": ["Cz", "T3", "EEG t7"]}, "channels = .*has EEG t7 twice, which T3 is too"),
        ({"channels": ["Cz", "Cz"]}, "channels = .*has Cz twice"),
    ],
)
def test_names_that_stand_twice_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        settings_of(**changes)
