"""The table of an evaluation: one row a recogniser, for a terminal and for the report."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import fill

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from offline.evaluation.findings import Findings, pooled
from offline.evaluation.summary import Summary

EMPTY = "–"
"""Stands where there is nothing to say."""

_VERDICTS = {True: "yes", False: "NO", None: "?"}
_NARROW_NAME = 16
_ALARMS = ("NO", "LEAKY")


@dataclass(frozen=True)
class Row:
    """What is said of one recogniser, as text; accuracies in per cent.

    Attributes
    ----------
    recogniser : str
        Its name.
    balanced_accuracy, interval : str
        Mean ± standard deviation over subjects, and the 95 % interval of the mean.
    seeds_sd : str
        Standard deviation of the mean over seeds.
    accuracy, macro_f1, trial_accuracy : str
        Means over subjects.
    calibration_error, brier, permutation_p : str
        Not in per cent.
    lag : str
        What smoothing adds until a change is told, seconds, with the share of folds where it is;
        ``never`` where there is none.
    control, control_interval, chance_inside : str
        Accuracy on random labels; the last is ``yes``, ``NO``, or ``?`` where there is no interval.
    leak, leak_control : str
        Where windows were drawn: balanced accuracy on the true labels, accuracy on random ones.
    """

    recogniser: str
    balanced_accuracy: str
    interval: str
    seeds_sd: str
    accuracy: str
    macro_f1: str
    trial_accuracy: str
    calibration_error: str
    brier: str
    permutation_p: str
    lag: str
    control: str
    control_interval: str
    chance_inside: str
    leak: str
    leak_control: str


def rows(evaluation: Findings) -> tuple[Row, ...]:
    """Return one row a recogniser, in the order of the summaries."""
    return tuple(_row(evaluation, summary) for summary in evaluation.summaries)


def bare_table(heading: Text, first: str) -> Table:
    """Return a table without lines, of which only the first column is there, two lines high."""
    table = Table(
        title=heading,
        title_justify="left",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        box=None,
        header_style="bold",
        title_style="",
    )
    table.add_column(f"\n{first}", overflow="fold", min_width=10)
    return table


def title(evaluation: Findings) -> str:
    """Return what the table is about, what has to be known of it first."""
    marks = "".join(f"{mark} | " for mark in evaluation.marks)
    return f"{marks}{evaluation.dataset}: {evaluation.protocol}"


def extent(evaluation: Findings) -> str:
    """Return how much was tested, and what guessing gives."""
    return (
        f"{counted(len(evaluation.subjects), 'subject')}, {counted(evaluation.trials, 'trial')}, "
        f"{counted(evaluation.windows, 'window')}; {len(evaluation.classes)} classes, "
        f"chance {percent(evaluation.chance)} %"
    )


def legend(evaluation: Findings) -> str:
    """Return how the table is to be read."""
    text = (
        "Accuracies and F1 in %: mean over subjects, ± their standard deviation, "
        "[95 % interval of the mean]. ECE: expected calibration error. Brier: 0 best, 2 worst. "
        "acc.: accuracy; p: share of exchanges of trials' labels that do as well."
    )
    if smoothed(evaluation):
        text += (
            " Lag: what smoothing adds until a change of class is told, seconds: median over "
            "those folds, their share in brackets, where each class's windows speak for it on "
            "average; in the others a change is never told."
        )
    if not evaluation.controls:
        text += " No labels were drawn as a control: it is not seen whether labels leak."
    else:
        text += (
            " Random labels: accuracy of all of it again with labels drawn at random, all classes "
            "alike likely. An honest evaluation has "
            "chance inside the interval 19 times in 20; far above chance, labels leak."
        )
    if evaluation.leak:
        text += (
            " LEAKY: windows instead of trials drawn for the test part, as some papers do, with "
            "true and with random labels; what random labels give there above chance is the leak."
        )
    return text


def smoothed(evaluation: Findings) -> bool:
    """Tell whether smoothing adds a lag that has to be shown."""
    return any(summary.lag_s != 0 for summary in evaluation.summaries)


def lag(summary: Summary) -> str:
    """Return a lag in seconds with the share of folds that have it, where it is not all."""
    if not math.isfinite(summary.lag_s):
        return EMPTY if math.isnan(summary.lag_s) else "never"
    told = summary.lag_told
    return f"{summary.lag_s:.1f}" + (f" ({100 * told:.0f}%)" if told < 1 else "")


def percent(share: float) -> str:
    """Return a share in per cent with one digit, or a dash where there is none."""
    return f"{100 * share:.1f}" if math.isfinite(share) else EMPTY


def interval(low: float, high: float) -> str:
    """Return an interval of shares in per cent, or a dash where there is none."""
    return f"[{percent(low)}, {percent(high)}]" if math.isfinite(low + high) else EMPTY


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 trial``, ``3 394 windows``."""
    number = f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")
    return f"{number} {noun}{'' if count == 1 else 's'}"


def render(evaluation: Findings) -> AdaptiveTable:
    """Draw the table for a Rich console of any width.

    Parameters
    ----------
    evaluation : Findings
        What to show.

    Returns
    -------
    AdaptiveTable
        Something for a Rich console: one line a recogniser where that fits, and otherwise two, the
        intervals in the second.
    """
    return AdaptiveTable(lambda stacked: _table(evaluation, stacked=stacked))


class AdaptiveTable:
    """A table that is laid out once the width is known.

    Parameters
    ----------
    draw : callable
        Draws it; told whether cells have to be stacked, since side by side they do not fit.
    """

    def __init__(self, draw: Callable[[bool], Table]) -> None:
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = self._draw(False)
        wanted = Measurement.get(console, options.update(width=10_000), table).maximum
        if wanted > options.max_width:
            table = self._draw(True)
        # A console that leaves long lines to the terminal would not wrap the legend either.
        yield from console.render(table, options.update(no_wrap=False, overflow="fold"))


def _row(evaluation: Findings, summary: Summary) -> Row:
    name = summary.recogniser
    draws = evaluation.controls.get(name)
    control = pooled(draws) if draws else None
    leak, leak_draws = evaluation.leak.get(name), evaluation.leak_controls.get(name)
    balanced = summary.balanced_accuracy
    several = len(summary.per_subject) > 1  # one person says nothing of how persons differ
    return Row(
        recogniser=name,
        balanced_accuracy=percent(balanced.mean)
        + (f" ± {percent(balanced.sd)}" if several else ""),
        interval=interval(balanced.low, balanced.high) if several else EMPTY,
        seeds_sd=percent(balanced.seeds_sd) if summary.seeds > 1 else EMPTY,
        accuracy=percent(summary.accuracy.mean),
        macro_f1=percent(summary.macro_f1.mean),
        trial_accuracy=percent(summary.trial_accuracy.mean),
        calibration_error=_decimal(summary.calibration.expected_error),
        brier=_decimal(summary.calibration.brier),
        permutation_p=_p(summary.permutation_p),
        lag=lag(summary),
        control=percent(control.mean) if control else EMPTY,
        control_interval=interval(control.low, control.high) if control else EMPTY,
        chance_inside=_VERDICTS[control.contains(evaluation.chance)] if control else EMPTY,
        leak=percent(leak.balanced_accuracy.mean) if leak else EMPTY,
        leak_control=percent(pooled(leak_draws).mean) if leak_draws else EMPTY,
    )


def _decimal(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else EMPTY


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else _decimal(value)


def _table(evaluation: Findings, *, stacked: bool) -> Table:
    table = bare_table(_heading(evaluation), "recogniser")
    table.caption, table.caption_justify = Text(f"\n{legend(evaluation)}", style="dim"), "left"
    for head in _heads(evaluation, stacked):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows(evaluation):
        name = fill(row.recogniser, _NARROW_NAME) if stacked else row.recogniser
        table.add_row(Text(name), *_cells(evaluation, row, stacked))
    return table


def _heading(evaluation: Findings) -> Text:
    style = "bold red" if evaluation.leaky or not evaluation.causal else "bold"
    return Text.assemble((title(evaluation), style), "\n", extent(evaluation), "\n")


def _heads(evaluation: Findings, stacked: bool) -> list[str]:
    heads = ["balanced\naccuracy"]
    heads += ["acc.\nF1"] if stacked else ["\nacc.", "macro\nF1"]
    heads += ["trial\nacc."]
    heads += ["ECE\nBrier"] if stacked else ["\nECE", "\nBrier"]
    if smoothed(evaluation):
        heads += ["p\nlag s"] if stacked else ["\np", "lag\n[s]"]
    else:
        heads += ["\np"]
    if evaluation.controls:
        heads += ["random\nlabels", "chance\ninside"]
    if evaluation.leak:
        heads += ["LEAKY\nrandom"] if stacked else ["LEAKY\nwindows", "LEAKY\nrandom"]
    return heads


def _cells(evaluation: Findings, row: Row, stacked: bool) -> list[Text]:
    between = "\n" if stacked else " "

    def side_by_side(*values: str) -> list[str]:
        return ["\n".join(values)] if stacked else list(values)

    cells = [f"{row.balanced_accuracy}{between}{row.interval}"]
    cells += side_by_side(row.accuracy, row.macro_f1)
    cells += [row.trial_accuracy]
    cells += side_by_side(row.calibration_error, row.brier)
    cells += (
        side_by_side(row.permutation_p, row.lag) if smoothed(evaluation) else [row.permutation_p]
    )
    if evaluation.controls:
        control = [row.control, row.control_interval]
        cells += [EMPTY if row.control == EMPTY else between.join(control), row.chance_inside]
    if evaluation.leak:
        cells += side_by_side(row.leak, row.leak_control)
    return [_alarming(cell) for cell in cells]


def _alarming(cell: str) -> Text:
    text = Text(cell)
    text.highlight_words(_ALARMS, "bold red")
    return text
