from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from typer.testing import CliRunner

from offline.cli.dataset import app
from offline.datasets.registry import packaged_datasets
from replay.simulator.dataset import SEED_LABELS, write_seed_dataset
from rtbci.cli.processes import command
from rtbci.errors import ConfigError, RecordingError

SEED_SECONDS = (235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("simulated")
    write_seed_dataset(root, subjects=2, sessions=2, trials=3, trial_s=6.0)
    (root / "Preprocessed_EEG" / "2_20240116.mat").unlink()
    return root


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, its output piped."""
    return subprocess.run(
        command("dataset", *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "COLUMNS"},
    )


def say(*arguments: object) -> str:
    """Run the command in this process; an error comes through as it is."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_check_says_what_is_there_and_what_is_missing(simulated):
    done = run("check", simulated)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{simulated} looks like --dataset simulated"
    assert lines[1] == "simulated emotions: 2 subjects, 3 recordings, 9 trials"
    assert lines[2] == "0.9 min, 0.9 min of it in labelled trials; 200 Hz"
    assert lines[3] == "simulated data: no brain made them"
    rows = [line.strip("│").split("│") for line in lines if line.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells == [["1", "1 2", "2", "2", "2", "0.6"], ["2", "1 -", "1", "1", "1", "0.3"]]
    assert lines[-3:] == [
        "subject 2: no session 2",
        "channels: all 62 in every recording",
        "nothing odd",
    ]
    assert max(len(line) for line in lines[1:]) <= 80


def test_check_lists_what_it_cannot_use_and_fails(simulated, tmp_path):
    folder = tmp_path / "Preprocessed_EEG"
    folder.mkdir()
    for file in ("1_20240108.mat", "label.mat"):
        (folder / file).write_bytes((simulated / "Preprocessed_EEG" / file).read_bytes())
    (folder / "9_20240108.mat").write_bytes(b"no data")
    (folder / "3_20240108.mat").write_bytes((folder / "1_20240108.mat").read_bytes())
    done = run("check", tmp_path, "--dataset", "simulated")
    assert done.returncode == 1
    assert done.stderr == f"rtbci: {tmp_path}: 1 file cannot be used, see the list\n"
    assert "cannot be used:\n  Preprocessed_EEG/9_20240108.mat: cannot be read" in done.stdout
    assert "odd:\n  3_20240108.mat: the same samples as 1_20240108.mat\n" in done.stdout


def test_export_and_check_of_what_was_exported(simulated, tmp_path):
    out = tmp_path / "out"
    said = say("export", simulated, "--output", out, "--subject", "1")
    assert f"6 trials written to {out}\n" in said
    assert said.endswith(f"to read them: --dataset {out / 'dataset.yaml'}\n")
    assert (out / "sub-1_ses-2_trial-02_neutral_raw.fif").is_file()
    said = say("check", out)
    assert said.startswith(f"{out} says in its dataset.yaml what it is\n")
    assert said.endswith(say("check", out, "--dataset", out / "dataset.yaml"))
    assert "simulated emotions: 1 subject, 6 recordings, 6 trials" in said
    assert "nothing odd" in said


def test_export_says_how_many_trials_have_no_label(simulated, tmp_path):
    text = packaged_datasets()["simulated"].read_text("utf-8")
    few = tmp_path / "few.yaml"
    lines = text.replace("labels: {-1: negative, 0: neutral, 1: positive}", "labels: {1: positive}")
    assert lines != text
    few.write_text(lines, "utf-8")
    said = say("export", simulated, "--dataset", few, "-o", tmp_path / "out")
    assert "3 trials written" in said
    assert "6 trials without a label left out" in said


def test_the_data_folder_is_never_written_to(simulated):
    with pytest.raises(RecordingError, match="holds the data themselves"):
        say("export", simulated, "--overwrite", "-o", simulated / "Preprocessed_EEG" / "..")


def test_seed_is_told_from_what_is_simulated_in_its_layout(tmp_path):
    folder = tmp_path / "Preprocessed_EEG"
    folder.mkdir()
    trials = {
        f"ww_eeg{k}": np.zeros((62, seconds * 200), np.int8)
        for k, seconds in enumerate(SEED_SECONDS, start=1)
    }
    for name in ("1_20131027", "1_20131030"):
        scipy.io.savemat(folder / f"{name}.mat", trials, do_compression=True)
    trials["ww_eeg3"] = trials["ww_eeg3"][:, :9000]  # would do for the simulated set only
    scipy.io.savemat(folder / "2_20140404.mat", trials, do_compression=True)
    scipy.io.savemat(folder / "label.mat", {"label": np.array([SEED_LABELS])})
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(result.exception, RecordingError)
    assert result.stdout.startswith(f"{tmp_path} looks like --dataset seed\nSEED: 1 subject,")
    assert "2_20140404.mat" in result.stdout


def test_a_folder_that_looks_like_nothing_is_said_to(tmp_path):
    with pytest.raises(RecordingError, match=r"looks like none of .*eegmat, .*seed.*--dataset"):
        say("check", tmp_path)
    with pytest.raises(RecordingError, match="absent: no such data folder"):
        say("check", tmp_path / "absent")


def test_a_name_that_is_no_data_set_is_told_with_those_that_are(tmp_path):
    with pytest.raises(ConfigError, match=r"called 'sed'; there are .*eegmat, .*seed"):
        say("check", tmp_path, "--dataset", "sed")
    with pytest.raises(ConfigError, match="none.yaml: No such file"):
        say("check", tmp_path, "--dataset", tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("layout: [seed]\n")
    with pytest.raises(ConfigError, match=r"list.yaml: layout = \['seed'\]; allowed are seed"):
        say("check", tmp_path, "--dataset", tmp_path / "list.yaml")


def test_what_cannot_be_used_is_not_counted_as_to_be_interpolated(tmp_path):
    write_folder(tmp_path, ("FZ", "CZ", "PZ"), ("FZ", "CZ", "PZ"), ("X1", "X2", "X3"))
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(result.exception, RecordingError)
    assert "made: 2 subjects, 2 recordings, 2 trials" in result.stdout
    assert "channels: all 3 in every recording" in result.stdout


def test_what_is_said_of_many_files_is_said_once(tmp_path):
    write_folder(tmp_path, *[("FZ", "CZ", "PZ")] * 5)
    assert "\nodd:\n  0_raw.fif, 1_raw.fif and 3 more: trial 1: shorter than 5 s\n" in say(
        "check", tmp_path
    )


def write_folder(root: Path, *channels: tuple[str, ...]) -> None:
    """Write a recording of 4 s for each of these lists of channels, and what they are."""
    import mne

    rows = ["file,subject,label"]
    for number, names in enumerate(channels):
        samples = 2e-5 * np.random.default_rng(number).normal(size=(len(names), 800))
        raw = mne.io.RawArray(samples, mne.create_info(list(names), 200, "eeg"), verbose="error")
        raw.save(root / f"{number}_raw.fif", verbose="error")
        rows.append(f"{number}_raw.fif,{number},{'ab'[number % 2]}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    settings = "layout: folder\nname: made\nclasses: [a, b]\nchannels: [FZ, CZ, PZ]\n"
    (root / "dataset.yaml").write_text(settings)
