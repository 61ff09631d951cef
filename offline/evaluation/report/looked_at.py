"""Figures of what recognisers look at: electrodes, bands, segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.report.heads import MIN_MAPPED, heads_figure, limit_of
from offline.evaluation.report.panels import class_styles, legend_above, panels
from offline.evaluation.table import interval, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from offline.evaluation.findings import Findings
    from offline.explain.explanation import Explained

MEAN = "all classes"
"""Row of heads, or mark, of the mean over classes."""

WITHOUT = "left out"
"""Title of the column of heads that shows occlusion."""

LOOKED_AT = (
    "Found on test windows, a few hundred of each fit, by the recogniser that had not been trained "
    "on them, before smoothing; then averaged over all fits. Evidence is the true class's logit "
    "less the mean of the others': integrated gradients of maps, gradient times signal of the "
    "signal, none where a recogniser has no gradients or sees covariances. Leaving out asks the "
    "recogniser again about windows in which an electrode or a band says nothing; nothing is "
    "fitted anew. What moves all windows towards one class, such as a person whose signals are "
    "unlike those of the others, speaks for that class and against the rest: only the mean of the "
    "classes shows what helps to tell them apart. Neighbouring electrodes say much the same, so "
    "that leaving out one may cost little although their region matters. It is seen what a "
    "recogniser uses, which may be muscles or eyes as well as brain."
)
HEADS = (
    "Evidence for the true class by plane and electrode, one scale for all planes: red speaks for "
    f"the class, blue against it. Column “{WITHOUT}”: what the class's log-probability loses "
    "without the electrode, all bands together. Mean over fits; seen from above, nose up."
)


def electrodes_looked_at_figure(findings: Findings, name: str) -> Figure | None:
    """Draw one recogniser's attributions, a column a plane, and what leaving electrodes out costs.

    All planes have one scale, so that they can be compared. None where too few electrodes make no
    map.
    """
    explained = findings.explained[name]
    if len(explained.channels) < MIN_MAPPED:
        return None
    shown, lost = explained.mean.attributions, explained.mean.electrode_nats
    limits = [*[limit_of(shown)] * len(explained.planes), limit_of(lost)]
    maps = np.concatenate([shown, lost[:, None]], axis=1)
    rows, columns = (*findings.classes, MEAN), (*explained.planes, WITHOUT)
    maps = np.concatenate([maps, _over_classes(maps)[None]])
    return heads_figure(rows, explained.channels, columns, maps, limits)


def bands_looked_at_figure(findings: Findings) -> Figure:
    """Draw what each recogniser loses without each band, a bar a class."""
    figure, axes = panels(len(findings.explained), 3.2)
    bars = []
    for panel, (name, explained) in zip(axes, findings.explained.items(), strict=True):
        bars = _bars(panel, findings.classes, explained)
        panel.set(title=name, ylabel="lost without the band [nats]")
    legend_above(figure, bars, (*findings.classes, MEAN))
    return figure


def _bars(panel: Axes, classes: Sequence[str], explained: Explained) -> list[Any]:
    places, width = np.arange(len(explained.bands)), 0.8 / len(classes)
    offsets = (np.arange(len(classes)) - (len(classes) - 1) / 2) * width
    lost, spread = explained.mean.band_nats, explained.sd.band_nats
    handles: list[Any] = [
        panel.bar(
            places + offset, lost[k], width, yerr=spread[k] if explained.fits > 1 else None,
            color=style["color"], error_kw={"elinewidth": 0.8, "ecolor": "#404040"},
        )
        for k, (offset, style) in enumerate(zip(offsets, class_styles(classes), strict=True))
    ]  # fmt: skip
    handles += panel.plot(
        places, _over_classes(lost), "D", color="black", markeredgecolor="white", markersize=8
    )
    panel.axhline(0, color="black", linewidth=0.8)
    panel.set_xticks(places, explained.bands)
    return handles


def _over_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the classes that have windows; NaN where none has."""
    mean: NDArray[np.float64] = np.ma.masked_invalid(values).mean(axis=0).filled(np.nan)
    return mean


def segments_looked_at_figure(findings: Findings) -> Figure | None:
    """Draw how much evidence lies in each of the maps that a network sees; None if all see one."""
    several = {
        name: explained
        for name, explained in findings.explained.items()
        if len(explained.segment_s) > 1
    }
    if not several:
        return None
    figure, axes = panels(len(several), 2.9)
    lines = []
    for panel, (name, explained) in zip(axes, several.items(), strict=True):
        before = -np.array(explained.segment_s)
        lines = [
            panel.plot(before, row, marker="o", markersize=4, **style)[0]
            for row, style in zip(
                explained.mean.over_segments, class_styles(findings.classes), strict=True
            )
        ]
        panel.axhline(0, color="black", linewidth=0.8)
        panel.set(title=name, xlabel="time since the newest map [s]", ylabel="evidence [nats]")
    legend_above(figure, lines, findings.classes)
    return figure


def standing(findings: Findings, name: str) -> str:
    """Say how good the recogniser is that is explained: what a poor one looks at says nothing."""
    (summary,) = (each for each in findings.summaries if each.recogniser == name)
    spread = summary.balanced_accuracy
    said = (
        f"Balanced accuracy {percent(spread.mean)} % {interval(spread.low, spread.high)}, "
        f"chance {percent(findings.chance)} %."
    )
    if spread.low <= findings.chance:
        said += " That is no better than chance: what it looks at is of no use."
    return said
