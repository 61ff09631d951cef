"""Whether predictions go with the labels more than they would by accident."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-12  # an arrangement with the very same counts must count as doing as well
_AT_ONCE = 1000  # permutations held in memory


def permutation_p(
    counts: NDArray[np.int64],
    label: NDArray[np.int64],
    subject: NDArray[np.int64],
    seed: int,
    permutations: int = 2000,
) -> float:
    """Return the share of exchanges of trials' labels with which the predictions do as well.

    Parameters
    ----------
    counts : array of int, shape (seeds, trials, classes)
        How often each class was named in the windows of each test trial; zeros where a trial was
        not tested with a seed.
    label, subject : arrays of int, shape (trials,)
        Class and subject of each trial.
    seed : int
        Fixes the permutations.
    permutations : int
        How many are drawn.

    Returns
    -------
    float
        (1 + permutations that do as well) / (1 + permutations), never 0 (Phipson and Smyth 2010,
        doi 10.2202/1544-6115.1585).

    Notes
    -----
    The statistic is the mean over subjects of the balanced accuracy per window, each subject's mean
    over seeds. The labels of whole trials are exchanged among the test trials of the same subject,
    because the windows of a trial share what they get wrong: exchanged one by one they would make
    any slow drift look like a result. A trial has its one label in all seeds.

    The null hypothesis is that a subject's test trials could as well have had one another's labels
    given what was predicted of them. It is a test of these predictions: the recogniser was not
    fitted anew, so a small value does not say how another fit, another choice of hyper-parameters
    or other training subjects would do, and it cannot find a leak: predictions that were got by
    looking at the labels also go with them. Controls with random labels, fitted anew, are for that.
    Nor does it say that emotion was recognised; whatever else differs between the trials of the
    classes, such as their place in the session, passes as well. If trials of a class lie close
    together in time, a drift over the session remains a possible cause.
    """
    rng = np.random.default_rng(seed)
    observed = _statistic(counts, label[None], subject)[0]
    as_good = 0
    for start in range(0, permutations, _AT_ONCE):
        drawn = _exchanged(label, subject, min(_AT_ONCE, permutations - start), rng)
        as_good += int((_statistic(counts, drawn, subject) >= observed - _ROUNDING).sum())
    return (1 + as_good) / (1 + permutations)


def _exchanged(
    label: NDArray[np.int64], subject: NDArray[np.int64], times: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return labels exchanged within subjects, shape (times, trials)."""
    drawn = np.tile(label, (times, 1))
    for name in np.unique(subject):
        own = np.flatnonzero(subject == name)
        drawn[:, own] = rng.permuted(drawn[:, own], axis=1)
    return drawn


def _statistic(
    counts: NDArray[np.int64], labels: NDArray[np.int64], subject: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Score arrangements of labels (arrangements, trials), each to a number."""
    by_subject = [
        _balanced_accuracy(counts[:, own], labels[:, own])
        for own in (np.flatnonzero(subject == name) for name in np.unique(subject))
    ]
    mean: NDArray[np.float64] = np.mean(by_subject, axis=0)
    return mean


def _balanced_accuracy(counts: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return one subject's balanced accuracy, mean over seeds, shape (arrangements,).

    Both sums over the subject's trials are products of matrices: (arrangements, trials) that says
    which trials have the class, times (trials, seeds).
    """
    total = counts.sum(axis=2)
    recalls = np.full((counts.shape[2], len(labels), len(counts)), np.nan)
    for index, recall in enumerate(recalls):
        chosen = (labels == index).astype(np.float64)
        windows = chosen @ total.T
        np.divide(chosen @ counts[:, :, index].T, windows, out=recall, where=windows > 0)
    present = ~np.isnan(recalls)
    # Classes first, then seeds, as in the score; a seed that did not test the subject is left out.
    n_present = present.sum(axis=0)
    sums = np.where(present, recalls, 0).sum(axis=0)
    by_seed = np.divide(sums, n_present, out=np.zeros_like(sums), where=n_present > 0)
    mean: NDArray[np.float64] = by_seed.sum(axis=1) / (n_present > 0).sum(axis=1)
    return mean
