"""Predictions that nobody made: random ones, more or less in accord with the labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.outcome import Outcome, Predictions, Task


def predictions(
    trials: Iterable[tuple[int, int, int, int]],
    rng: np.random.Generator,
    skill: float = 0.0,
    hop_s: float = 0.5,
    n_classes: int = 3,
) -> Predictions:
    """Return predictions of trials, given as (recording, trial, label, windows).

    ``skill`` 0 is guessing, but windows of one trial resemble each other as real ones do.
    """
    parts = []
    for recording, trial, label, n in trials:
        logits = rng.normal(size=(n, n_classes)) + 2 * rng.normal(size=n_classes)
        logits[:, label] += skill
        parts.append((recording, trial, label, np.arange(n), np.exp(logits)))
    counts = [len(part[3]) for part in parts]
    columns = [np.repeat([part[k] for part in parts], counts) for k in range(3)]
    probabilities = np.concatenate([part[4] for part in parts])
    return Predictions(
        recording=columns[0],
        trial=columns[1],
        seconds=1 + hop_s * np.concatenate([part[3] for part in parts]),
        label=columns[2],
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
    )


def outcome(
    made: Predictions,
    fold: str = "all",
    seed: int = 0,
    draw: int | None = None,
    lag_s: float = 0.0,
) -> Outcome:
    return Outcome(Task("svm", fold, seed, draw), made, lag_s)


def rows(made: Predictions, chosen: NDArray[np.bool_] | Sequence[int]) -> Predictions:
    """Return some windows of predictions."""
    return Predictions(
        made.recording[chosen],
        made.trial[chosen],
        made.seconds[chosen],
        made.label[chosen],
        made.probabilities[chosen],
    )
