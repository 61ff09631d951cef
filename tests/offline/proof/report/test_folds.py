from __future__ import annotations

import math

from offline.proof.report.folds import over_folds


def test_folds_without_a_figure_are_left_out():
    assert over_folds([0.5, math.nan, 0.25]) == (0.375, 0.25, 0.5)
    assert all(map(math.isnan, over_folds([math.nan, math.nan])))
