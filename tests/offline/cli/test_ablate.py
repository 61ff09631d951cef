from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from offline.cli.ablate import ablate
from offline.evaluation.config import Evaluation
from offline.evaluation.evaluate import Places, evaluate
from offline.evaluation.report.metrics_file import findings_to_dict
from replay.simulator.dataset import write_seed_dataset
from rtbci.configuration import load_yaml
from rtbci.errors import ConfigError

pytestmark = pytest.mark.usefixtures("one_cache")
CONFIGS = Path(__file__).parents[3] / "configs"
RECIPE = {"channels": ["F7", "F3", "FZ", "F4", "F8", "T7", "C3", "C4", "T8", "PZ"], "hop_s": 1.0}
SLOW = {"kind": "exponential", "time_constant_s": 4.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_seed_dataset(root, subjects=2, sessions=2, trials=6, trial_s=8.0)
    return root


def written(folder: Path, name: str, content: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def base(**changes: Any) -> dict[str, Any]:
    return {
        "datasets": [str(CONFIGS / "datasets" / "simulated.yaml")],
        "recipe": RECIPE,
        "protocol": {"kind": "sessions", "validation_share": 0.3},
        "recognisers": ["naive-bayes"],
    } | changes


def config(folder: Path, **variants: Any) -> Path:
    content = {"evaluation": base(), "output": "found", "variants": variants}
    return written(folder, "ablate.yaml", content)


def say(*words: object) -> str:
    """Run the command in this process; an error comes through as it is."""
    app = typer.Typer()
    app.command()(ablate)
    result = CliRunner().invoke(app, [*map(str, words), "--jobs", "1"])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def figures(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def test_variants_are_what_evaluations_of_their_own_would_be(tmp_path, data):
    window = {"recipe": {"window_s": 2.0}}
    said = say(
        config(tmp_path, window=window, slow={"recipe": {"smoothing": SLOW}}),
        *("--root", data),
    )
    found = tmp_path / "found"
    assert "simulated data | simulated emotions: leave one session out" in said
    for line in ("naive-bayes", "base ", "window ", "slow ", f"figures: {found / 'ablation.json'}"):
        assert f"\n{line}" in said
    assert (found / "ablation.png").stat().st_size > 5000
    variants = figures(found / "ablation.json")["variants"]
    assert list(variants) == ["base", "window", "slow"]
    changed = {"window": RECIPE | {"window_s": 2.0}, "slow": RECIPE | {"smoothing": SLOW}}
    for name, recipe in changed.items():
        alone = base(recipe=recipe, output=f"alone-{name}", roots=[str(data)])
        alone["controls"] = {"random_labels": 0}
        path = written(tmp_path, f"{name}.yaml", alone)
        findings, _ = evaluate(load_yaml(path, Evaluation), Places(1))
        assert findings.controls == {}
        expected = findings_to_dict(findings)["recognisers"]
        assert figures(found / name / "metrics.json")["recognisers"] == expected
        one = variants[name]["recognisers"]["naive-bayes"]
        assert one["per_subject"] == expected["naive-bayes"]["per_subject"]
        assert "random_labels" not in expected["naive-bayes"]
    assert variants["slow"]["recognisers"]["naive-bayes"]["lag_s"] > 0
    assert variants["base"]["recognisers"]["naive-bayes"]["lag_s"] == 0
    assert variants["window"]["recognisers"]["naive-bayes"]["windows"] < 2 * 2 * 6 * 8


def test_smoothing_needs_no_fit_of_its_own_and_a_second_run_none_at_all(tmp_path, data):
    folds, recognisers = 4, 2  # with the trivial one
    path = config(tmp_path, slow={"recipe": {"smoothing": SLOW}})
    first = say(path, "--root", data)
    fits = {file: file.stat().st_mtime_ns for file in (tmp_path / "found/outcomes").iterdir()}
    assert len(fits) == folds * recognisers
    assert say(path, "--root", data) == first
    again = {file: file.stat().st_mtime_ns for file in (tmp_path / "found/outcomes").iterdir()}
    assert again == fits


def test_a_wrong_variant_stops_it_before_the_first_fit(tmp_path, data):
    path = config(tmp_path, slow={"recipe": {"smoothing": {"kind": "kalman"}}})
    with pytest.raises(ConfigError, match="variant slow: recipe.smoothing.* 'kalman'"):
        say(path, "--root", data)
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize("name", [path.name for path in sorted(CONFIGS.glob("ablate-*.yaml"))])
def test_what_is_shipped_is_valid(name):
    from offline.ablation import BASE, load_ablation

    _, variants = load_ablation(CONFIGS / name)
    assert variants[0].name == BASE
    assert len(variants) > 3
