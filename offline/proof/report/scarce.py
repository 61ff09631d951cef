"""Figures of the hard case: little of a class to learn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from offline.ablation import BASE
from offline.evaluation.report.panels import (
    CHANCE_STYLE,
    QUIET_COLOUR,
    legend_above,
    line_styles,
    panels,
    percent_axis,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from offline.proof.use import Use

_BASE_STYLE = {"color": QUIET_COLOUR, "linewidth": 3, "marker": "o"}


def recall_figure(use: Use, label: str) -> Figure:
    """Draw recall of the scarce class over the share that is kept, a panel a recogniser."""

    def recall(kept: float, method: str, recogniser: str) -> float:
        found = use.recall(kept, method, recogniser, label)
        return math.nan if found is None else found

    return _lines(use, recall, f"recall of {label} [%]")


def balanced_figure(use: Use) -> Figure:
    """Draw balanced accuracy over the share that is kept, a panel a recogniser, and chance."""

    def balanced(kept: float, method: str, recogniser: str) -> float:
        summary = use.scarce[kept].scored(recogniser).get(method)
        return math.nan if summary is None else summary.balanced_accuracy.mean

    figure = _lines(use, balanced, "balanced accuracy [%]")
    for panel in figure.get_axes():
        panel.axhline(use.whole.findings[BASE].chance, **CHANCE_STYLE)
    return figure


def _lines(use: Use, value: Callable[[float, str, str], float], what: str) -> Figure:
    """Draw a line a method, the one without any generated maps behind the others."""
    shares = sorted(use.scarce)
    others = [each.name for each in use.whole.variants if each.name != BASE]
    styles = {BASE: _BASE_STYLE} | dict(zip(others, line_styles(len(others)), strict=True))
    figure, axes = panels(len(use.whole.recognisers), 4.2)
    lines = []
    for panel, recogniser in zip(axes, use.whole.recognisers, strict=True):
        lines = [
            panel.plot(
                shares, [value(kept, method, recogniser) for kept in shares], markersize=6, **style
            )[0]
            for method, style in styles.items()
        ]  # fmt: skip
        percent_axis(panel)
        panel.set_xticks(shares, [f"{100 * kept:g}" for kept in shares])
        panel.set(title=recogniser, xlabel="kept [%]", ylabel=what)
    legend_above(figure, lines, list(styles))
    return figure
