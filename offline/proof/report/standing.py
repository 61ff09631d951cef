"""The figure of where each generator stands between the floors and the ceiling."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.evaluation.report.panels import (
    CHANCE_STYLE,
    MAIN_COLOUR,
    PALE_COLOUR,
    QUIET_COLOUR,
    SECOND_COLOUR,
    bar_panels,
    bars,
    legend_above,
    percent_axis,
)
from offline.proof.fidelity import REAL, Fidelity
from offline.proof.report.folds import over_folds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from offline.proof.run import Proven

FLOORS = ("gaussian", "average", "autoregressive")
"""Kinds of generators without a network: what all others have to beat."""


@dataclass(frozen=True)
class _Measure:
    """A figure of the comparison; how far from best it is, where it tells who is best."""

    title: str
    value: Callable[[Fidelity], float]
    short_of_best: Callable[[float], float] | None
    share: bool = False


_MEASURES = (
    _Measure("level [SD], 0 is best", lambda row: float(np.mean(row.differences.mean)), abs),
    _Measure(
        "effect (correlation), 1 is best",
        lambda row: row.differences.effect.correlation,
        lambda value: -value,
    ),
    _Measure("Fréchet distance, 0 is best", lambda row: row.frechet, abs),
    _Measure(
        "told apart [%], 50 is best",
        lambda row: row.two_sample.accuracy if row.two_sample else math.nan,
        lambda value: abs(value - 0.5),
        share=True,
    ),
    _Measure(
        "learn made [%], 100 is best",
        lambda row: row.transfer.synthetic_to_real,
        lambda value: -value,
        share=True,
    ),
    # Most make no copies at all: none of them is the best at it.
    _Measure("copies [%], 0 is best", lambda row: row.memorisation.copies, None, share=True),
)


def standing_figure(proven: Proven) -> Figure:
    """Draw the main figures of the comparison: a panel a figure, a bar a generator."""
    from matplotlib.patches import Patch

    by_name = zip(*(each.rows for each in proven.compared), strict=True)
    found = {rows[0].name: rows for rows in by_name}
    kinds = {name: settings.kind for name, settings in proven.proof.generators.items()}
    floors = [name for name in found if kinds.get(name) in FLOORS]
    figure, axes = bar_panels([each.title for each in _MEASURES], len(found))
    for panel, measure in zip(axes, _MEASURES, strict=True):
        _draw(panel, measure, found, floors)
    axes[3].axvline(0.5, **CHANCE_STYLE)
    axes[4].axvline(1 / len(proven.material.recipe.classes), **CHANCE_STYLE)
    colours = {
        "ceiling: real": QUIET_COLOUR,
        "best": SECOND_COLOUR,
        "floor": PALE_COLOUR,
        "generator": MAIN_COLOUR,
    }
    legend_above(figure, [Patch(color=each) for each in colours.values()], list(colours))
    return figure


def _draw(
    panel: Axes, measure: _Measure, found: Mapping[str, Sequence[Fidelity]], floors: Sequence[str]
) -> None:
    values = {
        name: over_folds([measure.value(row) for row in rows]) for name, rows in found.items()
    }
    colours = dict.fromkeys(floors, PALE_COLOUR) | dict.fromkeys(
        _best(values, measure), SECOND_COLOUR
    )
    bars(panel, values, REAL, colours)
    if measure.share:
        percent_axis(panel, "x")


def _best(values: Mapping[str, tuple[float, float, float]], measure: _Measure) -> Sequence[str]:
    """Return the generator that does best, or those that do so equally."""
    if measure.short_of_best is None:
        return ()
    short = {
        name: measure.short_of_best(mean)
        for name, (mean, _, _) in values.items()
        if name != REAL and not math.isnan(mean)
    }
    return [name for name, value in short.items() if value == min(short.values())]
