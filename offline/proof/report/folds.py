"""Figures of several folds together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def over_folds(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, the least and the greatest of the folds that have a value; else NaN."""
    known = [value for value in values if not math.isnan(value)] or [math.nan]
    return float(np.mean(known)), min(known), max(known)
