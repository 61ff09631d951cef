"""How the report's figures look, and how one panel a recogniser is laid out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from offline.evaluation.table import EMPTY

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
PALE_COLOUR = "#9CCDEB"
QUIET_COLOUR = "#B0B0B0"

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
_CLASS_COLOURS = {"negative": "#D55E00", "neutral": "#595959", "positive": "#0072B2"}
_OTHER_COLOURS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D00", "#000000")
_LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), "-.")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", "p", ">")
_WIDTH = 11.0  # inches
_WIDEST = 5.0
_ABREAST = 3
_DPI = 130
_LEGEND_MARK, _LEGEND_LETTER = 0.67, 0.075  # inches, of an entry


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


def bar_panels(titles: Sequence[str], rows: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each title, high enough for a number of :func:`bars`."""
    figure, axes = panels(len(titles), 1.2 + 0.35 * rows)
    for each, title in zip(axes, titles, strict=True):
        each.set_title(title)
    return figure, axes


def bars(
    axes: Axes,
    values: Mapping[str, tuple[float, float, float]],
    base: str,
    colours: Mapping[str, str] | None = None,
) -> None:
    """Draw a bar below another for each name.

    Parameters
    ----------
    axes : Axes
        Where.
    values : mapping of str to (float, float, float)
        Of each name the value, and the ends of its interval.
    base : str
        The one that the others are compared with: grey, and its value as a line.
    colours : mapping of str to str, optional
        Of those that stand out among the others.
    """
    places = np.arange(len(values))
    known = {base: QUIET_COLOUR} | dict(colours or {})
    reach = errors(list(values.values()))
    axes.barh(
        places, [value for value, _, _ in values.values()], xerr=reach if reach.any() else None,
        color=[known.get(name, MAIN_COLOUR) for name in values], height=0.7, capsize=2,
    )  # fmt: skip
    if base in values:
        axes.axvline(values[base][0], color=QUIET_COLOUR, linewidth=1)
    for place, (value, _, _) in enumerate(values.values()):
        if not np.isfinite(value):
            axes.text(0.01, place, EMPTY, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(places, shortened(values, 20))
    axes.set_ylim(len(values) - 0.5, -0.5)


def errors(values: Sequence[tuple[float, float, float]]) -> Any:
    """Return how far intervals reach to both sides of values, shape (2, values)."""
    mean, low, high = np.array(values, np.float64).reshape(-1, 3).T
    return np.maximum(np.nan_to_num(np.stack([mean - low, high - mean])), 0)


def class_styles(classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return colour and line of each class, the same ones in every figure."""
    free = iter(_OTHER_COLOURS * len(classes))
    return [
        {"color": _CLASS_COLOURS.get(name) or next(free), "linestyle": _LINES[k % len(_LINES)]}
        for k, name in enumerate(classes)
    ]


def line_styles(lines: int) -> list[dict[str, Any]]:
    """Return colour, line and marker of each of many lines."""
    colours = (MAIN_COLOUR, LEAKY_COLOUR, *_OTHER_COLOURS)
    return [
        {
            "color": colours[k % len(colours)],
            "linestyle": _LINES[k % len(_LINES)],
            "marker": _MARKERS[k % len(_MARKERS)],
        }
        for k in range(lines)
    ]


def shortened(names: Iterable[str], length: int = 14) -> list[str]:
    """Return names that are short enough for an axis; begin and end stay, which tell them apart."""
    half = length // 2
    return [
        name if len(name) <= length else f"{name[: length - half - 1]}…{name[-half:]}"
        for name in names
    ]


def legend_above(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Put one legend above all panels, in as many lines as it needs."""
    widths = [_LEGEND_MARK + _LEGEND_LETTER * len(label) for label in labels]
    room = float(figure.get_figwidth())
    ncols = len(labels) if sum(widths) <= room else max(int(room / max(widths)), 1)
    figure.legend(handles, labels, loc="outside upper center", ncols=ncols)


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
