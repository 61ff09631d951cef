"""The figure of how networks fare under attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from offline.ablation import BASE
from offline.evaluation.report.panels import bar_panels, bars, percent_axis
from offline.proof.report.folds import over_folds
from offline.proof.robustness import Withstood

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def robustness_figure(withstood: Mapping[str, Sequence[Withstood]]) -> Figure:
    """Draw the share of right answers: a panel an attack, a bar for what a network learned with.

    Parameters
    ----------
    withstood : mapping of str to sequence of Withstood
        By what was learned with, a network a fold.
    """
    attacks = list(withstood[BASE][0].accuracy)
    figure, axes = bar_panels(attacks, len(withstood))
    for panel, attack in zip(axes, attacks, strict=True):
        values = {
            name: over_folds([each.accuracy[attack] for each in folds])
            for name, folds in withstood.items()
        }
        bars(panel, values, BASE)
        percent_axis(panel, "x")
        panel.set_xlabel("right [%]")
    return figure
