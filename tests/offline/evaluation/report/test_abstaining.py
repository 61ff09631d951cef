from __future__ import annotations

import numpy as np
import pytest

from offline.evaluation.report.abstaining import abstaining_figure
from tests.offline.evaluation.report.examples import findings


def test_each_recogniser_s_curve_stands_out_before_the_others_and_chance() -> None:
    found = findings(("cnn", "svm", "trivial"))
    figure = abstaining_figure(found)
    panels = figure.get_axes()
    assert len(panels) == 3
    for panel, summary in zip(panels, found.summaries, strict=True):
        assert panel.get_title() == f"{summary.recogniser}\nAURC {summary.abstaining.risk_area:.3f}"
        *others, own, chance = panel.lines
        assert len(others) == 2
        np.testing.assert_array_equal(own.get_xdata(), summary.abstaining.coverage)
        np.testing.assert_array_equal(own.get_ydata(), summary.abstaining.balanced_accuracy)
        assert own.get_color() not in {other.get_color() for other in others}
        assert list(chance.get_ydata()) == pytest.approx([1 / 3, 1 / 3])
        assert panel.get_xlabel() == "coverage [%]"
        assert (panel.get_xlim(), panel.get_ylim()) == ((0, 1), (0, 1))
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == ["recogniser", "the others", "chance"]


def test_one_recogniser_alone_has_no_others() -> None:
    figure = abstaining_figure(findings(("cnn",)))
    assert [text.get_text() for text in figure.legends[0].texts] == ["recogniser", "chance"]
    assert len(figure.get_axes()[0].lines) == 2
