from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from offline.cli.evaluate import evaluate
from replay.simulator.dataset import write_seed_dataset
from rtbci.errors import ConfigError, RecordingError
from tests.system import rtbci, started

pytestmark = pytest.mark.usefixtures("one_cache")
CONFIGS = Path(__file__).parents[3] / "configs"
RECIPE = {"channels": ["F7", "F3", "FZ", "F4", "F8", "T7", "C3", "C4", "T8", "PZ"], "hop_s": 1.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_seed_dataset(root, subjects=3, sessions=2, trials=6, trial_s=8.0)
    return root


def config(folder: Path, data: Path, **changes) -> Path:
    content = {
        "datasets": [str(CONFIGS / "datasets" / "simulated.yaml")],
        "roots": [str(data)],
        "output": "found",
        "recipe": RECIPE,
        "protocol": {"kind": "sessions", "validation_share": 0.3},
        "recognisers": ["logistic-regression", "naive-bayes"],
        "controls": {"permutations": 199},
    }
    path = folder / "evaluate.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def say(*words: object) -> str:
    """Run the command in this process; an error comes through as it is."""
    app = typer.Typer()
    app.command()(evaluate)
    result = CliRunner().invoke(app, [*map(str, words), "--jobs", "1"])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def metrics(folder: Path) -> dict:
    found = json.loads((folder / "metrics.json").read_text())
    del found["provenance"]["date"]
    return found


def test_an_evaluation_shows_its_figures_and_says_what_they_are(tmp_path, data):
    block = {"classes": ["neutral"], "seconds": 3.0}
    smoothed = RECIPE | {"calibration": block, "smoothing": {"kind": "hmm", "dwell_s": 5.0}}
    path = config(tmp_path, data, recipe=smoothed, explain=True)
    done = rtbci("evaluate", path, "--jobs", "2", timeout=200)
    assert done.returncode == 0, done.stderr
    assert "simulated data | simulated emotions: leave one session out" in done.stdout
    for name in ("naive-bayes", "trivial"):
        assert name in done.stdout
    assert f"report: {tmp_path / 'found' / 'report.html'}" in done.stdout
    report = (tmp_path / "found" / "report.html").read_text("utf-8")
    assert "simulated data" in report
    assert "leave one session out" in report
    found = metrics(tmp_path / "found")
    assert found["simulated"] is True
    assert list(found["recognisers"]) == ["logistic-regression", "naive-bayes", "trivial"]
    assert found["provenance"]["recipe"]["channels"] == RECIPE["channels"]
    assert found["provenance"]["recipe"]["calibration"]["seconds"] == 3.0
    for name in ("logistic-regression", "naive-bayes"):
        assert "looks_at" in found["recognisers"][name]
    assert "lag" in done.stdout


def test_a_stopped_evaluation_goes_on_and_ends_the_same(tmp_path, data):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for folder in (whole, stopped):
        folder.mkdir()
    say(config(whole, data))
    outcomes = stopped / "found" / "outcomes"
    with started("evaluate", config(stopped, data), "--jobs", "1") as process:
        deadline = time.monotonic() + 100
        while not (outcomes.is_dir() and any(outcomes.glob("*.npz"))):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert (process.returncode, said) == (1, "rtbci: stopped before it was done\n")
    before = {file: file.stat().st_mtime_ns for file in outcomes.glob("*.npz")}
    assert not (stopped / "found" / "metrics.json").exists()
    say(config(stopped, data))
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in before.items())
    assert len(list(outcomes.iterdir())) == len(list((whole / "found" / "outcomes").iterdir()))
    assert metrics(stopped / "found") == metrics(whole / "found")


def test_another_protocol_is_found_in_a_folder_of_its_own(tmp_path, data):
    path = config(tmp_path, data, recognisers=["naive-bayes"])
    shown = say(path, "--protocol", "random-windows")
    assert "LEAKY" in shown
    found = tmp_path / "found" / "random-windows"
    assert metrics(found)["leaky"] is True
    assert "LEAKY" in (found / "report.html").read_text("utf-8")


def test_a_damaged_file_stops_it_or_is_left_out_and_named(tmp_path, data):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    broken = min((copy / "Preprocessed_EEG").glob("1_*.mat"))
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    path = config(
        tmp_path, copy, recognisers=["naive-bayes"], protocol={"kind": "leave-one-subject-out"}
    )
    with pytest.raises(RecordingError, match=broken.name):
        say(path)
    assert f"left out: {broken}" in say(path, "--keep-going")
    (left_out,) = metrics(tmp_path / "found")["left_out"]
    assert left_out["name"] == broken.name
    assert broken.name in (tmp_path / "found" / "report.html").read_text("utf-8")


def test_trained_on_one_data_set_and_tested_on_another(tmp_path, data):
    others = tmp_path / "others"
    write_seed_dataset(others, subjects=1, sessions=1, trials=6, trial_s=8.0, seed=9)
    other = tmp_path / "other.yaml"
    content = yaml.safe_load((CONFIGS / "datasets" / "simulated.yaml").read_text())
    other.write_text(yaml.safe_dump(content | {"name": "others"}))
    path = config(
        tmp_path,
        data,
        test_datasets=[str(other)],
        roots=[str(data), str(others)],
        protocol={"kind": "datasets", "validation_share": 0.4},
        recognisers=["logistic-regression"],
    )
    assert "simulated emotions to others" in say(path)
    tested = metrics(tmp_path / "found")["recognisers"]["logistic-regression"]["per_subject"]
    assert set(tested) == {"others/1"}
    with pytest.raises(ConfigError, match="emotions/1, .*subject others/1, .* same recording"):
        say(path, "--root", data, "--root", data)


def test_what_cannot_be_done_is_one_line(tmp_path, data):
    path = config(tmp_path, data)
    with pytest.raises(ConfigError, match="subject 1, session 1: 6 labelled trials, 15 are needed"):
        say(path, "--protocol", "trials-9-6")
    with pytest.raises(ConfigError, match="2 data folders for 1 data sets"):
        say(path, "--root", data, "--root", data)
    with pytest.raises(ConfigError, match="output .*evaluate.yaml: cannot be written"):
        say(path, "--output", path)
