from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from offline.evaluation.config import PRESETS, Evaluation, checked_roots, preset
from offline.recognisers import RECOGNISERS
from rtbci.configuration import load_yaml
from rtbci.errors import ConfigError

CONFIGS = Path(__file__).parents[3] / "configs"


def written(folder: Path, **changes) -> Path:
    path = folder / "evaluate.yaml"
    path.write_text(yaml.safe_dump({"datasets": ["a.yaml"], "output": "found"} | changes))
    return path


def test_paths_are_relative_to_the_file(tmp_path):
    settings = load_yaml(written(tmp_path, roots=["data"]), Evaluation)
    assert settings.datasets == (tmp_path / "a.yaml",)
    assert settings.output == tmp_path / "found"
    assert checked_roots(settings) == (tmp_path / "data",)


def test_the_trivial_recogniser_is_always_compared_with(tmp_path):
    settings = load_yaml(written(tmp_path, recognisers=["k-nn"]), Evaluation)
    assert settings.compared == ("k-nn", "trivial")
    assert settings.needs == {"maps"}
    everything = load_yaml(written(tmp_path), Evaluation)
    assert everything.compared == tuple(RECOGNISERS)
    assert everything.needs == {"maps", "covariances", "segments", "signal"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recognisers": ["svm"]}, "recognisers names svm; there are trivial, logistic-regression"),
        ({"recognisers": ["mlp", "mlp"]}, "recognisers names one twice"),
        ({"seeds": [1, 1]}, "seeds names one twice"),
        ({"seeds": []}, "seeds"),
        (
            {"protocol": {"kind": "windows"}},
            "kind = 'windows': there are trials, trial-kfold, sessions, leave-one-subject-out",
        ),
        ({"protocol": {"kind": "trials", "fold": 3}}, "fold"),
        ({"test_datasets": ["b.yaml"]}, "test_datasets and protocol: {kind: datasets} belong"),
        ({"protocol": {"kind": "datasets"}}, "test_datasets and protocol: {kind: datasets} belong"),
        ({"controls": {"random_labels": -1}}, "controls.random_labels = -1"),
        (
            {"recipe": {"calibration": {"classes": ["negative"], "seconds": 30}}}
            | {"left_out": {"classes": ["negative", "neutral"], "seconds": 50}},
            "left_out does not hold all of recipe.calibration",
        ),
        (
            {"recipe": {"calibration": {"classes": ["negative"], "seconds": 30}}}
            | {"left_out": {"classes": ["neutral"], "seconds": 60}},
            "left_out does not hold all of recipe.calibration",
        ),
        ({"window_stride": 2}, "unknown key 'window_stride'; allowed are datasets"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_key(tmp_path, changes, said):
    with pytest.raises(ConfigError) as error:
        load_yaml(written(tmp_path, **changes), Evaluation)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_each_data_set_needs_its_folder(tmp_path):
    settings = load_yaml(
        written(tmp_path, test_datasets=["b.yaml"], protocol={"kind": "datasets"}, roots=["x"]),
        Evaluation,
    )
    with pytest.raises(ConfigError, match=r"1 data folders for 2 data sets \(a.yaml, b.yaml\)"):
        checked_roots(settings)


def test_protocols_by_name():
    assert preset("trials-9-3-3").title == "trials in order of time, 9/3/3 in each session"
    assert {name for name, protocol in PRESETS.items() if protocol.leaky} == {"random-windows"}
    with pytest.raises(ConfigError, match="no protocol 'loso'; there are trials-9-6"):
        preset("loso")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("evaluate-*.yaml")), ids=lambda p: p.stem)
def test_the_files_that_come_with_the_program_are_valid(path):
    settings = load_yaml(path, Evaluation)
    assert all(file.is_file() for file in (*settings.datasets, *settings.test_datasets))
