"""What an ablation found: a table a recogniser, a figure, and a file for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table
from rich.text import Text

from offline.ablation import BASE, Ablated
from offline.evaluation.report.metrics_file import plain
from offline.evaluation.report.panels import (
    CHANCE_STYLE,
    STYLE,
    bar_panels,
    bars,
    class_styles,
    errors,
    panels,
    percent_axis,
)
from offline.evaluation.table import (
    EMPTY,
    AdaptiveTable,
    bare_table,
    extent,
    interval,
    lag,
    percent,
    smoothed,
    title,
)
from rtbci.atomic import complete_or_absent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from offline.evaluation.intervals import Difference

LEGEND = (
    "Balanced accuracy per window in %: mean over subjects, ± their standard deviation, [95 % "
    "interval of the mean]. Less the base: subject by subject, in points, [95 % interval]; where "
    "the interval holds 0, it may be chance. Of several variants that are tried, the "
    "best looks better than it is. ECE: expected calibration error."
)
"""How the tables are to be read."""

_LAG = (
    " Lag: what smoothing adds until a change of class is told, seconds; in brackets the share of "
    "folds where it ever is."
)


def heading(ablated: Ablated) -> str:
    """Return what all variants are about, with what has to be known of it first."""
    base = ablated.findings[BASE]
    return f"{title(base)}\n{extent(base)}"


def legend(ablated: Ablated) -> str:
    """Return how the tables are to be read."""
    return LEGEND + (_LAG if _any_lag(ablated) else "")


def render(ablated: Ablated, recogniser: str) -> AdaptiveTable:
    """Draw one recogniser's table, a row a variant, for a Rich console of any width."""
    return AdaptiveTable(lambda stacked: variants_table(ablated, recogniser, stacked=stacked))


def variants_table(ablated: Ablated, recogniser: str, *, stacked: bool = False) -> Table:
    """Draw one recogniser's table, a row a variant; intervals below the means, or beside them."""
    table = bare_table(Text(recogniser, style="bold"), "variant")
    heads = ["balanced\naccuracy", "less\nthe base", "\nECE", "\nwindows"]
    if _any_lag(ablated):
        heads.insert(3, "lag\n[s]")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    between = "\n" if stacked else " "
    for name, summary in ablated.scored(recogniser).items():
        found = summary.balanced_accuracy
        several = len(summary.per_subject) > 1
        mean = percent(found.mean) + (f" ± {percent(found.sd)}" if several else "")
        cells = [
            f"{mean}{between}{interval(found.low, found.high)}" if several else mean,
            _less(ablated.difference(name, recogniser), between),
            f"{summary.calibration.expected_error:.3f}",
            f"{summary.windows:,}".replace(",", "\N{NO-BREAK SPACE}"),
        ]
        if _any_lag(ablated):
            cells.insert(3, lag(summary))
        table.add_row(Text(name), *(Text(cell) for cell in cells))
    return table


def _less(found: Difference | None, between: str) -> str:
    if found is None:
        return EMPTY
    mean = f"{100 * found.mean:+.1f}"
    return f"{mean}{between}{interval(found.low, found.high)}" if found.subjects > 1 else mean


def _any_lag(ablated: Ablated) -> bool:
    return any(smoothed(findings) for findings in ablated.findings.values())


def write_ablation(ablated: Ablated, path: Path) -> None:
    """Write all variants' figures as strict JSON; the file is complete or absent."""
    content = ablation_to_dict(ablated)
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    with complete_or_absent(path) as file:
        file.write(f"{text}\n".encode())


def ablation_to_dict(ablated: Ablated) -> dict[str, Any]:
    """Return the figures as plain data; a number that is not finite is None."""
    base = ablated.findings[BASE]
    return {
        "dataset": base.dataset,
        "protocol": base.protocol,
        "warnings": list(base.warnings),
        "classes": list(base.classes),
        "chance": base.chance,
        "variants": {
            each.name: {
                "changes": plain(each.changes),
                "recognisers": {
                    summary.recogniser: plain(summary)
                    | {"less_the_base": plain(ablated.difference(each.name, summary.recogniser))}
                    for summary in ablated.findings[each.name].summaries
                },
                "provenance": plain(ablated.findings[each.name].provenance),
            }
            for each in ablated.variants
        },
    }


def write_figure(ablated: Ablated, path: Path) -> None:
    """Draw balanced accuracies as PNG; the file is complete or absent."""
    import matplotlib

    with matplotlib.rc_context(STYLE), complete_or_absent(path) as file:
        figure = variants_figure(ablated)
        figure.suptitle(heading(ablated), fontsize=9)
        figure.savefig(file, format="png")


def variants_figure(ablated: Ablated) -> Figure:
    """Draw balanced accuracies, one panel a recogniser.

    Over the seconds of calibration, a line for each sort of block, where variants differ in nothing
    else; otherwise a bar a variant.
    """
    sorts = ablated.calibration_s
    return _over_seconds(ablated, sorts) if sorts else _bars(ablated)


def _bars(ablated: Ablated) -> Figure:
    names = ablated.recognisers
    figure, axes = bar_panels(names, max(len(ablated.scored(name)) for name in names))
    for each, name in zip(axes, names, strict=True):
        spreads = {
            variant: summary.balanced_accuracy for variant, summary in ablated.scored(name).items()
        }
        bars(each, {k: (s.mean, s.low, s.high) for k, s in spreads.items()}, BASE)
        each.axvline(ablated.findings[BASE].chance, **CHANCE_STYLE)
        percent_axis(each, "x")
        each.set_xlabel("balanced accuracy [%]")
    return figure


def _over_seconds(ablated: Ablated, sorts: Mapping[str, Mapping[str, float]]) -> Figure:
    names = ablated.recognisers
    figure, axes = panels(len(names), 3.6)
    whole = max(max(seconds.values()) for seconds in sorts.values())
    for each, name in zip(axes, names, strict=True):
        scored = ablated.scored(name)
        for k, (sort, style) in enumerate(zip(sorts, class_styles(list(sorts)), strict=True)):
            seconds = {v: s for v, s in sorts[sort].items() if v in scored}
            spreads = [scored[variant].balanced_accuracy for variant in seconds]
            means = [spread.mean for spread in spreads]
            reach = errors([(spread.mean, spread.low, spread.high) for spread in spreads])
            # Side by side, so that intervals do not hide each other.
            x = np.array(list(seconds.values())) + 0.01 * whole * (k - (len(sorts) - 1) / 2)
            each.errorbar(x, means, yerr=reach, marker="o", capsize=3, label=sort, **style)
        each.axhline(ablated.findings[BASE].chance, **CHANCE_STYLE)
        percent_axis(each)
        ticks = {s for seconds in sorts.values() for s in seconds.values()}
        each.set_xticks(sorted(ticks))
        each.set(title=name, xlabel="calibration [s]", ylabel="balanced accuracy [%]")
    axes[0].legend(fontsize=8)
    return figure
