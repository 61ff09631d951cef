from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import typer
import yaml
from typer.testing import CliRunner

from offline.cli.train import train
from offline.experiment import Experiment, run
from offline.learner import Learner
from offline.models.registry import NETWORKS
from offline.training import one_thread
from rtbci.configuration import load_yaml
from rtbci.errors import ConfigError, ModelFileError, RecordingError
from rtbci.model.file import Model, load_model
from rtbci.model.recogniser import Recogniser

CONFIGS = Path(__file__).parents[2] / "configs"
CHANNELS = ["F3", "FZ", "F4", "C3", "CZ", "C4", "PZ"]
LABELS = (1, 0, -1, 0, -1, 1)
TRIAL = 1600  # samples, 8 s


def write_sessions(root: Path, names, seed: int = 0, sign: int = 1) -> None:
    """Write SEED's layout with a wave of 10, 20 or 30 Hz by class, the other way round for -1."""
    folder = root / "Preprocessed_EEG"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    time = np.arange(TRIAL) / 200
    for name in names:
        trials = {}
        for number, label in enumerate(LABELS, start=1):
            wave = 20 * np.sin(2 * np.pi * (20 + 10 * sign * label) * time + rng.random())
            trials[f"xx_eeg{number}"] = 10 * rng.standard_normal((62, TRIAL)) + wave
        scipy.io.savemat(folder / name, trials)
    scipy.io.savemat(folder / "label.mat", {"label": np.array([LABELS])})


# Smoothing holds on to a trial's class in the next one's beginning: errors that it is unsure of.
ABSTAINING = {
    "recipe": {
        "channels": CHANNELS,
        "smoothing": {"kind": "exponential", "time_constant_s": 0.5},
    },
    "abstain": {"accuracy": 1.0},
}
SESSIONS = [f"{subject}_{date}.mat" for subject in (1, 2) for date in (20130101, 20130202)]


@pytest.fixture
def config(tmp_path) -> Path:
    write_sessions(tmp_path / "data", SESSIONS)
    return write_config(tmp_path)


def write_config(folder: Path, **changes) -> Path:
    content = {
        "dataset": str(CONFIGS / "datasets" / "simulated.yaml"),
        "root": "data",
        "output": "models/made.pt",
        "recipe": {"channels": CHANNELS},
        "split": {"by": "session", "test": "last", "validation": 0.3},
        "model": {"kind": "cnn", "widths": [8, 8, 8], "hidden": 8},
        "training": {"epochs": 8, "batch_size": 32, "learning_rate": 0.01},
    }
    path = folder / "train.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def test_the_model_file_knows_where_it_comes_from_and_recognises_the_held_out_session(config):
    result = run(load_yaml(config, Experiment))
    assert result.path == config.parent / "models" / "made.pt"
    assert result.test.balanced_accuracy > 0.9
    model = load_model(result.path)
    assert model.recipe.channels == tuple(CHANNELS)
    assert model.recipe.classes == ("negative", "neutral", "positive")
    told = model.training
    assert (told["dataset"], told["simulated"]) == ("simulated emotions", True)
    assert told["trials"] == {"train": 6, "validation": 6, "test": 12}
    assert told["test"]["balanced_accuracy"] == result.test.balanced_accuracy
    assert told["test"]["windows"] == result.test.windows > 500


def test_a_network_is_not_lost_where_it_cannot_be_written(config, monkeypatch):
    """Neither is it learned twice once it can."""
    experiment = load_yaml(config, Experiment)
    experiment.output.mkdir(parents=True)
    with pytest.raises(ModelFileError, match="made.pt"):
        run(experiment)
    experiment.output.rmdir()
    left = [each.name for each in experiment.output.parent.iterdir()]
    assert left == ["made.pt.checkpoint"]
    monkeypatch.setattr(Learner, "epoch", None)
    assert run(experiment).test.balanced_accuracy > 0.9
    assert [each.name for each in experiment.output.parent.iterdir()] == ["made.pt"]


def live_on_the_test_part(config: Path, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Return what live says of the held-out sessions' windows, and what is true."""
    from offline.datasets.readers import open_recording

    said, true = [], []
    for name in (SESSIONS[1], SESSIONS[3]):
        recording = open_recording(config.parent / "data" / "Preprocessed_EEG" / name)
        live = Recogniser(model, recording.sfreq, recording.channels)
        samples = recording.read().T
        for start in range(0, len(samples), 17):  # an amplifier's odd chunks
            with one_thread():
                found = live.push(samples[start : start + 17])
            for k, last in enumerate(found.last):
                inside = (last - 199) // TRIAL == last // TRIAL
                if inside and found.settled[k]:
                    said.append(found.probabilities[k])
                    true.append(LABELS[last // TRIAL] + 1)
    return np.array(said), np.array(true)


def test_the_scores_are_those_that_live_gets_from_the_model_file(config):
    result = run(load_yaml(config, Experiment))
    said, true = live_on_the_test_part(config, load_model(result.path))
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (true, said.argmax(axis=1)), 1)
    assert np.array_equal(result.test.confusion, confusion)


def test_what_probabilities_are_worth_is_told_as_live_gets_it(config):
    result = run(load_yaml(write_config(config.parent, **ABSTAINING), Experiment))
    model = load_model(result.path)
    told = model.training
    threshold = model.output.abstain_below
    assert told["abstain_below"] == threshold > 0
    assert told["temperature"] == model.output.temperature != 1
    assert told["smoothing_lag_s"] >= 0
    assert told["validation"]["balanced_accuracy"] < 1
    answered = told["validation"]["answered"]
    assert answered["balanced_accuracy"] == 1
    assert 0.01 <= answered["coverage"] < 1
    assert 1 < len(told["abstaining"]["threshold"]) <= 20

    said, true = live_on_the_test_part(config, model)
    certain = said.max(axis=1) >= threshold
    assert told["test"]["answered"]["coverage"] == certain.mean()
    recall = [(said[certain & (true == k)].argmax(axis=1) == k).mean() for k in range(3)]
    assert told["test"]["answered"]["balanced_accuracy"] == pytest.approx(np.mean(recall))
    assert told["test"]["brier"] == pytest.approx(
        np.mean(((said - np.eye(3)[true]) ** 2).sum(axis=1))
    )


def test_a_model_always_answers_where_nothing_else_is_asked_for(config):
    result = run(load_yaml(config, Experiment))
    assert load_model(result.path).output.abstain_below == 0
    for part in ("validation", "test"):
        answered = result.training[part]["answered"]
        assert answered["coverage"] == 1
        assert answered["balanced_accuracy"] == result.training[part]["balanced_accuracy"]


def test_a_reference_that_follows_the_wearer_is_in_the_file_from_the_training_part(config):
    recipe = {"channels": CHANNELS, "hop_s": 0.5, "normalisation": {"kind": "adaptive"}}
    changes = {"recipe": recipe, "model": {"kind": "tangent-space"}}
    result = run(load_yaml(write_config(config.parent, **changes), Experiment))
    assert result.test.balanced_accuracy > 0.9
    reference = load_model(result.path).statistics.reference
    assert reference is not None
    assert np.linalg.eigvalsh(reference).min() > 0


def test_the_test_part_changes_nothing_in_the_model(config):
    def learned():
        model = load_model(run(load_yaml(config, Experiment)).path)
        weights = [value.numpy() for value in model.network.state_dict().values()]
        return [model.statistics.mean, model.statistics.std, *weights]

    before = learned()
    # A network chosen on these would be one that has learned as little as possible.
    write_sessions(config.parent / "data", [SESSIONS[1], SESSIONS[3]], seed=99, sign=-1)
    assert all(np.array_equal(a, b) for a, b in zip(before, learned(), strict=True))
    write_sessions(config.parent / "data", [SESSIONS[0]], seed=99)  # training data does matter
    assert not np.array_equal(before[0], learned()[0])


def test_eegmat_trains_end_to_end_and_its_model_loads_again(shared_data, tmp_path):
    source, root = shared_data("eegmat_200hz"), tmp_path / "eegmat"
    root.mkdir()
    with (source / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["subject"]) < 4]
    with (root / "labels.csv").open("w") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    for row in rows:
        shutil.copy(source / row["file"], root)
    experiment = load_yaml(CONFIGS / "train-eegmat.yaml", Experiment)
    result = run(
        experiment.model_copy(
            update={
                "root": root,
                "output": tmp_path / "eegmat.pt",
                "training": experiment.training.model_copy(update={"epochs": 2}),
            }
        )
    )
    model = load_model(result.path)
    assert model.recipe.classes == ("rest", "arithmetic")
    assert len(model.recipe.channels) == 19
    assert "T7" in model.recipe.channels
    assert model.training["trials"] == {"train": 4, "validation": 2, "test": 2}
    assert model.training["simulated"] is False
    # One person's 182 s and 62 s in hops of 0.1 s, less a minute of rest, two windows' starts and
    # two settlings.
    assert 1600 < result.test.windows < 1840
    shape = (1, 1, 5, 19)
    assert model.predict_proba(np.zeros(shape, np.float32)).shape == (1, 2)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("train-*.yaml")), ids=lambda path: path.stem)
def test_the_files_that_come_with_the_program_are_right(path):
    experiment = load_yaml(path, Experiment)
    assert experiment.dataset.is_file()
    assert experiment.root is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"traning": {}}, r"train.yaml: unknown key 'traning'; allowed are dataset, root, output"),
        ({"training": {"epoch": 3}}, r"unknown key 'training.epoch'; allowed are epochs, patience"),
        ({"training": {"epochs": 0}}, r"training.epochs = 0: .*greater than or equal to 1"),
        ({"recipe": {"grid": "7x7"}}, r"recipe.grid = '7x7': there are the grids 9x9, 8x9, 19x19"),
        ({"seed": -1}, r"seed = -1: .*greater than or equal to 0"),
    ],
)
def test_a_wrong_key_or_value_is_told_in_one_line(tmp_path, changes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load_yaml(write_config(tmp_path, **changes), Experiment)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"root": "absent"}, RecordingError, "absent: no such data folder"),
        ({"root": None}, ConfigError, "set root in the file, or pass --root"),
        ({"dataset": "absent.yaml"}, ConfigError, "absent.yaml: No such file"),
        (
            {"recipe": {"classes": ["good", "bad"]}},
            ConfigError,
            "recipe.classes = good, bad: the data set's labels mean negative, neutral, positive",
        ),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_line(config, changes, error, said):
    path = write_config(config.parent, **changes)
    with pytest.raises(error, match=said) as caught:
        run(load_yaml(path, Experiment))
    assert "\n" not in str(caught.value)


def test_there_is_a_ready_file_for_every_network():
    kinds = {load_yaml(path, Experiment).model.kind for path in CONFIGS.glob("train-*.yaml")}
    assert kinds >= {*NETWORKS, "linear-svm", "tangent-space"}


def test_the_command_prints_scores_and_obeys_its_options(config):
    app = typer.Typer()
    app.command()(train)
    output = config.parent / "other.pt"
    moved = config.parent / "moved"
    (config.parent / "data").rename(moved)
    arguments = [str(config), "--root", str(moved), "--output", str(output), "--seed", "5"]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0, printed.output
    for word in ("simulated", "balanced accuracy", "recall negative", "windows", str(output)):
        assert word in printed.stdout
    for word in ("calibration error (ECE)", "Brier score"):
        assert word in printed.stdout
    assert "answered" not in printed.stdout
    assert load_model(output).training["seed"] == 5


def test_the_command_tells_what_is_gained_by_abstaining(config):
    app = typer.Typer()
    app.command()(train)
    printed = CliRunner().invoke(app, [str(write_config(config.parent, **ABSTAINING))])
    assert printed.exit_code == 0, printed.output
    threshold = load_model(config.parent / "models" / "made.pt").output.abstain_below
    assert f"it abstains below a probability of {threshold:.3f}" in printed.stdout
    for word in ("answered", "balanced accuracy of these"):
        assert word in printed.stdout
