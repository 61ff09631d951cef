"""A proof's tables, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from rich.table import Table
from rich.text import Text

from offline.ablation import BASE
from offline.evaluation.table import EMPTY, bare_table, percent
from offline.proof.fidelity import REAL, Fidelity, mean_over
from offline.proof.robustness import CLEAN
from offline.proof.run import Proven
from offline.proof.signal_fidelity import SignalFidelity
from offline.proof.use import Use

LEGEND = (
    "Compared with real maps that were held out; the row 'real' is other real maps that were held "
    "out: the ceiling, but where they are of few people or trials; who learns from more can come "
    "nearer. Level: mean difference of the classes' maps, in the training "
    "part's standard deviations. Effect: correlation of the classes' patterns. Frechet, kernel: "
    "distances in the network's features. Told apart: balanced accuracy of a classifier, 50 is "
    "best. Learn made, learn real: a logistic regression learns from generated maps and recognises "
    "real ones, and the reverse. Copies: share that is too near to a map that was learned from. "
    "Different: share that is no repetition of another, as who edits may find few maps good [%]."
)
"""How the table of comparisons is to be read."""

STREAMS_LEGEND = (
    "The maps of a generator of signals are those that the signal path measures in its streams."
)
"""How that table is to be read where there are generators of the signal."""

SIGNALS_LEGEND = (
    "Signals likewise. Spectrum: mean difference of the bands' log power, on the scale of "
    "differential entropy. Covariance: Riemannian distance of the channels' mean covariances. "
    "Rhythm: difference of autocorrelations. Amplitude: distance of distributions, in real "
    "standard deviations. Of all these 0 is best. Seam: how much steeper the steepest steps of an "
    "endless stream are than those of single windows, 1 is best."
)
"""How the table of signals is to be read."""


SCARCITY_LEGEND = (
    "Little of a class: its recall, and balanced accuracy. *: the 95 % interval of what balanced "
    "accuracy is more or less than the base's, subject by subject, leaves out 0."
)
"""How the hard case's tables are to be read."""


def _told_apart(row: Fidelity) -> float:
    return row.two_sample.accuracy if row.two_sample else math.nan


Row = TypeVar("Row", Fidelity, SignalFidelity)
Column = tuple[str, Callable[[Row], float], str]

_COLUMNS: tuple[Column[Fidelity], ...] = (
    ("level\n", lambda row: float(np.mean(row.differences.mean)), ".2f"),
    ("effect\n", lambda row: row.differences.effect.correlation, ".2f"),
    ("Frechet\n", lambda row: row.frechet, ".2f"),
    ("kernel\n", lambda row: row.kernel.value if row.kernel else math.nan, ".3f"),
    ("told\napart", lambda row: 100 * _told_apart(row), ".1f"),
    ("learn\nmade", lambda row: 100 * row.transfer.synthetic_to_real, ".1f"),
    ("learn\nreal", lambda row: 100 * row.transfer.real_to_synthetic, ".1f"),
    ("copies\n[%]", lambda row: 100 * row.memorisation.copies, ".1f"),
    ("diffe-\nrent", lambda row: 100 * row.different, ".0f"),
    ("fit\n[s]", lambda row: row.fit_s, ".1f"),
)


_SIGNAL_COLUMNS: tuple[Column[SignalFidelity], ...] = (
    ("spectrum\n[nats]", lambda row: float(np.mean([*row.differences.spectrum.values()])), ".2f"),
    ("covar-\niance", lambda row: row.differences.covariance, ".2f"),
    ("rhythm\n", lambda row: row.differences.autocorrelation, ".3f"),
    ("amplitude\n[SD]", lambda row: row.differences.amplitude, ".2f"),
    ("kurtosis\n", lambda row: row.differences.kurtosis, ".2f"),
    ("seam\n", lambda row: row.seam, ".2f"),
    ("fit\n[s]", lambda row: row.fit_s, ".1f"),
)


def comparison(proven: Proven) -> Table:
    """Draw how near each generator's maps are to real ones: means over folds."""
    return _compared("maps", [each.rows for each in proven.compared], _COLUMNS)


def signals(proven: Proven) -> Table:
    """Draw how near each generator's signal is to the real one: means over folds."""
    return _compared("signals", [each.rows for each in proven.signals], _SIGNAL_COLUMNS)


def legend(proven: Proven) -> str:
    """Return how the tables of comparisons are to be read."""
    signals = (STREAMS_LEGEND, SIGNALS_LEGEND) if proven.signals else ()
    scarce = (SCARCITY_LEGEND,) if proven.proof.scarce is not None else ()
    return " ".join([LEGEND, *signals, *scarce])


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
            difference = ablated.difference(method, recogniser)
            mark = "*" if difference is not None and difference.certain else " "
            cells.append(f"{percent(recall)} | {percent(summary.balanced_accuracy.mean)}{mark}")
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


def _compared(what: str, folds: Sequence[Sequence[Row]], columns: Sequence[Column[Row]]) -> Table:
    table = _headed(f"generated and real {what}", what)
    for head, _, _ in columns:
        table.add_column(head, justify="right")
    for rows in zip(*folds, strict=True):  # every fold has the same, in the same order
        cells = [_cell(mean_over(rows, value), form) for _, value, form in columns]
        table.add_row(Text(rows[0].name, style="bold" if rows[0].name == REAL else ""), *cells)
    return table


def _headed(heading: str, first: str) -> Table:
    return bare_table(Text(heading, style="bold"), first)


def _cell(value: float, form: str) -> str:
    return EMPTY if math.isnan(value) else format(value, form)


def _methods(use: Use) -> tuple[str, ...]:
    return (BASE, *(each.name for each in use.whole.variants if each.name != BASE))
