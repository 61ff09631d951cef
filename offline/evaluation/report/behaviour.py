"""Figures of how recognisers behave: calibration, and accuracy within a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.evaluation.report.panels import (
    CHANCE_STYLE,
    MAIN_COLOUR,
    QUIET_COLOUR,
    SECOND_COLOUR,
    legend_above,
    panels_with_strips,
    percent_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from offline.evaluation.findings import Findings


def calibration_figure(findings: Findings) -> Figure:
    """Draw reliability diagrams: accuracy by confidence, and how many windows were so sure."""
    figure, pairs = panels_with_strips(len(findings.summaries), 3.6)
    for (upper, lower), summary in zip(pairs, findings.summaries, strict=True):
        bins = summary.calibration.bins
        confidence = [each.confidence for each in bins]
        (ideal,) = upper.plot([0, 1], [0, 1], **CHANCE_STYLE)
        (found,) = upper.plot(
            confidence, [each.accuracy for each in bins], "o-", color=MAIN_COLOUR, markersize=5
        )
        lower.bar(confidence, [each.windows for each in bins], width=0.04, color=QUIET_COLOUR)
        for axes in (upper, lower):
            percent_axis(axes, "x")
        percent_axis(upper)
        error = summary.calibration.expected_error
        upper.set(title=f"{summary.recogniser}\nECE {error:.3f}", ylabel="accuracy [%]")
        lower.set(xlabel="confidence [%]", ylabel="windows")
        _few_ticks(lower)
    legend_above(figure, [found, ideal], ["recogniser", "perfectly calibrated"])
    return figure


def over_time_figure(findings: Findings) -> Figure:
    """Draw balanced accuracy by the time in the trial, and how many trials last so long."""
    figure, pairs = panels_with_strips(len(findings.summaries), 3.4)
    for (upper, lower), summary in zip(pairs, findings.summaries, strict=True):
        times = summary.over_time
        (window,) = upper.plot(times.seconds, times.window, color=QUIET_COLOUR, linewidth=1.2)
        (so_far,) = upper.plot(times.seconds, times.so_far, color=MAIN_COLOUR, linewidth=2)
        chance = upper.axhline(findings.chance, **CHANCE_STYLE)
        percent_axis(upper)
        lower.fill_between(times.seconds, times.trials, step="mid", color=SECOND_COLOUR, alpha=0.5)
        upper.set(title=summary.recogniser, ylabel="balanced\naccuracy [%]")
        lower.set(xlabel="time since the trial began [s]", ylabel="trials")
        lower.set_xlim(left=0)
        _few_ticks(lower)
    legend_above(figure, [window, so_far, chance], ["window", "trial so far", "chance"])
    return figure


def _few_ticks(axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
