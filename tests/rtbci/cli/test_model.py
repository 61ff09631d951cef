from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from rtbci.cli.app import build
from rtbci.cli.speed import measure, sfreq_for
from rtbci.errors import ModelFileError, RecipeError
from rtbci.model.file import Model, Output, load_model, save_model
from rtbci.recipe import Band, Calibration, HiddenMarkov, RawSignal, Recipe
from rtbci.signal.normalisation import Statistics
from tests.system import make_model

CHANNELS = ("F3", "FZ", "F4", "C3", "CZ")
TRAINED = {
    "dataset": "simulated emotions",
    "simulated": True,
    "subjects": 3,
    "split": {"by": "session", "test": "last", "validation": 0.2},
    "trials": {"train": 72, "validation": 18, "test": 45},
    "model": {"kind": "graph", "order": 3},
    "chosen": {"best_epoch": 5},
    "seed": 7,
    "date": "2026-01-02T03:04:05+00:00",
    "versions": {"rtbci": "0.1.0", "torch": "2.13.0"},
    "smoothing_lag_s": 1.25,
    "validation": {"windows": 30, "accuracy": 0.9, "balanced_accuracy": 0.8, "brier": 0.25},
    "test": {
        "windows": 40,
        "accuracy": 0.7,
        "balanced_accuracy": 0.6,
        "expected_calibration_error": 0.0625,
        "answered": {"coverage": 0.75, "balanced_accuracy": 0.875},
    },
}


class Sum(torch.nn.Module):
    """Logits from whatever is seen: the sums over all its numbers, class by class."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.ones(3, size))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return seen.flatten(1).float() @ self.weights.T


def made(path: Path, size: int, sees="maps", training=TRAINED, output=None, **recipe) -> Model:
    recipe = Recipe(channels=CHANNELS, **recipe)
    shape = recipe.map_shape
    statistics = Statistics(np.zeros(shape), np.ones(shape), np.ones(shape[1]))
    save_model(path, Sum(size), recipe, statistics, training, sees=sees, output=output)
    return load_model(path)


def shown(*words: object) -> str:
    done = CliRunner().invoke(build(), ["model", "show", *map(str, words)], prog_name="rtbci")
    assert done.exit_code == 0, done.exception
    return done.stdout


def rows(text: str) -> dict[str, str]:
    """Return what stands beside each name, lines that go on joined."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line or line[0] in "┏┡└│┃":
            continue
        if not line.startswith(" "):
            name, _, rest = line.partition("  ")
            found[name] = rest.strip()
        elif name:
            found[name] += f" {line.strip()}"
    return found


def test_a_model_tells_what_it_recognises_how_well_and_where_it_comes_from(tmp_path):
    path = tmp_path / "mine.pt"
    made(
        path,
        size=2 * 10 * 5,
        segments=2,
        features=("de", "psd"),
        smoothing=HiddenMarkov(kind="hmm", dwell_s=20),
        output=Output(temperature=1.5, abstain_below=0.625),
    )
    text = shown(path)
    told = rows(text)
    assert told["name"] == "mine"
    assert told["kind"] == "graph, which sees maps"
    assert told["parameters"] == "300"
    assert told["file"] == f"{path.stat().st_size / 1e3:.0f} kB"
    assert told["classes"] == "negative, neutral, positive"
    assert told["channels"] == "5: F3 FZ F4 C3 CZ"
    assert told["bands"] == "delta 1-4, theta 4-8, alpha 8-14, beta 14-31, gamma 31-50 Hz"
    assert told["features"] == "DE, PSD"
    assert told["window"] == "1 s, a prediction each 0.1 s"
    assert told["segments"] == "2, one each 0.5 s"
    assert told["normalisation"] == "adaptive, time constant 100 s"
    assert told["calibration"] == "none needed"
    assert told["smoothing"] == "kind hmm, dwell s 20; a change is told typically 1.2 s later"
    assert told["temperature"] == "1.5"
    assert told["abstains"] == "below a probability of 0.625"
    assert told["data set"] == "simulated emotions (simulated), 3 people"
    assert told["held out"] == "by session, test last, validation 0.2"
    assert told["seed"] == "7"
    assert told["trained"] == "2026-01-02T03:04:05+00:00"
    assert told["with"] == "rtbci 0.1.0, torch 2.13.0"
    assert "5 channels at 200 Hz" in told["timed on"]
    for name in ("network alone", "samples to prediction"):
        assert "ms median" in told[name]
    table = [[cell.strip() for cell in line.split("│")[1:4]] for line in text.splitlines()]
    for row in (
        ["windows", "30", "40"],
        ["accuracy", "90.0 %", "70.0 %"],
        ["balanced accuracy", "80.0 %", "60.0 %"],
        ["calibration error (ECE)", "-", "6.2 %"],
        ["Brier score", "0.250", "-"],
        ["answered", "-", "75.0 %"],
        ["balanced accuracy of these", "-", "87.5 %"],
    ):
        assert row in table
    assert "say nothing about real brains" in text


def test_a_model_that_came_without_a_history_is_shown_too(tmp_path):
    make_model(tmp_path / "bare.pt", channels=CHANNELS)
    told = rows(shown(tmp_path / "bare.pt"))
    assert told["kind"] == "TinyNetwork, which sees maps"
    assert (told["abstains"], told["smoothing"]) == ("never", "none")
    assert "data set" not in told


def test_json_holds_all_there_is_and_is_strict(tmp_path):
    path = tmp_path / "mine.pt"
    training = TRAINED | {"loss": [math.nan, math.inf, 1.0]}
    model = made(path, size=25, training=training, output=Output(temperature=0.5))

    def refuse(constant):
        raise AssertionError(constant)

    found = json.loads(shown(path, "--json", "--sfreq", 250), parse_constant=refuse)
    assert found["recipe"] == json.loads(model.recipe.model_dump_json())
    assert found["training"] == TRAINED | {"loss": [None, None, 1.0]}
    assert (found["temperature"], found["abstain_below"]) == (0.5, 0)
    assert (found["parameters"], found["bytes"]) == (75, path.stat().st_size)
    speed = found["speed"]
    assert (speed["sfreq"], speed["threads"]) == (250, 1)
    assert speed["processor"]
    for part in ("network", "hop"):
        assert 0 < speed[part]["median_ms"] <= speed[part]["p99_ms"]


@pytest.mark.parametrize(
    ("sees", "size", "recipe"),
    [
        ("maps", 4 * 25, {"segments": 4, "hop_s": 0.25}),
        ("signal", 5 * 64, {"signal": RawSignal(sfreq=64, high=25)}),
        ("covariances", 5 * 25, {"covariance": True, "hop_s": 1.0}),
        (
            "covariances",
            5 * 25,
            {"covariance": True, "calibration": Calibration(classes=("neutral",), seconds=30)},
        ),
        ("maps", 25, {"calibration": Calibration(classes=("neutral",), seconds=30)}),
    ],
)
def test_every_kind_of_model_can_be_timed(tmp_path, sees, size, recipe):
    model = made(tmp_path / "any.pt", size, sees, **recipe)
    threads = torch.get_num_threads()
    found = measure(model, 200.0)
    assert 0 < found.network.median_ms <= found.hop.p99_ms
    assert torch.get_num_threads() == threads


def test_a_block_of_calibration_is_told(tmp_path):
    path = tmp_path / "mine.pt"
    made(path, 25, calibration=Calibration(classes=("neutral", "positive"), seconds=30))
    assert rows(shown(path))["calibration"] == "30 s of neutral and positive"


def test_a_model_of_fast_rhythms_is_timed_at_a_rate_that_has_them(tmp_path):
    fast = Recipe(bands=(Band(name="fast", low=60, high=120),))
    assert sfreq_for(fast) == 300
    assert sfreq_for(Recipe()) == 200
    assert sfreq_for(Recipe(signal=RawSignal(sfreq=256))) == 256
    path = tmp_path / "mine.pt"
    made(path, 5, bands=fast.bands)
    assert "at 300 Hz" in shown(path)
    with pytest.raises(RecipeError, match="reaches the Nyquist frequency"):
        measure(load_model(path), 200.0)


def test_what_is_no_model_file_is_told_in_one_line(tmp_path):
    path = tmp_path / "mine.pt"
    for content in (None, b"no model"):
        if content is not None:
            path.write_bytes(content)
        done = CliRunner().invoke(build(), ["model", "show", str(path)])
        assert isinstance(done.exception, ModelFileError)
        assert str(done.exception).startswith(f"{path}: ")
        assert done.stdout == ""


@pytest.mark.slow
def test_the_command_needs_no_training_code(tmp_path):
    make_model(tmp_path / "mine.pt", channels=CHANNELS)
    program = (
        "import sys; sys.modules.update(offline=None, replay=None);"
        f"sys.argv = ['rtbci', 'model', 'show', {str(tmp_path / 'mine.pt')!r}, '--json'];"
        "from rtbci.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["name"] == "mine"
