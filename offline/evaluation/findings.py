"""All that one evaluation found, as one value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from offline.datasets.config import LeftOut
from offline.evaluation.intervals import Difference, paired_difference
from offline.evaluation.summary import Summary
from offline.explain.explanation import Explained

_ROUNDING = 1e-9  # a score of exactly chance is inside
_SHORT = {
    "leaky": "LEAKY",
    "simulated": "simulated data",
    "noncausal": "NON-CAUSAL features",
}
_LONG = {
    "leaky": (
        "windows of one trial are on both sides of the split, so a recogniser can know a trial "
        "again instead of an emotion. No wearer will get these accuracies."
    ),
    "simulated": "no brain made these signals. The numbers test the program, not the method.",
    "noncausal": (
        "the data set's own features are smoothed over the whole trial, later samples included. "
        "No live system can compute them."
    ),
}


@dataclass(frozen=True)
class Findings:
    """One evaluation: recognisers under one protocol on one data set.

    Attributes
    ----------
    dataset : str
        Name of the data set.
    simulated : bool
        True where no brain made the data.
    causal : bool
        False where the data set's own features were used instead of the signal path's.
    protocol : str
        Title of the protocol.
    leaky : bool
        True where the protocol lets neighbouring windows into training and test part.
    classes : tuple of str
        Class names.
    subjects : tuple of str
        Whom the scores are about.
    summaries : tuple of Summary
        One a recogniser, on the true labels.
    controls : dict of str to tuple of Summary
        For each recogniser that was tried on them its summaries on random labels, one a draw.
    left_out : tuple of LeftOut
        What of the data set was not used, and why.
    provenance : dict
        Versions, seeds, recipe, hashes, configuration, date, processor: plain data.
    leak : dict of str to Summary
        For each recogniser that was tried so, its summary where windows instead of trials were
        drawn for the test part: a leaky number, for comparison.
    leak_controls : dict of str to tuple of Summary
        The same on random labels, one a draw.
    explained : dict of str to Explained
        What each recogniser looked at, where that was asked for.
    """

    dataset: str
    simulated: bool
    causal: bool
    protocol: str
    leaky: bool
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    summaries: tuple[Summary, ...]
    controls: dict[str, tuple[Summary, ...]]
    left_out: tuple[LeftOut, ...]
    provenance: dict[str, Any]
    leak: dict[str, Summary] = field(default_factory=dict)
    leak_controls: dict[str, tuple[Summary, ...]] = field(default_factory=dict)
    explained: dict[str, Explained] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing."""
        return 1 / len(self.classes)

    @property
    def windows(self) -> int:
        """Windows tested on."""
        return max((summary.windows for summary in self.summaries), default=0)

    @property
    def trials(self) -> int:
        """Trials tested on."""
        return max((summary.trials for summary in self.summaries), default=0)

    @property
    def differences(self) -> dict[str, Difference]:
        """Each recogniser's balanced accuracy less the best one's, subject by subject.

        The best one was picked by these very scores, so that a small lead over it means little.
        """
        if not self.summaries:
            return {}
        best = max(self.summaries, key=lambda summary: summary.balanced_accuracy.mean)
        return {
            summary.recogniser: paired_difference(summary, best, seed=0)
            for summary in self.summaries
            if summary is not best
        }

    @property
    def marks(self) -> tuple[str, ...]:
        """What has to stand beside every one of these numbers, in a word or two each."""
        return tuple(_SHORT[kind] for kind in self._reservations)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The same in a sentence each."""
        return tuple(f"{_SHORT[kind]}: {_LONG[kind]}" for kind in self._reservations)

    @property
    def _reservations(self) -> tuple[str, ...]:
        found = {"leaky": self.leaky, "simulated": self.simulated, "noncausal": not self.causal}
        return tuple(kind for kind, holds in found.items() if holds)


@dataclass(frozen=True)
class Control:
    """Accuracy on random labels, all draws together.

    Attributes
    ----------
    mean : float
        Over subjects and draws.
    low, high : float
        95 % interval of the mean; NaN for one subject and one draw.
    draws : int
        How often labels were drawn.
    """

    mean: float
    low: float
    high: float
    draws: int

    def contains(self, chance: float) -> bool | None:
        """Tell whether chance is inside the interval; None where there is no interval."""
        if math.isnan(self.low):
            return None
        return self.low - _ROUNDING <= chance <= self.high + _ROUNDING


def pooled(draws: Sequence[Summary]) -> Control:
    """Take the draws of random labels together.

    Parameters
    ----------
    draws : sequence of Summary
        One recogniser's, at least one.

    Returns
    -------
    Control
        Its interval holds chance 19 times in 20 unless the evaluation lets labels through to the
        test part.

    Notes
    -----
    The score is plain accuracy: with all classes alike likely and every label drawn by itself, its
    expectation is exactly chance whatever a recogniser learned from other trials. That of balanced
    accuracy is below it wherever a subject's own trials are dealt to several folds: what a test
    part has more of, its training part has less of, and the counts that recalls are divided by
    know it. A control that is expected below chance would hide a leak as large as that.

    Labels are drawn for each recording by itself, so a subject's scores in several draws are as
    independent as those of several subjects, and Student's interval (Student 1908,
    doi 10.2307/2331554) is taken over all of them. A bootstrap of so few would miss chance too
    often.
    """
    from scipy.stats import t

    scores = np.array(
        [list(each.accuracy_by_subject.values()) for each in draws], np.float64
    ).ravel()
    mean, n = float(scores.mean()), len(scores)
    half = float(t.ppf(0.975, n - 1) * scores.std(ddof=1) / np.sqrt(n)) if n > 1 else math.nan
    return Control(mean, mean - half, mean + half, len(draws))
