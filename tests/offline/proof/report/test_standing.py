from __future__ import annotations

import math
from dataclasses import replace

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from offline.evaluation.report.panels import (
    MAIN_COLOUR,
    PALE_COLOUR,
    QUIET_COLOUR,
    SECOND_COLOUR,
)
from offline.proof.fidelity import REAL
from offline.proof.memorisation import Memorisation
from offline.proof.report.standing import standing_figure
from tests.offline.proof.report.examples import HOW_FAR, compared, proven, row


def panel(figure: Figure, title: str) -> Axes:
    (found,) = [each for each in figure.get_axes() if each.get_title().startswith(title)]
    return found


def coloured(axes: Axes) -> dict[str, str]:
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    return {
        name: to_hex(bar.get_facecolor()).upper()
        for name, bar in zip(names, axes.patches, strict=True)
    }


def test_ceiling_floor_and_best_are_seen_in_each_panel():
    figure = standing_figure(proven())
    for title in ("level", "effect", "Fréchet", "told apart", "learn made"):
        assert coloured(panel(figure, title)) == {
            REAL: QUIET_COLOUR,
            "floor": PALE_COLOUR,
            "good": SECOND_COLOUR,
            "poor": MAIN_COLOUR,
        }, title
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == ["ceiling: real", "best", "floor", "generator"]


def test_bars_are_means_over_folds_with_the_worst_and_the_best_fold():
    axes = panel(standing_figure(proven()), "Fréchet")
    widths = [bar.get_width() for bar in axes.patches]
    # The second fold's are 0.1 farther.
    assert widths == pytest.approx([far + 0.05 for far in HOW_FAR.values()])
    (reach,) = axes.containers[-1].errorbar.lines[2]
    assert reach.get_segments()[3][:, 0] == pytest.approx([2.0, 2.1])
    # The line is the ceiling's.
    assert axes.lines[-1].get_xdata()[0] == pytest.approx(0.05)


def test_a_floor_that_does_best_is_called_best_and_nobody_is_at_copies():
    rows = (row(REAL, 0.0), row("floor", 0.1), row("good", 0.2), row("poor", 0.3))
    figure = standing_figure(proven(compared=(replace(compared(), rows=rows),)))
    assert coloured(panel(figure, "Fréchet"))["floor"] == SECOND_COLOUR
    assert SECOND_COLOUR not in coloured(panel(figure, "copies")).values()


def test_told_apart_is_best_near_a_half_and_may_have_no_figure():
    tests = {"floor": 0.35, "good": 0.55, "poor": 0.9}
    rows = tuple(
        replace(each, two_sample=None)
        if each.name == REAL
        else replace(each, two_sample=replace(each.two_sample, accuracy=tests[each.name]))
        for each in compared().rows
    )
    axes = panel(standing_figure(proven(compared=(replace(compared(), rows=rows),))), "told apart")
    assert coloured(axes)["good"] == SECOND_COLOUR
    assert math.isnan(axes.patches[0].get_width())
    assert [(text.get_text(), text.get_position()[1]) for text in axes.texts] == [("–", 0)]
    assert axes.get_ylim() == (3.5, -0.5)


def test_copies_are_shares():
    rows = tuple(
        replace(each, memorisation=Memorisation(0.5, 0.5, 0.4, 0.0, True))
        for each in compared().rows
    )
    axes = panel(standing_figure(proven(compared=(replace(compared(), rows=rows),))), "copies")
    assert [bar.get_width() for bar in axes.patches] == [0.4] * 4
    assert axes.get_xlim() == (0, 1)
