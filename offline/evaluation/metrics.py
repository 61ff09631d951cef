"""All figures of one recogniser under one protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from offline import scores
from offline.evaluation.abstaining import abstaining_of
from offline.evaluation.calibration import calibration_of
from offline.evaluation.intervals import spread
from offline.evaluation.outcome import Outcome
from offline.evaluation.over_time import named_so_far, over_time
from offline.evaluation.permutation import permutation_p
from offline.evaluation.pooled import Pooled
from offline.evaluation.summary import Summary


def summarise(
    recogniser: str,
    outcomes: Sequence[Outcome],
    subjects: Sequence[str],
    classes: Sequence[str],
    seed: int,
    permutations: int = 2000,
    bootstraps: int = 2000,
) -> Summary:
    """Score what one recogniser said in all folds and with all seeds.

    A subject's windows of all folds with one seed are put together before they are scored, so a
    subject counts once, however many folds tested it. A balanced accuracy is the mean recall over
    those classes that the subject's test windows have.

    Parameters
    ----------
    recogniser : str
        Its name.
    outcomes : sequence of Outcome
        Of all folds and seeds with the true labels, or with one draw of random ones.
    subjects : sequence of str
        Subject of each recording, by the recording's index.
    classes : sequence of str
        Class names.
    seed : int
        Fixes bootstraps and permutations.
    permutations, bootstraps : int
        How many are drawn.

    Raises
    ------
    ValueError
        If no window was tested, a probability is not a number, outcomes of several draws of labels
        are mixed, or a trial has two labels.
    """
    pooled = Pooled.of(outcomes, subjects)
    named = pooled.probabilities.argmax(axis=1)
    so_far = named_so_far(pooled)
    run = pooled.run_of_window
    counts = pooled.counts(run, named)
    confusions = pooled.confusions(counts)
    accuracy, balanced = scores.accuracy(confusions), scores.balanced_accuracy(confusions)
    trials = pooled.confusions(
        pooled.counts(np.arange(len(pooled.trial)), so_far[pooled.bounds[1:] - 1])
    )
    lag, told = _lag(np.array([outcome.lag_s for outcome in outcomes]))
    return Summary(
        recogniser=recogniser,
        classes=tuple(classes),
        windows=round(len(pooled.seconds) / pooled.n_seeds),
        trials=round(len(pooled.trial) / pooled.n_seeds),
        seeds=pooled.n_seeds,
        confusion=confusions.sum(axis=(0, 1)),
        accuracy=spread(accuracy, seed, bootstraps),
        balanced_accuracy=spread(balanced, seed, bootstraps),
        macro_f1=spread(scores.macro_f1(confusions), seed, bootstraps),
        trial_accuracy=spread(scores.balanced_accuracy(trials), seed, bootstraps),
        per_subject=_by_subject(pooled, balanced),
        accuracy_by_subject=_by_subject(pooled, accuracy),
        calibration=calibration_of(pooled.probabilities, pooled.run_label[run]),
        abstaining=abstaining_of(pooled.probabilities, pooled.run_label[run]),
        over_time=over_time(pooled, named, so_far),
        permutation_p=permutation_p(counts, pooled.label, pooled.subject, seed, permutations),
        lag_s=lag,
        lag_told=told,
    )


def _lag(lags: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median of finite lags and their share among those that are known."""
    known = lags[~np.isnan(lags)]
    if not len(known):
        return float("nan"), float("nan")
    told = known[np.isfinite(known)]
    return float(np.median(told)) if len(told) else float("inf"), len(told) / len(known)


def _by_subject(pooled: Pooled, score: NDArray[np.float64]) -> dict[str, float]:
    """Average a score (seeds, subjects) over the seeds that tested the subject."""
    return dict(zip(pooled.subjects, np.nanmean(score, axis=0).tolist(), strict=True))
