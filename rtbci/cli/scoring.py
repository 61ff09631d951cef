"""Predictions held against a marker stream's trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtbci.publish.wire import Prediction
from rtbci.stream.markers import Timeline


@dataclass(frozen=True)
class Tally:
    """How often each class was recognised.

    Attributes
    ----------
    right, total : dict of str to int
        Predictions by true class.
    """

    right: dict[str, int]
    total: dict[str, int]

    @property
    def accuracy(self) -> float:
        """Share of right predictions."""
        return sum(self.right.values()) / max(sum(self.total.values()), 1)


def tally(
    predictions: Sequence[Prediction],
    truth: Timeline,
    classes: Sequence[str],
    window: int,
    step: float,
) -> Tally:
    """Count right predictions among those whose window lies within one trial.

    As in training, those made while the filters were settling do not count.

    Parameters
    ----------
    predictions : sequence of Prediction
        What was received.
    truth : Timeline
        What was so.
    classes : sequence of str
        Class names in order.
    window : int
        Length of a prediction's window in samples.
    step : float
        Seconds of LSL time from one sample to the next.
    """
    right, total = dict.fromkeys(classes, 0), dict.fromkeys(classes, 0)
    for prediction in predictions:
        # Half a sample of grace: the markers' stamps and the samples' are rounded apart.
        first = prediction.lsl_time - (window - 1.5) * step
        label = truth.during(first, prediction.lsl_time + 0.5 * step)
        if prediction.state != "warming-up" and label in total:
            total[label] += 1
            right[label] += prediction.label == label
    return Tally(right, total)


def percentiles(latencies_ms: Sequence[float]) -> tuple[float, float, float]:
    """Return median, 99th percentile and maximum."""
    p50, p99, top = np.percentile(latencies_ms, [50, 99, 100])
    return float(p50), float(p99), float(top)
