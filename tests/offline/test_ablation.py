from __future__ import annotations

import io
import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from offline.ablation import BASE, Ablated, Variant, load_ablation, merged
from offline.evaluation.config import Evaluation
from offline.evaluation.intervals import paired_difference
from offline.evaluation.report.ablation import (
    ablation_to_dict,
    heading,
    legend,
    render,
    write_ablation,
    write_figure,
)
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from tests.offline.evaluation.report.examples import findings, summary

SMOOTHED = {"recipe": {"smoothing": {"kind": "exponential", "time_constant_s": 10}}}
BASE_RECIPE = {
    "classes": ["rest", "work"],
    "normalisation": {"kind": "training"},
    "smoothing": {"kind": "exponential", "time_constant_s": 2.0},
}
EVALUATION = {"datasets": ["sets/a.yaml"], "recipe": BASE_RECIPE, "recognisers": ["linear-svm"]}

LEAVES = st.integers() | st.text(max_size=3) | st.booleans()
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def written(folder: Path, **changes: Any) -> Path:
    (folder / "base").mkdir(parents=True, exist_ok=True)
    (folder / "base" / "evaluate.yaml").write_text(yaml.safe_dump(EVALUATION))
    content = {
        "evaluation": "base/evaluate.yaml",
        "output": "found",
        "variants": {"smoothed": SMOOTHED},
    }
    path = folder / "ablate.yaml"
    path.write_text(yaml.safe_dump(content | changes, sort_keys=False))
    return path


def loaded(folder: Path, **changes: Any) -> dict[str, Evaluation]:
    _, variants = load_ablation(written(folder, **changes))
    return {each.name: each.evaluation for each in variants}


def test_a_variant_is_the_base_with_its_changes(tmp_path):
    changes = {"recipe": {"window_s": 2.0, "smoothing": None}, "recognisers": ["k-nn"]}
    found = loaded(tmp_path, variants={"slow": changes, "smoothed": SMOOTHED})
    assert list(found) == [BASE, "slow", "smoothed"]
    base, slow = found[BASE], found["slow"]
    assert base.recipe.smoothing.time_constant_s == 2
    assert (slow.recipe.window_s, slow.recipe.smoothing) == (2.0, None)
    assert slow.recipe.normalisation == base.recipe.normalisation
    assert slow.recipe.classes == ("rest", "work")
    assert (base.recognisers, slow.recognisers) == (("linear-svm",), ("k-nn",))
    assert found["smoothed"].recipe.smoothing.time_constant_s == 10
    for name, each in found.items():
        assert each.output == tmp_path / "found" / name
        assert each.datasets == (tmp_path / "base" / "sets" / "a.yaml",)
        assert each.controls.random_labels == 0


def test_the_base_can_stand_in_the_file_and_needs_no_output(tmp_path):
    found = loaded(tmp_path, evaluation=EVALUATION, recognisers=["mlp"])
    assert found[BASE].datasets == (tmp_path / "sets" / "a.yaml",)
    assert {each.recognisers for each in found.values()} == {("mlp",)}


def test_the_command_line_s_folders_are_every_variant_s(tmp_path):
    folder, variants = load_ablation(written(tmp_path), (tmp_path / "data",), tmp_path / "other")
    assert folder == tmp_path / "other"
    for each in variants:
        assert each.evaluation.roots == (tmp_path / "data",)
        assert each.evaluation.output == tmp_path / "other" / each.name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"varaints": {}}, "unknown key 'varaints'; allowed are evaluation, output"),
        ({"variants": {}}, "variants"),
        ({"variants": {"base": SMOOTHED}}, "no variant can be called base"),
        ({"variants": {"outcomes": SMOOTHED}}, "no variant can be called outcomes"),
        ({"variants": {"../up": SMOOTHED}}, "variants.../up"),
        ({"variants": {"a": {"seeds": [3]}}}, "variants.a changes seeds; variants can change"),
        ({"variants": {"a": {"protocol": {"kind": "sessions"}}}}, "variants.a changes protocol"),
        (
            {"variants": {"a": {"recipe": {"windw_s": 2}}}},
            "ablate.yaml: variant a: unknown key 'recipe.windw_s'; allowed are classes",
        ),
        (
            {"variants": {"a": {"recipe": {"window_s": -2}}}},
            "ablate.yaml: variant a: recipe.window_s = -2: input should be greater than 0",
        ),
        ({"variants": {"a": {"recognisers": ["svm"]}}}, "variant a: recognisers names svm"),
        ({"recognisers": ["svm"]}, "base/evaluate.yaml: recognisers names svm"),
        ({"evaluation": "none.yaml"}, "none.yaml: No such file"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_the_variant_and_the_key(tmp_path, changes, said):
    with pytest.raises(ConfigError) as error:
        load_ablation(written(tmp_path, **changes))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(MAPPINGS, MAPPINGS)
def test_merging_changes_what_is_named_and_nothing_else(base, changes):
    before = deepcopy((base, changes))
    found = merged(base, changes)
    assert (base, changes) == before
    leaves, changed = flat(base), flat(changes)
    hidden = {
        path
        for path in leaves
        if any(path[: len(c)] == c or c[: len(path)] == path for c in changed)
    }
    kept = {path: value for path, value in leaves.items() if path not in hidden}
    assert flat(found).items() >= kept.items()
    assert flat(found).items() >= changed.items()
    assert merged(found, changes) == found


def flat(tree: dict[str, Any], above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            leaves |= flat(value, (*above, key))
        else:
            leaves[*above, key] = value
    return leaves


def test_null_takes_a_key_away():
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merged(base, {"a": {"b": None}, "d": None, "e": None}) == {"a": {"c": 2}}


def ablated(
    levels: dict[str, dict[str, float]],
    changes: dict[str, dict[str, Any]] | None = None,
    **each: Any,
) -> Ablated:
    """Variants that score so much, by recogniser."""
    found = {
        variant: findings(
            summaries=tuple(summary(name, level, **each) for name, level in scores.items()),
            controls={},
        )
        for variant, scores in levels.items()
    }
    variants = tuple(
        Variant(
            variant,
            (changes or {}).get(variant, {}),
            validate(
                Evaluation,
                merged(EVALUATION, (changes or {}).get(variant, {}))
                | {"recognisers": list(scores), "output": variant},
                "made up",
            ),
        )
        for variant, scores in levels.items()
    )
    return Ablated(variants, found)


@pytest.fixture
def two() -> Ablated:
    levels = {
        BASE: {"linear-svm": 0.6, "cnn": 0.7},
        "psd": {"linear-svm": 0.5, "cnn": 0.75},
        "deep": {"cnn": 0.8, "mlp": 0.6},
    }
    return ablated(levels)


def printed(found: Ablated, name: str, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(render(found, name))
    return console.file.getvalue()


def test_differences_are_subject_by_subject_to_the_base(two):
    assert two.recognisers == ("linear-svm", "cnn", "mlp")
    assert list(two.scored("cnn")) == [BASE, "psd", "deep"]
    assert list(two.scored("mlp")) == ["deep"]
    scored = two.scored("cnn")
    assert two.difference("psd", "cnn") == paired_difference(scored["psd"], scored[BASE], seed=0)
    assert two.difference("psd", "cnn").mean == pytest.approx(0.05, abs=0.03)
    assert two.difference(BASE, "cnn") is None
    assert two.difference("deep", "mlp") is None  # the base has none
    assert two.difference("deep", "linear-svm") is None


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_has_a_row_a_variant_and_nothing_is_cut_off(two, width):
    text = printed(two, "cnn", width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for name, one in two.scored("cnn").items():
        (line,) = [each for each in text.splitlines() if each.startswith(name)]
        spread = one.balanced_accuracy
        assert f"{100 * spread.mean:.1f} ± {100 * spread.sd:.1f}" in line
        assert f"[{100 * spread.low:.1f}, {100 * spread.high:.1f}]" in text
        assert f"{one.calibration.expected_error:.3f}" in line
    assert f"{100 * two.difference('psd', 'cnn').mean:+.1f}" in text
    assert "lag" not in text
    assert "psd" not in printed(two, "mlp", width)


def test_a_lag_is_shown_where_a_variant_has_one(two):
    slow = {
        name: replace(one, lag_s=float("inf") if name == "cnn" else 6.93, lag_told=0.5)
        for name, one in (("cnn", two.scored("cnn")["psd"]), ("linear-svm", summary("linear-svm")))
    }
    smoothed = replace(two.findings["psd"], summaries=tuple(slow.values()))
    found = replace(two, findings={**two.findings, "psd": smoothed})
    assert "never" in printed(found, "cnn", 120)
    assert "6.9 (50%)" in printed(found, "linear-svm", 120)
    assert "Lag:" in legend(found)
    assert "Lag:" not in legend(two)


def test_marks_stand_above_all(two):
    leaky = replace(two.findings[BASE], leaky=True)
    found = replace(two, findings={**two.findings, BASE: leaky})
    assert heading(found).startswith("LEAKY | SEED: leave one subject out\n3 subjects")


def test_one_subject_has_no_intervals():
    found = ablated({BASE: {"cnn": 0.6}, "psd": {"cnn": 0.7}}, subjects=("1",))
    assert "[" not in printed(found, "cnn", 120)


def test_all_figures_are_in_the_file(tmp_path, two):
    write_ablation(two, tmp_path / "new" / "ablation.json")
    found = json.loads((tmp_path / "new" / "ablation.json").read_text())
    assert found == json.loads(json.dumps(ablation_to_dict(two)))
    assert list(found["variants"]) == [BASE, "psd", "deep"]
    one = found["variants"]["psd"]["recognisers"]["cnn"]
    assert one["less_the_base"] == vars(two.difference("psd", "cnn"))
    assert one["per_subject"] == two.scored("cnn")["psd"].per_subject
    assert found["variants"][BASE]["recognisers"]["cnn"]["less_the_base"] is None
    assert found["chance"] == 1 / 3


def rest(seconds: float, **more: Any) -> dict[str, Any]:
    return {"recipe": {"calibration": {"classes": ["rest"], "seconds": seconds}} | more}


CNN = {"cnn": 0.6}


BOTH = {"recipe": {"calibration": {"classes": ["rest", "work"], "seconds": 10}}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"b": rest(60), "a": rest(10)}, {"rest": {BASE: 0, "a": 10, "b": 60}}),
        (
            {"a": rest(10), "b": BOTH},
            {"rest": {BASE: 0, "a": 10}, "rest + work": {BASE: 0, "b": 10}},
        ),
        ({"a": rest(10), "b": rest(60, window_s=2.0)}, {}),
        ({"a": rest(10), "b": {"window_stride_s": 2.0}}, {}),
        ({"a": {"recipe": {"window_s": 2.0}}}, {}),
    ],
)
def test_seconds_of_calibration_are_known_where_nothing_else_differs(changes, expected):
    found = ablated(dict.fromkeys((BASE, *changes), CNN), changes).calibration_s
    assert found == expected
    assert [list(each) for each in found.values()] == [list(each) for each in expected.values()]


@pytest.mark.parametrize("seconds", [(), (10, 30)])
def test_a_figure_is_drawn(tmp_path, two, seconds):
    changes = {f"{s}-s": rest(s) for s in seconds}
    found = ablated({name: {"cnn": 0.6, "mlp": 0.5} for name in (BASE, *changes)}, changes)
    write_figure(found if seconds else two, tmp_path / "ablation.png")
    assert (tmp_path / "ablation.png").read_bytes()[:4] == b"\x89PNG"
