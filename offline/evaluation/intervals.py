"""How sure a mean over subjects is: bootstrap intervals and what may be said by them.

The subject is the unit that is drawn, never the window: a person's windows are no independent
observations, and intervals over windows would be narrower than what the next person gets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.summary import Spread, Summary


@dataclass(frozen=True)
class Difference:
    """How much better one recogniser is than another on the same subjects.

    Attributes
    ----------
    mean : float
        Mean difference of the balanced accuracy per subject.
    low, high : float
        Its 95 % bootstrap interval, subjects drawn with replacement.
    subjects : int
        Subjects that both were tested on.
    """

    mean: float
    low: float
    high: float
    subjects: int

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out zero; never so for one subject, which has no interval."""
        return self.subjects > 1 and not self.low <= 0 <= self.high


def bootstrap_interval(
    values: NDArray[np.float64], seed: int, bootstraps: int = 2000
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean.

    Parameters
    ----------
    values : array, shape (subjects,)
        One value a subject.
    seed : int
        Fixes the draw.
    bootstraps : int
        How often all subjects are drawn anew.

    Returns
    -------
    low, high : float
        2.5th and 97.5th percentile of the means; both the mean where there is one subject, since
        one person says nothing of how persons differ.

    Notes
    -----
    Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3. Of few subjects the
    interval is too narrow: where scores are normally distributed it holds the true mean in about 84
    of 100 cases with 5 subjects, in 91 with 15 and in 94 with 30.
    """
    if len(values) == 1:
        return float(values[0]), float(values[0])
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(values), size=(bootstraps, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def spread(scores: NDArray[np.float64], seed: int, bootstraps: int = 2000) -> Spread:
    """Describe a score over subjects and seeds.

    Parameters
    ----------
    scores : array, shape (seeds, subjects)
        NaN where a subject was not tested with a seed; each was with one at least.
    seed : int
        Fixes the bootstrap's draw.
    bootstraps : int
        How often all subjects are drawn anew.
    """
    by_subject = np.nanmean(scores, axis=0)
    by_seed = np.nanmean(scores, axis=1)
    low, high = bootstrap_interval(by_subject, seed, bootstraps)
    return Spread(
        mean=float(by_subject.mean()),
        sd=float(by_subject.std(ddof=1)) if len(by_subject) > 1 else 0.0,
        low=low,
        high=high,
        seeds_sd=float(by_seed.std(ddof=1)) if len(by_seed) > 1 else 0.0,
    )


def paired_difference(a: Summary, b: Summary, seed: int, bootstraps: int = 2000) -> Difference:
    """Compare the balanced accuracies of two recognisers, subject by subject.

    Parameters
    ----------
    a, b : Summary
        Of two recognisers under the same protocol; positive differences speak for ``a``.
    seed : int
        Fixes the bootstrap's draw.
    bootstraps : int
        How often all subjects are drawn anew.

    Raises
    ------
    ValueError
        If they share no subject.
    """
    shared = [name for name in a.per_subject if name in b.per_subject]
    if not shared:
        raise ValueError(f"{a.recogniser} and {b.recogniser} were tested on no common subject")
    differences = np.array([a.per_subject[name] - b.per_subject[name] for name in shared])
    low, high = bootstrap_interval(differences, seed, bootstraps)
    return Difference(float(differences.mean()), low, high, len(shared))
