"""What a recogniser says of a trial that is still going on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from offline import scores
from offline.evaluation.pooled import Pooled, tally
from offline.evaluation.summary import OverTime

_CLOCK = 6  # decimals of a second; 2.0000000001 s has not entered the third second


def named_so_far(pooled: Pooled) -> NDArray[np.int64]:
    """Name the class of each trial at each window by all that was said of it until then.

    Returns
    -------
    array of int, shape (windows,)
        Class with the greatest mean of log-probabilities (clipped at 1e-12) from the trial's first
        tested window to this one: the windows' product of experts (Hinton 2002, Neural Computation
        14:1771), which live could compute at that moment.
    """
    evidence = np.log(np.maximum(pooled.probabilities, scores.LEAST_PROBABILITY))
    # Trial by trial, so that no rounding error reaches from one into the next. The sum is greatest
    # where the mean is.
    for start, stop in zip(pooled.bounds[:-1], pooled.bounds[1:], strict=True):
        np.cumsum(evidence[start:stop], axis=0, out=evidence[start:stop])
    so_far: NDArray[np.int64] = evidence.argmax(axis=1)
    return so_far


def over_time(pooled: Pooled, named: NDArray[np.int64], so_far: NDArray[np.int64]) -> OverTime:
    """Score windows and trials by the seconds since the trials began.

    Parameters
    ----------
    pooled : Pooled
        Windows of all trials and seeds.
    named, so_far : arrays of int, shape (windows,)
        Classes by each window alone and by its trial so far.

    Returns
    -------
    OverTime
        At each whole second, of the last window of each trial that ended within the second before:
        the balanced accuracy over all trials and seeds together; NaN once the trials of a class
        have all ended, since recognising what is left would be no feat. Seconds in which no window
        ended are left out.
    """
    second = np.ceil(np.round(pooled.seconds, _CLOCK)).astype(np.int64)
    run = pooled.run_of_window
    moves_on = (np.diff(second) != 0) | (np.diff(run) != 0)
    last = np.append(np.flatnonzero(moves_on), len(run) - 1)
    seconds, time = np.unique(second[last], return_inverse=True)
    n_classes = pooled.probabilities.shape[1]
    shape = (len(seconds), n_classes, n_classes)
    label = pooled.run_label[run[last]]
    classes = np.unique(pooled.run_label)

    def score(said: NDArray[np.int64]) -> NDArray[np.float64]:
        confusions = tally((time, label, said[last]), shape)
        complete = (confusions.sum(axis=2) > 0)[:, classes]
        return np.where(complete.all(axis=1), scores.balanced_accuracy(confusions), np.nan)

    # A trial that several seeds tested is one trial.
    n_trials = len(pooled.label)
    tested = np.unique(time * n_trials + pooled.trial[run[last]])
    return OverTime(
        seconds=seconds.astype(np.float64),
        window=score(named),
        so_far=score(so_far),
        trials=np.bincount(tested // n_trials, minlength=len(seconds)),
    )
