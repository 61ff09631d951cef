from __future__ import annotations

import math
from dataclasses import replace

import pytest

from offline.ablation import BASE
from offline.evaluation.report.panels import QUIET_COLOUR
from offline.proof.report.scarce import balanced_figure, recall_figure
from tests.offline.proof.report.examples import GENERATORS, KEPT, use


def test_recall_is_a_line_a_method_over_the_share_kept():
    found = use()
    figure = recall_figure(found, "neutral")
    assert [axes.get_title() for axes in figure.get_axes()] == ["cnn", "linear-svm"]
    for axes in figure.get_axes():
        for line, method in zip(axes.lines, (BASE, *GENERATORS), strict=True):
            expected = [found.recall(k, method, axes.get_title(), "neutral") for k in KEPT]
            assert list(line.get_xdata()) == list(KEPT)
            assert list(line.get_ydata()) == pytest.approx(expected)
        assert axes.get_ylabel() == "recall of neutral [%]"
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10", "50"]
        assert axes.lines[0].get_color() == QUIET_COLOUR
        looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
        assert len(looks) == 1 + len(GENERATORS)
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == [BASE, *GENERATORS]


def test_balanced_accuracy_has_chance():
    found = use(recognisers=("cnn",))
    (axes,) = balanced_figure(found).get_axes()
    *lines, chance = axes.lines
    for line, method in zip(lines, (BASE, *GENERATORS), strict=True):
        scores = [found.scarce[k].scored("cnn")[method].balanced_accuracy.mean for k in KEPT]
        assert list(line.get_ydata()) == pytest.approx(scores)
    assert chance.get_ydata()[0] == pytest.approx(1 / 3)


def test_shares_are_in_order_and_a_recogniser_that_is_missing_leaves_a_gap():
    found = use(recognisers=("cnn",))
    without = {
        name: replace(each, summaries=()) if name == "good" else each
        for name, each in found.scarce[0.1].findings.items()
    }
    gappy = replace(
        found,
        scarce={0.5: found.scarce[0.5], 0.1: replace(found.scarce[0.1], findings=without)},
    )
    (axes,) = recall_figure(gappy, "negative").get_axes()
    good = axes.lines[1 + list(GENERATORS).index("good")]
    assert list(good.get_xdata()) == [0.1, 0.5]
    assert [math.isnan(value) for value in good.get_ydata()] == [True, False]
