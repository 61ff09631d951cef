"""Figures of scores: confusion matrices, subjects, controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from offline.evaluation.findings import Findings, pooled
from offline.evaluation.report.panels import (
    CHANCE_STYLE,
    LEAKY_COLOUR,
    MAIN_COLOUR,
    QUIET_COLOUR,
    SECOND_COLOUR,
    legend_above,
    new_figure,
    panels,
    percent_axis,
    shortened,
)
from offline.evaluation.table import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from offline.evaluation.summary import Summary

_ABREAST_SUBJECTS = 16  # more bars need the whole width


def confusion_figure(findings: Findings) -> Figure:
    """Draw one confusion matrix a recogniser: share of each true class, and windows."""
    figure, axes = panels(len(findings.summaries), 3.3)
    image = None
    for panel, summary in zip(axes, findings.summaries, strict=True):
        image = _confusion(panel, summary)
    if image is not None:
        figure.colorbar(
            image, ax=axes, location="bottom", label="share of the true class [%]",
            shrink=0.4, aspect=40, ticks=[0, 0.25, 0.5, 0.75, 1],
            format=lambda share, _: f"{100 * share:.0f}",
        )  # fmt: skip
    return figure


def _confusion(panel: Axes, summary: Summary) -> AxesImage:
    counts = np.asarray(summary.confusion, np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(shares.shape):
        share = shares[row, column]
        panel.text(
            column, row, f"{percent(share)} %\n{counts[row, column]:,.0f}".replace(",", " "),
            ha="center", va="center", fontsize=9 if len(counts) < 5 else 6,
            color="white" if share > 0.55 else "black",
        )  # fmt: skip
    names = shortened(summary.classes)
    panel.set_xticks(range(len(names)), names)
    panel.set_yticks(range(len(names)), names, rotation=90, va="center")
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    panel.set(title=summary.recogniser, xlabel="recognised", ylabel="true")
    return image


def subjects_figure(findings: Findings) -> Figure:
    """Draw one panel a recogniser: a bar a subject, the mean with its interval, chance."""
    names = findings.subjects
    wide = len(names) > _ABREAST_SUBJECTS
    figure, axes = panels(len(findings.summaries), 2.9, wide=wide)
    for panel, summary in zip(axes, findings.summaries, strict=True):
        heights = [summary.per_subject.get(name, np.nan) for name in names]
        spread = summary.balanced_accuracy
        bars = panel.bar(range(len(names)), heights, color=QUIET_COLOUR, width=0.75)
        interval = panel.axhspan(spread.low, spread.high, color=MAIN_COLOUR, alpha=0.25, lw=0)
        mean = panel.axhline(spread.mean, color=MAIN_COLOUR)
        chance = panel.axhline(findings.chance, **CHANCE_STYLE)
        percent_axis(panel)
        panel.set_xlim(-0.75, len(names) - 0.25)
        panel.set_title(summary.recogniser)
        crowded = sum(len(name) + 1 for name in shortened(names)) > (140 if wide else 45)
        panel.set_xticks(
            range(len(names)), shortened(names), fontsize=8, rotation=90 if crowded else 0
        )
        panel.set(xlabel="subject", ylabel="balanced accuracy [%]")
    legend_above(
        figure, [bars, mean, interval, chance], ["subject", "mean", "95 % interval", "chance"]
    )
    return figure


def controls_figure(findings: Findings) -> Figure:
    """Draw all recognisers on true labels, on random labels and, where tried, random windows."""
    names = [summary.recogniser for summary in findings.summaries]
    figure = new_figure(9.0, 1.5 + 0.55 * len(names))
    axes = figure.subplots()
    handles: dict[str, Any] = {}
    for place, summary in enumerate(findings.summaries):
        name, spread = summary.recogniser, summary.balanced_accuracy
        handles["true labels [95 % interval]"] = _dot(
            axes, place - 0.17, (spread.mean, spread.low, spread.high), "o", MAIN_COLOUR
        )
        if findings.controls.get(name):
            control = pooled(findings.controls[name])
            handles["random labels [95 % interval]"] = _dot(
                axes, place + 0.17, (control.mean, control.low, control.high), "s", SECOND_COLOUR
            )
        if name in findings.leak:
            leak = findings.leak[name].balanced_accuracy.mean
            handles["random windows (LEAKY)"] = _dot(
                axes, place - 0.17, (leak, leak, leak), "x", LEAKY_COLOUR
            )
        if findings.leak_controls.get(name):
            leak = pooled(findings.leak_controls[name]).mean
            handles["random windows and labels (LEAKY)"] = _dot(
                axes, place + 0.17, (leak, leak, leak), "+", LEAKY_COLOUR
            )
    handles["chance"] = axes.axvline(findings.chance, **CHANCE_STYLE)
    percent_axis(axes, "x")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), shortened(names, 30))
    axes.grid(axis="y", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.set_xlabel("balanced accuracy (random labels: accuracy), mean over subjects [%]")
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3)
    return figure


def _dot(
    axes: Axes, y: float, values: tuple[float, float, float], marker: str, colour: str
) -> ErrorbarContainer:
    mean, low, high = values
    errors = np.nan_to_num([[mean - low], [high - mean]])
    filled = colour if marker in "ox+" else "white"
    return axes.errorbar(
        mean, y, xerr=np.maximum(errors, 0), fmt=marker, color=colour, markersize=7,
        markerfacecolor=filled, markeredgewidth=1.8, elinewidth=1.6, capsize=3 if high > low else 0,
    )  # fmt: skip
