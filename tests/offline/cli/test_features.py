"""``rtbci features`` and ``rtbci bench features`` as a person runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.features.cache import fingerprint
from offline.features.extract import extract
from offline.features.recipes import recipe_for
from rtbci.recipe import Recipe
from tests.offline.features.sessions import DATASET, opened, write_session
from tests.system import rtbci

EEGMAT = DATASET.with_name("eegmat.yaml")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("RTBCI_CACHE", str(folder))
    return folder


def row(table: str, name: str) -> list[str]:
    (found,) = re.findall(rf"^│ +{name} +│(.*)│$", table, re.MULTILINE)
    return [cell.strip() for cell in found.split("│")]


def test_a_data_set_is_computed_once_for_each_window(tmp_path, cache):
    for number in (1, 2):
        write_session(tmp_path / "data", f"{number}_20240101.mat", seed=number)
    words = ("features", DATASET, "--root", tmp_path / "data", "--window", "0.5", "--window", "1")
    first = rtbci(*words, "--hop", "0.2", "--jobs", "2")
    assert (first.returncode, first.stderr) == (0, "")
    assert row(first.stdout, "recordings") == ["2", "2"]
    assert row(first.stdout, "windows") == [str(2 * 58), str(2 * 56)]  # 12 s, one each 0.2 s
    assert row(first.stdout, "minutes of EEG") == ["0.4", "0.4"]
    assert row(first.stdout, "were in the cache") == ["0", "0"]
    assert row(first.stdout, "processes") == ["2", "2"]
    assert f"cache: {cache / 'features'}, 0.0" in first.stdout
    settings = load_dataset_settings(DATASET)
    for window_s in (0.5, 1):
        recipe = recipe_for(Recipe(window_s=window_s, hop_s=0.2), settings)
        for recording in opened(tmp_path / "data"):
            entry = cache / "features" / f"{fingerprint(recording, recipe)}.npy"
            assert np.array_equal(np.load(entry, mmap_mode="r"), extract(recording, recipe).maps)
    second = rtbci(*words, "--hop", "0.2")
    assert row(second.stdout, "were in the cache") == ["2", "2"]


@pytest.mark.usefixtures("cache")
def test_the_arrays_of_real_recordings_are_the_signal_path_s(tmp_path, shared_data):
    root, output = tmp_path / "data", tmp_path / "out"
    root.mkdir()
    names = [f"Subject{subject:02d}_{part}.edf" for subject in (0, 1) for part in (1, 2)]
    for name in names:
        (root / name).symlink_to(shared_data("eegmat_200hz") / name)
    rows = [f"{name},{name[7:9]},{'rest' if '_1' in name else 'arithmetic'}" for name in names]
    (root / "labels.csv").write_text("\n".join(["file,subject,label", *rows]))
    recipe_file = tmp_path / "recipe.yaml"
    recipe_file.write_text(yaml.safe_dump({"reference": "average"}))
    words = ("--root", root, "--psd", "--recipe", recipe_file, "--output", output)
    done = rtbci("features", EEGMAT, *words)
    assert (done.returncode, done.stderr) == (0, "")
    settings = load_dataset_settings(EEGMAT)
    recipe = recipe_for(Recipe(features=("de", "psd"), reference="average"), settings)
    recordings = open_dataset(settings, root).recordings
    files = sorted(output.iterdir())
    assert [file.name[5:17] for file in files] == [f"{Path(name).stem}_" for name in names]
    for file, recording in zip(files, recordings, strict=True):
        expected = extract(recording, recipe)
        with np.load(file) as held:
            for name in ("maps", "label", "trial", "last", "bad"):
                assert np.array_equal(held[name], getattr(expected, name)), name
            assert Recipe.model_validate_json(str(held["recipe"])) == recipe
            assert json.loads(str(held["recipe"]))["reference"] == "average"
            assert held["channels"].tolist() == list(recipe.channels)
            assert held["planes"].tolist() == list(recipe.planes)
            assert held["classes"].tolist() == ["rest", "arithmetic"]
            assert (float(held["sfreq"]), str(held["subject"])) == (200, recording.subject)
            assert "covariances" not in held


@pytest.mark.usefixtures("cache")
def test_what_cannot_be_read_stops_all_or_is_left_out_and_named(tmp_path):
    root = tmp_path / "data"
    for number in (1, 2):
        damaged = write_session(root, f"{number}_20240101.mat", seed=number)
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    stopped = rtbci("features", DATASET, "--root", root)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    (line,) = stopped.stderr.splitlines()
    assert line.startswith("rtbci: ")
    assert "2_20240101.mat" in line
    done = rtbci("features", DATASET, "--root", root, "--keep-going")
    assert done.returncode == 0
    assert row(done.stdout, "recordings") == ["1"]
    assert row(done.stdout, "left out") == ["1"]
    assert re.search(r"^left out: .*2_20240101.mat", done.stdout, re.MULTILINE)
    (root / "Preprocessed_EEG" / "1_20240101.mat").unlink()
    none = rtbci("features", DATASET, "--root", root, "--keep-going")
    assert (none.returncode, none.stdout) == (1, "")
    assert "no " in none.stderr


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--window", "0"), "window_s = 0"),
        (("--hop", "61"), "hop_s = 61"),
        (("--recipe", "absent.yaml"), "absent.yaml: No such file"),
    ],
)
def test_a_wrong_number_or_file_is_told_in_one_line(tmp_path, words, said):
    done = rtbci("features", DATASET, "--root", tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert said in line


@pytest.mark.slow
def test_the_benchmark_says_where_the_time_went(cache):
    done = rtbci("bench", "features", "--files", "1", "--jobs", "1", timeout=280)
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("1 simulated files", "hashing", "reading", "signal path", "writing", "GB"):
        assert said in done.stdout
    assert "scaled to 45 files, not measured" in done.stdout
    assert re.search(r"SciPy, a map each 0.1 s +[\d.]+ s  ratio [\d.]+", done.stdout)
    assert not list(cache.glob("bench-*"))
