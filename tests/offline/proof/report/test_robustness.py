from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from offline.ablation import BASE
from offline.evaluation.report.panels import MAIN_COLOUR, QUIET_COLOUR
from offline.proof.report.robustness import robustness_figure
from tests.offline.proof.report.examples import GENERATORS, withstood


def test_a_panel_an_attack_with_means_over_folds():
    clean, fgsm = robustness_figure(withstood()).get_axes()
    assert (clean.get_title(), fgsm.get_title()) == ("clean", "fgsm")
    assert [tick.get_text() for tick in fgsm.get_yticklabels()] == [BASE, *GENERATORS]
    assert [bar.get_width() for bar in fgsm.patches] == pytest.approx([0.35, 0.45, 0.55, 0.65])
    assert fgsm.lines[-1].get_xdata()[0] == pytest.approx(0.35)
    colours = [to_hex(bar.get_facecolor()).upper() for bar in fgsm.patches]
    assert colours == [QUIET_COLOUR] + [MAIN_COLOUR] * len(GENERATORS)
    # All folds alike: there is no reach to be drawn.
    assert clean.containers[-1].errorbar is None
    (reach,) = fgsm.containers[-1].errorbar.lines[2]
    assert reach.get_segments()[0][:, 0] == pytest.approx([0.3, 0.4])
