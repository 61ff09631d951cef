from __future__ import annotations

import re
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pylsl
import pytest
import scipy.io
import typer
from typer.testing import CliRunner

from offline.generators import Real, save_generator
from offline.generators.average import Average, AverageSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from replay.cli import replay
from rtbci.errors import RtbciError
from rtbci.recipe import Recipe

COMMAND = [sys.executable, "-c", "import typer, replay.cli; typer.run(replay.cli.replay)"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds in SEED's layout."""
    path = tmp_path / "rec.mat"
    scipy.io.savemat(path, {"a_eeg1": np.arange(62 * 400.0).reshape(62, 400)})
    return path


def refused(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(replay)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, RtbciError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--speed", "0"], "--speed 0"),
        (["--speed", "-2"], "--speed -2"),
        (["--chunk", "0"], "--chunk 0"),
        (["--start", "2"], "--start 2 .*lasts 2 s"),
        (["--stop", "2.5"], "--stop 2.5 .*lasts 2 s"),
        (["--start", "1", "--stop", "1"], "--stop 1 "),
        (["--seed", "1"], "for the simulator and generators only"),
        (["--script", "neutral 3"], "for the simulator and generators only"),
        (["--reference", "simulator"], "for generators only"),
        (["--channels", "FP1"], "for the simulator only"),
        (["--sfreq", "128"], "for the simulator only"),
    ],
)
def test_a_wrong_option_is_refused(recording: Path, arguments: list[str], said: str) -> None:
    assert re.search(said, refused(recording, *arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--start", "1"], "for recordings only"),
        (["--loop"], "for recordings and scripts only"),
        (["--script", "happy 3"], "no emotion 'happy'; there are negative, neutral, positive"),
        (["--script", "neutral"], "not an emotion and its seconds"),
        (["--reference", "x.edf"], "for generators only"),
        (["--unit", "V"], "for recordings only"),
        (["--sfreq", "-1"], "-1"),
        (["--channels", "FP1,NOWHERE"], "NOWHERE"),
        (["--stop", "0"], "--stop 0"),
    ],
)
def test_a_wrong_option_of_the_simulator_is_refused(arguments: list[str], said: str) -> None:
    assert said in refused("simulator", *arguments)


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "absent.edf: no such file" in refused(str(tmp_path / "absent.edf"))


@pytest.fixture
def maps_only(tmp_path: Path) -> Path:
    """A generator of maps that cannot edit any."""
    recipe = Recipe(channels=("FP1", "OZ"))
    labels = np.repeat([0, 1, 2], 6)
    x = np.random.default_rng(0).normal(size=(18, *recipe.map_shape))
    generator = Gaussian(recipe, GaussianSettings()).fit(Real(x, labels, np.arange(18) // 2))
    path = tmp_path / "maps.pt"
    save_generator(path, generator, {})
    return path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a generator of the kind gaussian makes maps, no signal"),
        (["--reference", "simulator"], "for generators that edit maps; maps.pt does not"),
        (["--script", "happy 3"], "no emotion 'happy'; there are negative, neutral, positive"),
        (["--start", "1"], "for recordings only"),
        (["--channels", "FP1"], "for the simulator only"),
    ],
)
def test_a_generator_that_cannot_play_is_refused(
    maps_only: Path, arguments: list[str], said: str
) -> None:
    assert said in refused(str(maps_only), *arguments)


def test_a_reference_without_a_name_is_not_the_simulator(tmp_path: Path) -> None:
    recipe, rng = Recipe(channels=("FP1", "OZ")), np.random.default_rng(0)
    real = Real(rng.normal(size=(18, *recipe.map_shape)), np.arange(18) % 3, np.arange(18))
    save_generator(tmp_path / "average.PT", Average(recipe, AverageSettings()).fit(real), {})
    told = refused(str(tmp_path / "average.PT"), "--unit", "uV")
    assert told == "--unit is for recordings: the simulator's is microvolts"
    assert ".: not a known format" in refused(str(tmp_path / "average.PT"), "--reference", "")


def test_a_file_that_is_no_generator_is_refused(tmp_path: Path) -> None:
    assert "absent.pt: No such file" in refused(str(tmp_path / "absent.pt"))
    (tmp_path / "other.pt").write_bytes(b"other")
    assert "other.pt: no generator" in refused(str(tmp_path / "other.pt"))


def test_a_recording_is_streamed_to_its_end(recording: Path) -> None:
    name = f"test-{uuid.uuid4().hex}"
    process = subprocess.Popen(
        [*COMMAND, recording, "--name", name, "--speed", "4", "--stop", "1.5"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = pylsl.resolve_byprop("name", name, timeout=60)
    inlet = pylsl.StreamInlet(found[0])
    samples, _ = inlet.pull_chunk(timeout=20, max_samples=300)
    wanted = np.arange(62 * 400.0).reshape(62, 400)[:, :300].T
    np.testing.assert_array_equal(np.array(samples), wanted)
    out, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == ""
    first = said.splitlines()[0]
    for part in (name, "rec.mat", "62 channels", "200 Hz", "1.5 s", "4 times", "waiting"):
        assert part in first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", ["--wait", "--no-wait"])
def test_a_signal_ends_it_cleanly(number: signal.Signals, wait: str) -> None:
    name = f"test-{uuid.uuid4().hex}"
    process = subprocess.Popen(
        [*COMMAND, "simulator", "--channels", "FP1,FP2", "--sfreq", "128", "--name", name, wait],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert pylsl.resolve_byprop("name", name, timeout=60)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "simulated" in said
