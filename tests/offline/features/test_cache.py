from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from offline.datasets.recording import Origin, Trial, recording_of
from offline.features.cache import extract_all, extract_each, fingerprint, load_or_extract
from offline.features.entry import StoredArray
from offline.features.extract import extract, relabelled
from rtbci.errors import ChannelError, RecordingError
from rtbci.recipe import SEED_BANDS, Calibration, HiddenMarkov, Normalisation, RawSignal, Recipe
from rtbci.signal.path import SignalPath
from rtbci.signal.raw import PointWindows, window_points
from tests.offline.features.sessions import RECIPE, opened, session, write_session

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "cache"


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npy"))


def changed(recipe: Recipe = RECIPE, **changes) -> Recipe:
    return Recipe.model_validate(recipe.model_dump() | changes)


def assert_same(found, expected):
    arrays = ("maps", "bad", "last", "label", "trial", "covariances", "points", "first_point")
    for name in arrays:
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert one.dtype == other.dtype
            assert np.array_equal(one, other), name
    for name in ("window", "settling", "window_points"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        changed(features=("psd", "de"), covariance=True, signal=RawSignal(sfreq=100)),
        changed(hop_s=0.25),
        changed(signal=RawSignal()),
    ],
)
def test_features_from_the_cache_are_the_signal_path_s_bit_for_bit(tmp_path, folder, recipe):
    recording = session(tmp_path)
    expected = extract(recording, recipe)
    assert len(expected) > 40
    assert set(expected.label) == {-1, 0, 1, 2}
    for _ in range(2):
        found = load_or_extract(recording, recipe, folder)
        assert_same(found, expected)
        assert isinstance(found.maps, np.memmap)
        assert not found.maps.flags.writeable
    (entry,) = entries(folder)
    assert np.array_equal(np.load(entry, mmap_mode="r"), expected.maps)


def test_windows_of_the_signal_come_out_of_the_cache_as_live_has_them(tmp_path, folder):
    recording = session(tmp_path)
    recipe = changed(signal=RawSignal(), window_s=0.7)
    path = SignalPath(recipe, 200.0, recording.channels)
    windows = PointWindows(window_points(recipe), len(recipe.channels))
    live = []
    for start in range(0, recording.n_samples, 37):
        maps = path.push(recording.read()[:, start : start + 37].T)
        live.append(windows.push(maps.points, maps.first_point))
    expected = np.concatenate(live)
    assert expected.shape[1:] == (4, 90)
    load_or_extract(recording, recipe, folder)
    found = load_or_extract(recording, recipe, folder)
    assert isinstance(found.held_points, StoredArray)
    assert not found.points.flags.writeable
    rows = np.random.default_rng(0).permutation(len(found))
    assert found.signal_windows(rows).dtype == np.float32
    assert np.array_equal(found.signal_windows(rows), expected[rows])
    assert found.signal_windows(rows[:0]).shape == (0, 4, 90)
    # Windows overlap by much, and the points are there once.
    (entry,) = entries(folder)
    assert entry.stat().st_size < expected.nbytes
    with pytest.raises(ValueError, match="did not ask for the signal"):
        load_or_extract(recording, RECIPE, folder).signal_windows(rows)


def test_the_second_time_nothing_is_computed(tmp_path, folder):
    recording = session(tmp_path)
    load_or_extract(recording, RECIPE, folder)

    def refuse():
        raise AssertionError("read again")

    again = replace(recording, blocks=refuse)
    assert len(load_or_extract(again, RECIPE, folder)) > 40


# A change of each of the recipe's fields, and whether it changes the maps.
CHANGES = {
    "classes": (("a", "b", "c"), False),
    "grid": ("8x9", False),
    "normalisation": (Normalisation(kind="training"), False),
    "smoothing": (HiddenMarkov(kind="hmm"), False),
    "segments": (3, False),
    "segment_s": (1.0, False),
    "shrinkage": (0.2, False),
    "calibration": (Calibration(classes=("neutral",)), False),
    "channels": (("F4", "FZ", "F3", "PZ"), True),
    "bands": (SEED_BANDS[1:], True),
    "filter_order": (4, True),
    "window_s": (0.5, True),
    "hop_s": (0.2, True),
    "reference": ("average", True),
    "notch_hz": (50.0, True),
    "variance_floor": (1e-3, True),
    "interpolate": (0.1, True),
    "features": (("de", "psd"), True),
    "covariance": (True, True),
    "signal": (RawSignal(), True),
}


@pytest.mark.parametrize("field", sorted(Recipe.model_fields))
def test_recipes_share_an_entry_where_the_maps_are_the_same(tmp_path, folder, field):
    value, matters = CHANGES[field]
    recording = session(tmp_path)
    other = RECIPE.model_copy(update={field: value})
    assert other != RECIPE
    for recipe in (RECIPE, other):
        assert_same(load_or_extract(recording, recipe, folder), extract(recording, recipe))
    assert len(entries(folder)) == 1 + matters


def test_another_content_another_entry_and_another_place_the_same(tmp_path, folder):
    recording = session(tmp_path / "a")
    before = load_or_extract(recording, RECIPE, folder)
    (tmp_path / "a").rename(tmp_path / "b")
    (file,) = (tmp_path / "b" / "Preprocessed_EEG").glob("1_*.mat")
    file.rename(file.with_name("7_20240505.mat"))
    (moved,) = opened(tmp_path / "b")
    assert moved.name == "7_20240505.mat"
    assert_same(load_or_extract(moved, RECIPE, folder), before)
    assert len(entries(folder)) == 1
    write_session(tmp_path / "b", moved.name, seed=1)
    (rewritten,) = opened(tmp_path / "b")
    after = load_or_extract(rewritten, RECIPE, folder)
    assert_same(after, extract(rewritten, RECIPE))
    assert not np.array_equal(after.maps, before.maps)
    assert len(entries(folder)) == 2


def test_a_file_that_pretends_to_be_unchanged_is_found_out(tmp_path, folder):
    recording = session(tmp_path)
    (file,) = recording.origin.files
    before, status = fingerprint(recording, RECIPE, folder), file.stat()
    content = bytearray(file.read_bytes())
    content[5] ^= 1  # in the header's text
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert fingerprint(recording, RECIPE, folder) != before


def test_what_else_a_recording_depends_on_makes_another_entry(tmp_path, folder):
    recording = session(tmp_path)
    swapped = (*reversed(recording.channels[:2]), *recording.channels[2:])
    signals = [RECIPE.model_copy(update={"signal": RawSignal(low=low)}) for low in (0.5, 1.0)]
    assert len({fingerprint(recording, recipe, folder) for recipe in (RECIPE, *signals)}) == 3
    others = [
        recording,
        replace(recording, sfreq=250.0),
        replace(recording, channels=swapped),
        replace(recording, origin=replace(recording.origin, part="unit V")),
        replace(recording, origin=Origin((*recording.origin.files, Path(__file__)))),
    ]
    assert len({fingerprint(each, RECIPE, folder) for each in others}) == len(others)
    renamed = replace(recording, subject="x", session="y", name="z", trials=())
    assert fingerprint(renamed, RECIPE, folder) == fingerprint(recording, RECIPE, folder)


def test_digests_are_remembered_and_a_damaged_memory_is_made_again(tmp_path, folder):
    recording = session(tmp_path)
    true = fingerprint(recording, RECIPE, folder)
    (memo,) = (folder / "digests").iterdir()
    memo.write_text("0" * 64)
    assert fingerprint(recording, RECIPE, folder) != true  # it was not read again
    for damage in (b"", b"abc", b"\xff" * 64, b"0" * 65):
        memo.write_bytes(damage)
        assert fingerprint(recording, RECIPE, folder) == true


def test_labels_are_those_of_today(tmp_path, folder):
    recording = session(tmp_path)
    load_or_extract(recording, RECIPE, folder)
    other = replace(recording, trials=(Trial(900, 2300, 1),))
    found = load_or_extract(other, RECIPE, folder)
    assert_same(found, extract(other, RECIPE))
    assert set(found.label) == {-1, 1}
    assert_same(relabelled(found, recording.trials), extract(recording, RECIPE))
    assert len(entries(folder)) == 1


def test_a_damaged_entry_is_made_again(tmp_path, folder):
    recording = session(tmp_path)
    expected = load_or_extract(recording, RECIPE, folder)
    (entry,) = entries(folder)
    whole = entry.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole[:-3000], b"\x94" + whole[1:]):
        entry.unlink()  # a file of its own, as a disk's damage does not tell of itself
        entry.write_bytes(damaged)
        assert_same(load_or_extract(recording, RECIPE, folder), expected)
        assert entry.read_bytes() == whole


def test_processes_that_make_the_same_entry_at_once_do_no_harm(tmp_path, folder):
    recording = session(tmp_path, seconds=60)
    program = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from tests.offline.features.sessions import RECIPE, opened;"
        "from offline.features.cache import load_or_extract;"
        "found = load_or_extract(opened(Path(sys.argv[1]))[0], RECIPE, Path(sys.argv[2]));"
        "print(len(found), repr(float(found.maps.sum())))"
    )
    words = [sys.executable, "-c", program, str(tmp_path), str(folder)]
    started = [
        subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    expected = extract(recording, RECIPE)
    assert said == [f"{len(expected)} {float(expected.maps.sum())!r}\n"] * 3
    assert [path.suffix for path in folder.iterdir() if path.is_file()] == [".npy"]


def test_a_full_disk_is_told_in_one_line_and_the_features_are_there(tmp_path, folder):
    recording = session(tmp_path, seconds=20)
    program = (
        "import resource, sys; from pathlib import Path;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000));"
        "from tests.offline.features.sessions import RECIPE, opened;"
        "from offline.features.cache import load_or_extract;"
        "found = load_or_extract(opened(Path(sys.argv[1]))[0], RECIPE, Path(sys.argv[2]));"
        "print(len(found), repr(float(found.maps.sum())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = extract(recording, RECIPE)
    assert done.stdout == f"{len(expected)} {float(expected.maps.sum())!r}\n"
    (line,) = done.stderr.splitlines()
    assert "cannot keep the features of 1_20240101.mat (File too large); make room" in line
    assert not [path for path in folder.iterdir() if path.is_file()]


def test_a_cache_that_cannot_be_is_only_warned_of(tmp_path, folder, caplog):
    folder.write_text("a file where the folder should be")
    recording = session(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert_same(load_or_extract(recording, RECIPE, folder), extract(recording, RECIPE))
    (record,) = caplog.records
    assert str(folder) in record.getMessage()


def test_a_recording_of_no_file_is_not_kept(folder):
    samples = np.random.default_rng(0).standard_normal((4, 1000))
    recording = recording_of(samples, 200.0, RECIPE.channels)
    assert_same(load_or_extract(recording, RECIPE, folder), extract(recording, RECIPE))
    assert not folder.exists()
    other = recording_of(samples + 1, 200.0, RECIPE.channels)
    hashes = {fingerprint(each, RECIPE, folder) for each in (recording, other)}
    assert len(hashes) == 2


def test_what_is_no_good_is_refused_with_a_cache_as_without(tmp_path, folder):
    recording = session(tmp_path)
    with pytest.raises(ChannelError, match=r"^1_20240101.mat: .*missing"):
        load_or_extract(replace(recording, channels=("X",) * 62), RECIPE, folder)
    with pytest.raises(RecordingError, match="shorter than one window of 1 s"):
        load_or_extract(session(tmp_path / "short", seconds=0.2), RECIPE, folder)
    for wrong in (recording.n_samples - 100, recording.n_samples + 100):
        with pytest.raises(RecordingError, match=f"holds 2400 of {wrong} samples"):
            load_or_extract(replace(recording, n_samples=wrong), RECIPE, folder)
    assert not entries(folder)


@pytest.fixture
def four(tmp_path):
    for number in range(1, 5):
        write_session(tmp_path / "data", f"{number}_20240101.mat", seed=number)
    return opened(tmp_path / "data")


@pytest.mark.parametrize("jobs", [None, 2])
def test_several_come_in_order_whatever_the_processes(four, folder, jobs):
    done = extract_each(four, RECIPE, jobs, folder=folder)
    assert (done.reused, done.unkept, done.left_out) == (0, 0, ())
    assert done.processes == (jobs or 1)
    for recording, found in zip(four, done.features, strict=True):
        assert_same(found, extract(recording, RECIPE))
        assert isinstance(found.held_maps, StoredArray)  # came from its process as a place
    assert done.taken["signal path"].wall_s > 0
    again = extract_each(four, RECIPE, jobs, folder=folder)
    assert (again.reused, again.processes) == (4, 1)
    assert "signal path" not in again.taken
    assert len(entries(folder)) == 4


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_that_cannot_be_read_stops_all_or_is_left_out(four, folder, jobs):
    good = four[1].origin.files[0]
    content = good.read_bytes()
    good.write_bytes(content[: len(content) // 2])
    four[2].origin.files[0].unlink()
    with pytest.raises(RecordingError, match=r"[23]_20240101.mat") as caught:
        extract_all(four, RECIPE, jobs, folder=folder)
    assert "\n" not in str(caught.value)
    features, left_out = extract_all(four, RECIPE, jobs, keep_going=True, folder=folder)
    assert [each is not None for each in features] == [True, False, False, True]
    assert [each.name for each in left_out] == ["2_20240101.mat", "3_20240101.mat"]
    assert all("\n" not in each.why and each.name in each.why for each in left_out)


def test_the_whole_cache_may_be_deleted(four, folder):
    first, _ = extract_all(four, RECIPE, folder=folder)
    expected = [np.array(each.maps) for each in first]
    shutil.rmtree(folder)
    second, _ = extract_all(four, RECIPE, folder=folder)
    assert all(np.array_equal(a, b.maps) for a, b in zip(expected, second, strict=True))


def test_what_an_ended_process_left_behind_is_swept_up_and_a_live_one_s_is_not(four, folder):
    folder.mkdir()
    for name, age_s in (("old", 7200), ("new", 0)):
        path = folder / f".{name}.npy.abc.part"
        path.write_bytes(b"half")
        written = path.stat().st_mtime - age_s
        os.utime(path, (written, written))
    extract_all(four, RECIPE, folder=folder)
    assert [path.name for path in folder.glob(".*")] == [".new.npy.abc.part"]
