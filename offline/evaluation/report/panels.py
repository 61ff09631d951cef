"""How the report's figures look, and how one panel a recogniser is laid out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "text.parse_math": False,  # a dollar in a name is a dollar
}
"""Matplotlib settings under which all figures are made and drawn."""

CHANCE_STYLE: dict[str, Any] = {"color": "black", "linestyle": (0, (4, 3)), "linewidth": 1}
MAIN_COLOUR = "#0072B2"
SECOND_COLOUR = "#E69F00"
LEAKY_COLOUR = "#D55E00"
QUIET_COLOUR = "#B0B0B0"

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
_CLASS_COLOURS = {"negative": "#D55E00", "neutral": "#595959", "positive": "#0072B2"}
_OTHER_COLOURS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D00", "#000000")
_LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), "-.")
_WIDTH = 11.0  # inches
_WIDEST = 5.0
_ABREAST = 3
_DPI = 130


def new_figure(width: float, height: float, headroom: float = 0.0) -> Figure:
    """Return an empty figure of a size in inches that no window system knows of.

    What is laid out in it leaves as much headroom free at the top, inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.08, rect=(0, 0, 1, 1 - headroom / height))
    figure = Figure(figsize=(width, height), layout=layout, dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure


def panels(count: int, height: float, *, wide: bool = False) -> tuple[Figure, list[Axes]]:
    """Return a figure with a grid of panels of a height in inches; wide ones one below another."""
    columns, rows = _grid(count, 1 if wide else _ABREAST)
    figure = new_figure(_WIDTH if wide else _panel_width(columns) * columns, height * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def panels_with_strips(count: int, height: float) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Return a figure with a grid of panels that have a low one with the same x axis below."""
    columns, rows = _grid(count, _ABREAST)
    figure = new_figure(_panel_width(columns) * columns, height * rows)
    grid = figure.subfigures(rows, columns, squeeze=False).ravel()
    pairs = []
    for part in grid[:count]:
        upper, lower = part.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        pairs.append((upper, lower))
    return figure, pairs


def class_styles(classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return colour and line of each class, the same ones in every figure."""
    free = iter(_OTHER_COLOURS * len(classes))
    return [
        {"color": _CLASS_COLOURS.get(name) or next(free), "linestyle": _LINES[k % len(_LINES)]}
        for k, name in enumerate(classes)
    ]


def shortened(names: Iterable[str], length: int = 14) -> list[str]:
    """Return names that are short enough for an axis; begin and end stay, which tell them apart."""
    half = length // 2
    return [
        name if len(name) <= length else f"{name[: length - half - 1]}…{name[-half:]}"
        for name in names
    ]


def legend_above(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Put one legend above all panels."""
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))


def percent_axis(axes: Axes, which: str = "y") -> None:
    """Let an axis show shares in per cent, all of them from 0 to 100."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    axis = axes.yaxis if which == "y" else axes.xaxis
    (axes.set_ylim if which == "y" else axes.set_xlim)(0, 1)
    axis.set_major_locator(FixedLocator(np.linspace(0, 1, 6).tolist()))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f}"))


def _grid(count: int, abreast: int) -> tuple[int, int]:
    columns = min(abreast, count)
    return columns, -(-count // columns)


def _panel_width(columns: int) -> float:
    return min(_WIDTH / columns, _WIDEST)
