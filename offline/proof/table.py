"""A proof's tables, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from offline.ablation import BASE
from offline.evaluation.table import EMPTY, bare_table, percent
from offline.proof.fidelity import REAL, Fidelity, mean_over
from offline.proof.robustness import CLEAN
from offline.proof.run import Proven
from offline.proof.use import Use

LEGEND = (
    "Compared with real maps that were held out; the row 'real' is other real maps that were held "
    "out, the best there can be. Level: mean difference of the classes' maps, in the training "
    "part's standard deviations. Effect: correlation of the classes' patterns. Frechet, kernel: "
    "distances in the network's features. Told apart: balanced accuracy of a classifier, 50 is "
    "best. Learn made, learn real: a logistic regression learns from generated maps and recognises "
    "real ones, and the reverse. Copies: share that is too near to a map that was learned from."
)
"""How the table of comparisons is to be read."""


def _told_apart(row: Fidelity) -> float:
    return row.two_sample.accuracy if row.two_sample else math.nan


Column = tuple[str, Callable[[Fidelity], float], str]

_COLUMNS: tuple[Column, ...] = (
    ("level\n", lambda row: float(np.mean(row.differences.mean)), ".2f"),
    ("effect\n", lambda row: row.differences.effect.correlation, ".2f"),
    ("Frechet\n", lambda row: row.frechet, ".2f"),
    ("kernel\n", lambda row: row.kernel.value if row.kernel else math.nan, ".3f"),
    ("told\napart", lambda row: 100 * _told_apart(row), ".1f"),
    ("learn\nmade", lambda row: 100 * row.transfer.synthetic_to_real, ".1f"),
    ("learn\nreal", lambda row: 100 * row.transfer.real_to_synthetic, ".1f"),
    ("copies\n[%]", lambda row: 100 * row.memorisation.copies, ".1f"),
    ("fit\n[s]", lambda row: row.fit_s, ".1f"),
)


def comparison(proven: Proven) -> Table:
    """Draw how near each generator's maps are to real ones: means over folds."""
    table = _headed("generated and real maps", "maps")
    for head, _, _ in _COLUMNS:
        table.add_column(head, justify="right")
    for name, rows in _by_name(proven):
        cells = [_cell(mean_over(rows, value), form) for _, value, form in _COLUMNS]
        table.add_row(Text(name, style="bold" if name == REAL else ""), *cells)
    return table


def scarcity(use: Use, recogniser: str, label: str) -> Table:
    """Draw the hard case: recall of the scarce class, and balanced accuracy, by the share kept."""
    table = _headed(f"{recogniser}, little of {label}", "with")
    for kept in use.scarce:
        table.add_column(f"{100 * kept:g} % kept\nrecall | balanced", justify="right")
    for method in _methods(use):
        cells = []
        for kept, ablated in use.scarce.items():
            recall = use.recall(kept, method, recogniser, label)
            summary = ablated.scored(recogniser).get(method)
            if recall is None or summary is None:
                cells.append(EMPTY)
                continue
            cells.append(f"{percent(recall)} | {percent(summary.balanced_accuracy.mean)}")
        table.add_row(Text(method), *cells)
    return table


def robustness(proven: Proven) -> Table:
    """Draw the share of right answers under attack: means over folds."""
    attacks = [CLEAN, *(proven.proof.robustness.attacks if proven.proof.robustness else ())]
    table = _headed(f"{proven.proof.network} under attack", "with")
    for attack in attacks:
        table.add_column(f"{attack}\n[%]", justify="right")
    table.add_column("least change\n[SD]", justify="right")
    for name, folds in proven.withstood.items():
        means = [percent(float(np.mean([each.accuracy[a] for each in folds]))) for a in attacks]
        known = [each.least_change for each in folds if not math.isnan(each.least_change)]
        least = float(np.mean(known)) if known else math.nan
        table.add_row(Text(name), *means, _cell(least, ".2f"))
    return table


def _by_name(proven: Proven) -> Iterator[tuple[str, Sequence[Fidelity]]]:
    for name in (row.name for row in proven.compared[0].rows):
        yield name, [row for each in proven.compared for row in each.rows if row.name == name]


def _headed(heading: str, first: str) -> Table:
    return bare_table(Text(heading, style="bold"), first)


def _cell(value: float, form: str) -> str:
    return EMPTY if math.isnan(value) else format(value, form)


def _methods(use: Use) -> tuple[str, ...]:
    return (BASE, *(each.name for each in use.whole.variants if each.name != BASE))
