from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from offline.ablation import BASE
from offline.proof import table
from tests.offline.evaluation.report.examples import findings, summary
from tests.offline.proof.report.examples import compared, proven, row, use


def rows(drawn: RenderableType) -> dict[str, list[str]]:
    """Return the words of each row by its first one."""
    console = Console(width=200)
    with console.capture() as captured:
        console.print(drawn)
    lines = [line.split() for line in captured.get().splitlines()]
    return {line[0]: line for line in lines if line}


def test_what_is_certainly_better_or_worse_than_the_base_is_marked():
    """Subjects differ in the same way in all: a difference is certain, or there is none."""
    found, kept = use(), 0.1
    levels = {BASE: 0.6, "floor": 0.6, "good": 0.7, "poor": 0.4}
    scored = {
        name: findings(("cnn",), summaries=(summary("cnn", level),), controls={}, simulated=True)
        for name, level in levels.items()
    }
    ablated = replace(found.scarce[kept], findings=scored)
    drawn = rows(table.scarcity(replace(found, scarce={kept: ablated}), "cnn", "negative"))
    marked = {name: drawn[name][-1].endswith("*") for name in levels}
    assert marked == {BASE: False, "floor": False, "good": True, "poor": True}


@pytest.mark.parametrize("different", [1.0, 0.25])
def test_repetitions_are_told(different):
    one = compared()
    told = tuple(
        row(each.name, 0.1, different=different if each.name == "good" else 1.0)
        for each in one.rows
    )
    drawn = rows(table.comparison(proven(compared=(replace(one, rows=told),))))
    assert drawn["good"][-2] == f"{100 * different:.0f}"
    assert drawn["poor"][-2] == "100"
