from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from offline.evaluation.findings import Findings, pooled
from offline.evaluation.report.html import overview
from offline.evaluation.summary import Spread
from offline.evaluation.table import render, rows
from tests.offline.evaluation.report.examples import findings, summary

SUBJECTS = tuple(str(number) for number in range(1, 16))
NAMES = ("cnn", "4d-ann", "tangent-space", "logistic-regression", "trivial")


def printed(found: Findings, width: int, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **options)
    console.print(render(found))
    return console.file.getvalue()


@pytest.fixture
def all_columns() -> Findings:
    leak = {name: summary(name, 0.94, SUBJECTS, seed=5) for name in NAMES}
    random = {name: (summary(name, 0.9, SUBJECTS, seed=6),) for name in NAMES}
    return findings(NAMES, SUBJECTS, leak=leak, leak_controls=random)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_nothing_is_cut_off_at_usual_widths(all_columns: Findings, width: int) -> None:
    text = printed(all_columns, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for row in rows(all_columns):
        for cell in (row.balanced_accuracy, row.interval, row.brier, row.control, row.leak):
            assert cell in text


def test_a_wide_console_gets_one_line_a_recogniser(all_columns: Findings) -> None:
    (line,) = [each for each in printed(all_columns, 160).splitlines() if each.startswith("cnn")]
    row = rows(all_columns)[0]
    assert (
        line.split()
        == (
            f"cnn {row.balanced_accuracy} {row.interval} {row.accuracy} {row.macro_f1} "
            f"{row.trial_accuracy} {row.calibration_error} {row.brier} {row.permutation_p} "
            f"{row.control} {row.control_interval} {row.chance_inside} "
            f"{row.leak} {row.leak_control}"
        ).split()
    )


def test_a_narrow_console_gets_the_intervals_below(all_columns: Findings) -> None:
    lines = printed(all_columns, 80).splitlines()
    place = next(k for k, line in enumerate(lines) if line.startswith("cnn"))
    row = rows(all_columns)[0]
    assert row.balanced_accuracy in lines[place]
    assert row.interval in lines[place + 1]
    place = next(k for k, line in enumerate(lines) if line.startswith("logistic- "))
    assert lines[place + 1].startswith("regression ")


def test_cells_are_the_summarys_numbers() -> None:
    one = summary(
        balanced_accuracy=Spread(0.7123, 0.0834, 0.6689, 0.7531, 0.012),
        permutation_p=0.0423,
        seeds=3,
    )
    row = rows(findings(summaries=(one,)))[0]
    assert row.balanced_accuracy == "71.2 ± 8.3"
    assert row.interval == "[66.9, 75.3]"
    assert row.seeds_sd == "1.2"
    assert row.accuracy == f"{100 * one.accuracy.mean:.1f}"
    assert row.macro_f1 == f"{100 * one.macro_f1.mean:.1f}"
    assert row.trial_accuracy == f"{100 * one.trial_accuracy.mean:.1f}"
    assert row.calibration_error == f"{one.calibration.expected_error:.3f}"
    assert row.brier == f"{one.calibration.brier:.3f}"
    assert row.permutation_p == "0.042"


def test_the_control_says_whether_chance_is_inside() -> None:
    honest = findings()
    leaking = findings(controls={"cnn": (summary("cnn", 0.9, seed=1),)})
    control = pooled(honest.controls["cnn"])
    row = rows(honest)[0]
    assert row.control == f"{100 * control.mean:.1f}"
    assert row.control_interval == f"[{100 * control.low:.1f}, {100 * control.high:.1f}]"
    assert [row.chance_inside for row in rows(honest)] == ["yes"] * 3
    assert [row.chance_inside for row in rows(leaking)] == ["NO", "–", "–"]


def test_columns_without_content_are_left_out() -> None:
    text = printed(findings(controls={}), 120)
    assert "random" not in text
    assert "LEAKY" not in text


def test_without_a_control_the_legend_says_so() -> None:
    assert "No labels were drawn as a control" in " ".join(
        printed(findings(controls={}), 120).split()
    )
    assert "No labels were drawn" in overview(findings(controls={}))
    assert "No labels were drawn" not in printed(findings(), 120)


@pytest.mark.parametrize("width", [80, 160])
def test_a_lag_is_shown_where_smoothing_adds_one(width: int) -> None:
    inf, nan = float("inf"), float("nan")
    lags = {"cnn": 3.24, "svm": inf, "knn": nan, "mlp": 0.0}
    told = {"cnn": 0.643}
    slow = findings(
        summaries=tuple(
            summary(name, lag_s=lag, lag_told=told.get(name, 1.0)) for name, lag in lags.items()
        )
    )
    assert [row.lag for row in rows(slow)] == ["3.2 (64%)", "never", "–", "0.0"]
    text = printed(slow, width)
    assert all(word in text for word in ("lag", "3.2", "never"))
    assert "Lag: what smoothing adds" in " ".join(text.split())
    assert "lag" not in printed(findings(), width).lower()


def test_marks_come_first_in_the_title() -> None:
    text = printed(findings(leaky=True, simulated=True, causal=False), 120)
    first, second = text.splitlines()[:2]
    assert first.strip() == (
        "LEAKY | simulated data | NON-CAUSAL features | SEED: leave one subject out"
    )
    assert second.startswith("3 subjects, 18 trials, ")
    assert "3 classes, chance 33.3 %" in second


def test_one_subject_has_no_spread() -> None:
    row = rows(findings(subjects=("1",)))[0]
    assert "±" not in row.balanced_accuracy
    assert row.interval == "–"


def test_numbers_that_are_none_become_dashes() -> None:
    nan = float("nan")
    one = summary(trial_accuracy=Spread(nan, nan, nan, nan, nan), permutation_p=np.nan, seeds=1)
    row = rows(findings(summaries=(one,)))[0]
    assert (row.trial_accuracy, row.permutation_p, row.seeds_sd) == ("–", "–", "–")


def test_names_are_no_markup() -> None:
    text = printed(findings(names=("[bold]a",), dataset="[red]x"), 120)
    assert "[bold]a" in text
    assert "[red]x: leave" in text


def test_the_legend_is_wrapped_where_the_console_wraps_nothing(all_columns: Findings) -> None:
    console = Console(file=io.StringIO(), width=100, soft_wrap=True)
    console.print(render(all_columns))
    assert max(map(len, console.file.getvalue().splitlines())) <= 100
