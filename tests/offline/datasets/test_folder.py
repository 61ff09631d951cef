from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from offline.datasets.folder import FolderSettings
from offline.datasets.registry import load_dataset_settings, open_dataset
from rtbci.errors import RecordingError

CONFIG = Path(__file__).parents[3] / "configs" / "datasets" / "eegmat.yaml"
SETTINGS = FolderSettings(
    layout="folder", name="made", classes=("rest", "arithmetic"), channels=("FZ",)
)


def test_eegmat_has_two_recordings_a_person_one_of_each_class(shared_data):
    dataset = open_dataset(load_dataset_settings(CONFIG), shared_data("eegmat_200hz"))
    assert len(dataset.recordings) == 28
    assert [r.subject for r in dataset.recordings] == [str(k // 2) for k in range(28)]
    assert [r.trials[0].label for r in dataset.recordings] == [0, 1] * 14
    rest, arithmetic = dataset.recordings[:2]
    assert (arithmetic.trials[0].start, arithmetic.trials[0].stop) == (0, 60 * 200)
    assert rest.trials[0].stop == 180 * 200
    assert rest.read().shape[1] == 182 * 200


def test_what_is_skipped_belongs_to_no_trial(one_file):
    (one_file / "labels.csv").write_text("file,subject,label\na.edf,1,rest\n")
    skipping = SETTINGS.model_copy(update={"skip_start_s": 1.5, "skip_end_s": 2})
    (recording,) = open_dataset(skipping, one_file).recordings
    assert (recording.trials[0].start, recording.trials[0].stop) == (300, 12_000)
    all_of_it = SETTINGS.model_copy(update={"skip_end_s": 62})
    with pytest.raises(RecordingError, match=r"a\.edf: lasts 62 s, nothing is left after skip"):
        open_dataset(all_of_it, one_file)


@pytest.fixture
def one_file(shared_data, tmp_path) -> Path:
    shutil.copy(shared_data("eegmat_200hz") / "Subject00_2.edf", tmp_path / "a.edf")
    return tmp_path


def test_a_session_column_tells_sessions_apart(one_file):
    shutil.copy(one_file / "a.edf", one_file / "b.edf")
    (one_file / "labels.csv").write_text(
        "label,session,file,subject,age\nrest,day1,a.edf,p2,3\narithmetic,day2,b.edf,p1,3\n"
    )
    found = open_dataset(SETTINGS, one_file).recordings
    assert [(r.subject, r.session, r.name, r.trials[0].label) for r in found] == [
        ("p1", "day2", "b.edf", 1),
        ("p2", "day1", "a.edf", 0),
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,subject\na.edf,1\n", "labels.csv: lacks the column label; it has file, subject"),
        ("", "lacks the column file, subject, label; it has nothing in it"),
        ("file;subject;label\na.edf;1;rest\n", "file;subject;label; commas have to part the col"),
        ("file,subject,label\na.edf,1,rest\n./a.edf,2,rest\n", "line 3: ./a.edf is in line 2 al"),
        ("file,subject,label\n", "labels.csv: lists no file"),
        ("file,subject,label\nb.edf,1,rest\n", "labels.csv, line 2: b.edf is not in the folder"),
        (
            "file,subject,label\na.edf,1,joy\n",
            "line 2: label 'joy' is none of the classes rest, ar",
        ),
        ("file,subject,label\na.edf\n", "line 2: file or subject is empty"),
        (None, "labels.csv: No such file.*; a table with the columns file, subject, label is"),
    ],
)
def test_a_wrong_table_is_told_in_one_line(one_file, table, said):
    if table is not None:
        (one_file / "labels.csv").write_text(table)
    with pytest.raises(RecordingError, match=said) as caught:
        open_dataset(SETTINGS, one_file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_of_spreadsheets_are_read(one_file, encoding, end):
    rows = ["file , subject, label", "a.edf , p1 , rest", ""]
    (one_file / "labels.csv").write_bytes(end.join(rows).encode(encoding))
    (recording,) = open_dataset(SETTINGS, one_file).recordings
    assert (recording.subject, recording.trials[0].label) == ("p1", 0)


def test_a_file_is_no_folder(one_file):
    with pytest.raises(RecordingError, match=r"a\.edf: is a file; the folder that holds the data"):
        open_dataset(SETTINGS, one_file / "a.edf")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"absent: no such data folder"):
        open_dataset(SETTINGS, tmp_path / "absent")
