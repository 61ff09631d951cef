"""Generators trained and proven as a user would, on a small simulated data set."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from offline.cli.augment import app
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.evaluation.evaluate import Places
from offline.generators import experiment as generators
from offline.generators import load_generator
from offline.generators.adversarial import Duel
from offline.generators.experiment import GeneratorExperiment
from offline.proof.config import Proof
from offline.proof.run import prove
from offline.proof.table import legend
from offline.proof.use import variants_of
from replay.simulator.dataset import write_seed_dataset
from rtbci.configuration import load_yaml
from rtbci.errors import ConfigError, GeneratorError, RecipeError, RtbciError
from rtbci.montage.names import SEED_CHANNELS

pytestmark = pytest.mark.usefixtures("one_cache")
CONFIGS = Path(__file__).parents[3] / "configs"
SIMULATED = CONFIGS / "datasets" / "simulated.yaml"
RECIPE = {"channels": ["F7", "F3", "FZ", "F4", "F8", "T7", "C3", "C4", "T8", "PZ"], "hop_s": 1.0}
TRIAL_S = 14.0
GENERATORS = {"floor": {"kind": "gaussian"}, "mixed": {"kind": "mixup"}}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_seed_dataset(root, subjects=2, sessions=2, trials=9, trial_s=TRIAL_S)
    return root


def written(folder: Path, **content: Any) -> Path:
    path = folder / "asked.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def say(*words: object) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def proof(folder: Path, **changes: Any) -> Path:
    evaluation = {
        "datasets": [str(SIMULATED)],
        "recipe": RECIPE,
        "protocol": {"kind": "sessions", "validation_share": 0.34},
        "settings": {
            "cnn": {"widths": [4, 4, 4], "hidden": 8},
            "training": {"epochs": 3, "patience": 3},
        },
    }
    asked = {
        "evaluation": evaluation,
        "output": "found",
        "recognisers": ["naive-bayes"],
        "generators": GENERATORS,
        "folds": 1,
    }
    return written(folder, **asked | changes)


def test_a_proof_compares_uses_starves_and_attacks_and_goes_on_where_it_was(tmp_path, data):
    path = proof(
        tmp_path,
        generators=GENERATORS | {"headset": {"kind": "autoregressive"}},
        signal_s=1.0,
        scarce={"label": "negative", "kept": [0.3]},
        robustness={"attacks": ["fgsm"], "windows": 20},
    )
    said = say("evaluate", path, "--root", data, "--jobs", "1")
    assert "simulated data | simulated emotions: leave one session out" in said
    for heading in (
        "generated and real maps",
        "generated and real signals",
        "naive-bayes, little of negative",
        "under attack",
    ):
        assert heading in said
    report = (tmp_path / "found" / "report.html").read_text()
    assert "Little of negative, naive-bayes" in report
    assert "SIMULATED" in report.upper()
    found = json.loads((tmp_path / "found" / "proof.json").read_text())
    assert found["simulated"]
    (maps,), (signals,) = found["compared"], found["signals"]
    # Recognisers learn with maps alone.
    for each in (found["use"]["variants"], found["withstood"]):
        assert list(each) == ["base", "floor", "mixed"]
    assert list(found["scarce"]) == ["0.3"]
    for folds in found["withstood"].values():
        assert folds[0]["accuracy"]["fgsm"] <= folds[0]["accuracy"]["clean"] <= 1
        assert folds[0]["least_change"] is None  # DeepFool was not asked for
    assert_near_the_real_ones(maps["rows"], signals)

    fits = {each: each.stat().st_mtime_ns for each in (tmp_path / "found/outcomes").iterdir()}
    again = say("evaluate", path, "--root", data, "--jobs", "1")
    assert without_times(again) == without_times(said)
    for each, written_at in fits.items():
        assert each.stat().st_mtime_ns == written_at


def assert_near_the_real_ones(maps: list[Any], signals: dict[str, Any]) -> None:
    assert [row["name"] for row in maps] == ["real", "floor", "mixed", "headset"]
    # What lies between two maps that were learned from is as near to them as a copy.
    copies = {row["name"]: row["memorisation"]["copies"] for row in maps}
    assert copies["mixed"] > 0.5 > copies["floor"]
    # What the signal path measures in the stream is of the classes that were played.
    assert maps[3]["differences"]["effect"]["correlation"] > 0.3
    assert signals["sfreq"] == 200
    real, headset = signals["rows"]
    assert [real["name"], headset["name"]] == ["real", "headset"]
    assert real["seam"] is None
    assert headset["seam"] == pytest.approx(1, abs=0.2)
    assert max(headset["differences"]["spectrum"].values()) < 1


def test_networks_that_see_the_past_learn_from_generated_pasts(tmp_path, data):
    content = yaml.safe_load(proof(tmp_path).read_text())
    content["evaluation"]["recipe"] = RECIPE | {"segments": 3, "segment_s": 1.0}
    content |= {"recognisers": ["cnn", "naive-bayes"], "signal_s": 1.0}
    content["generators"] |= {
        "noise": {"kind": "wgan-gp", "epochs": 1, "least_steps": 5, "width": 4},
        "headset": {"kind": "autoregressive"},
    }
    proven = prove(written(tmp_path, **content), (data,), None, Places(1))
    (compared,) = proven.compared
    assert compared.test.x.shape[1:] == (15, 10)
    # Each comes with those two seconds before it: the middle third is a later one's first.
    assert {row.name for row in compared.rows} == {"real", *content["generators"]}
    effects = {row.name: row.differences.effect.correlation for row in compared.rows}
    assert min(effects["floor"], effects["mixed"], effects["headset"]) > 0.3
    for name in ("cnn", "naive-bayes"):
        assert list(proven.use.whole.scored(name)) == ["base", "floor", "mixed", "noise"]


def test_of_generators_of_the_signal_alone_recognisers_learn_nothing(tmp_path, data):
    headset = {"headset": {"kind": "autoregressive"}}
    path = proof(tmp_path, generators=headset, signal_s=1.0, folds=2)
    proven = prove(path, (data,), None, Places(1))
    assert [each.name for each in proven.use.whole.variants] == ["base"]
    assert [len(fold.rows) for fold in (*proven.compared, *proven.signals)] == [2, 2, 2, 2]
    # Of four folds, two a person, those of both people.
    assert len({fold.fold.split()[1] for fold in proven.compared}) == 2


def test_where_no_generator_makes_signals_nothing_is_said_of_them(tmp_path, data):
    proven = prove(proof(tmp_path, generators=GENERATORS), (data,), None, Places(1))
    assert proven.signals == ()
    assert "signal" not in legend(proven)


def test_a_proof_never_splits_inside_a_trial(tmp_path, data):
    content = yaml.safe_load(proof(tmp_path).read_text())
    content["evaluation"]["protocol"] = {"kind": "random-windows"}
    with pytest.raises(ConfigError, match="a proof holds out whole trials"):
        say("evaluate", written(tmp_path, **content), "--root", data, "--jobs", "1")


def without_times(said: str) -> list[str]:
    """Leave out the last column of the comparison, in which generators' seconds stand."""
    return [" ".join(line.split()[:9]) for line in said.splitlines()]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"generators": {}}, "generators"),
        ({"generators": {"base": {"kind": "mixup"}}}, "no generator can be called base"),
        ({"generators": {"real": {"kind": "mixup"}}}, "no generator can be called real"),
        ({"generators": {"a": {"kind": "dream"}}}, "generators.a"),
        ({"scarce": {"label": "joy"}}, "no class 'joy'; there are negative, neutral, positive"),
        ({"network": "eegnet"}, "no network of maps 'eegnet'"),
        ({"recognisers": ["oracle"]}, "oracle"),
        ({"recognisers": ["cnn", "eegnet"]}, "eegnet looks at more than maps"),
        ({"recognisers": None}, "tangent-space looks at more than maps"),
    ],
)
def test_what_cannot_be_proven_is_told_before_anything_is_learned(tmp_path, data, changes, match):
    with pytest.raises(ConfigError, match=match):
        say("evaluate", proof(tmp_path, **changes), "--root", data, "--jobs", "1")
    assert not list((tmp_path / "found").glob("**/*.npz"))


@pytest.mark.parametrize(
    ("missing", "changes"),
    [("art", {"robustness": {}}), ("imblearn", {"generators": {"between": {"kind": "smote"}}})],
)
def test_a_missing_package_is_told_before_anything_is_learned(
    tmp_path, data, missing, changes, monkeypatch
):
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(ConfigError, match=r"pip install 'rtbci\[generators\]'"):
        say("evaluate", proof(tmp_path, **changes), "--root", data, "--jobs", "1")
    assert not list((tmp_path / "found").glob("**/*.npz"))


@pytest.mark.parametrize(
    "own", [{"augmentation": {"times": 2}}, {"scarce": {"label": "negative", "kept": 0.5}}]
)
def test_what_is_put_beside_real_windows_the_proof_alone_says(tmp_path, data, own):
    content = yaml.safe_load(proof(tmp_path).read_text())
    content["evaluation"] |= own
    with pytest.raises(ConfigError, match=f"evaluation.{next(iter(own))}: .* take it out"):
        say("evaluate", written(tmp_path, **content), "--root", data, "--jobs", "1")


def test_networks_learn_to_the_last_epoch_whatever_the_evaluation_says(tmp_path, data):
    content = yaml.safe_load(proof(tmp_path).read_text())
    content["evaluation"]["settings"]["training"] = {"epochs": 7, "patience": 2}
    path = written(tmp_path, **content)
    for each in variants_of(load_yaml(path, Proof), path, (data,), tmp_path):
        assert each.evaluation.settings.training.patience == 7
        assert each.evaluation.settings.cnn.hidden == 8


def generator(folder: Path, kind: str, **changes: Any) -> Path:
    asked = {
        "dataset": str(SIMULATED),
        "output": "made.pt",
        "recipe": RECIPE,
        "generator": {"kind": kind},
    }
    return written(folder, **asked | changes)


def test_a_generator_of_maps_learns_nats_of_the_training_part_alone(tmp_path, data):
    said = say("train", generator(tmp_path, "gaussian", window_stride_s=1.0), "--root", data)
    assert f"generator's file: {tmp_path / 'made.pt'}" in said
    found, provenance = load_generator(tmp_path / "made.pt")
    assert found.recipe.channels == tuple(RECIPE["channels"])
    assert provenance["simulated"]
    # Of each person's two sessions the last is held out, and a fifth of the other's trials.
    assert provenance["trials"] == 2 * 6
    per_trial = sum(provenance["examples"].values()) / provenance["trials"]
    assert TRIAL_S - 2 <= per_trial <= TRIAL_S
    # Differential entropy of microvolts: standardised maps would lie around nought.
    assert 0.5 < found.sample(50, 1).mean() < 4


def test_a_generator_of_the_signal_learns_microvolts_of_the_channels_in_their_order(tmp_path, data):
    channels = ["OZ", "FP1", "T8"]
    path = generator(
        tmp_path, "autoregressive", recipe={"channels": channels}, signal_s=2.0, seed=0
    )
    say("train", path, "--root", data)
    found, provenance = load_generator(tmp_path / "made.pt")
    assert found.sfreq == 200
    assert sum(provenance["examples"].values()) == provenance["trials"] * TRIAL_S / 2
    made = found.stream(0).next(20_000, 1)
    recordings = open_dataset(load_dataset_settings(SIMULATED), data).recordings
    rows = [SEED_CHANNELS.index(name) for name in channels]
    neutral = [
        recording.read()[rows, trial.start : trial.stop].std(axis=1)
        for recording in recordings
        for trial in recording.trials
        if trial.label == 1
    ]
    np.testing.assert_allclose(made.std(axis=0), np.mean(neutral, axis=0), rtol=0.35)


def test_what_was_learned_is_not_lost_where_it_cannot_be_written(tmp_path, data, monkeypatch):
    """Neither is it learned twice once it can."""
    path = written(
        tmp_path,
        dataset=str(SIMULATED),
        recipe=RECIPE,
        generator={"kind": "dcgan", "epochs": 2, "least_steps": 1, "width": 2},
        output="made/dcgan.pt",
    )

    def full(*_):
        raise GeneratorError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(generators, "save_generator", full)
        with pytest.raises(GeneratorError, match="no space left"):
            say("train", path, "--root", data)
    assert [each.name for each in (tmp_path / "made").iterdir()] == ["dcgan.pt.checkpoint"]
    with monkeypatch.context() as patch:
        patch.setattr(Duel, "epoch", None)
        say("train", path, "--root", data)
    left = sorted(each.name for each in (tmp_path / "made").iterdir())
    assert left == ["dcgan.losses.png", "dcgan.pt"]


def test_what_could_not_be_written_or_played_is_refused_before_anything_is_learned(tmp_path, data):
    path = generator(tmp_path, "gaussian")
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "file").touch()
    for output, told in (
        ("folder.pt", "folder.pt: a folder; the output is to be a file"),
        ("made.gan", "made.gan: the name of a generator's file ends in .pt"),
        ("file/made.pt", "file: cannot be written"),
    ):
        with pytest.raises(RtbciError, match=told):
            say("train", path, "--root", tmp_path / "absent", "--output", tmp_path / output)
    with pytest.raises(ConfigError, match="file: cannot be written"):
        say("evaluate", proof(tmp_path, output="file"), "--root", data, "--jobs", "1")


def test_what_mixup_is_worth_is_told_beside_what_generators_are(tmp_path, data):
    mixup = {"alpha": 0.3, "generators": ["mixed"]}
    path = proof(tmp_path, mixup=mixup)
    variants = variants_of(load_yaml(path, Proof), path, (data,), tmp_path)
    names = ["base", "floor", "mixed", "base+mixup", "mixed+mixup"]
    assert [each.name for each in variants] == names
    alphas = [each.evaluation.settings.training.mixup for each in variants]
    assert alphas == [0, 0, 0, 0.3, 0.3]
    assert {each.evaluation.settings.training.epochs for each in variants} == {3}
    kinds = [each.evaluation.augmentation.generator for each in variants]
    assert kinds[3] is kinds[0] is None
    assert kinds[4] == kinds[2]
    with pytest.raises(ConfigError, match="no generator of maps gan; there are floor, mixed"):
        load_yaml(proof(tmp_path, mixup={"generators": ["gan"]}), Proof)


def test_too_little_or_too_long_is_told_in_one_line(tmp_path, data):
    with pytest.raises(GeneratorError, match="no trial is as long as a window of 20 s"):
        say("train", generator(tmp_path, "autoregressive", signal_s=20.0), "--root", data)
    long = RECIPE | {"window_s": 20.0}
    with pytest.raises(GeneratorError, match="no trial is as long as a window of 20 s"):
        say("train", generator(tmp_path, "gaussian", recipe=long), "--root", data)
    path = proof(tmp_path)
    content = yaml.safe_load(path.read_text())
    content["evaluation"]["recipe"] = long
    with pytest.raises(RecipeError, match="there are no training maps"):
        say("evaluate", written(tmp_path, **content), "--root", data, "--jobs", "1")
    with pytest.raises(ConfigError, match="where the data lie is not said"):
        say("train", generator(tmp_path, "gaussian"))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("augment-*.yaml")), ids=lambda p: p.stem)
def test_ready_proofs_are_valid(path, tmp_path):
    variants = variants_of(load_yaml(path, Proof), path, (tmp_path,), tmp_path)
    assert [each.name for each in variants[:2]] == ["base", "gaussian"]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("generator-*.yaml")), ids=lambda p: p.stem)
def test_ready_generators_are_valid_and_named_for_their_kind(path):
    experiment = load_yaml(path, GeneratorExperiment)
    assert path.stem.startswith(f"generator-{experiment.generator.kind}")
