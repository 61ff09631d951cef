"""All folds and seeds of one recogniser put together, trial by trial in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.outcome import Outcome


@dataclass(frozen=True)
class Pooled:
    """Tested windows, sorted by seed, trial and time.

    A run is one trial as tested with one seed: its windows lie together, whichever folds they come
    from.

    Attributes
    ----------
    seconds : array, shape (windows,)
        From the trial's first sample to the end of the window.
    probabilities : array, shape (windows, classes)
        What the recogniser said.
    bounds : array of int, shape (runs + 1,)
        Where each run's windows begin; last, where they end.
    seed, trial : arrays of int, shape (runs,)
        Seed of the run, counted from 0, and its trial, an index into the next two.
    label : array of int, shape (trials,)
        Class of each trial.
    subject : array of int, shape (trials,)
        Subject of each trial, an index into ``subjects``.
    subjects : tuple of str
        Those tested, in the data set's order.
    n_seeds : int
        How many seeds there are.
    """

    seconds: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    bounds: NDArray[np.intp]
    seed: NDArray[np.int64]
    trial: NDArray[np.int64]
    label: NDArray[np.int64]
    subject: NDArray[np.int64]
    subjects: tuple[str, ...]
    n_seeds: int

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], subjects: Sequence[str]) -> Pooled:
        """Put outcomes together; ``subjects`` holds the subject of each recording.

        Raises
        ------
        ValueError
            If no window was tested, a probability is not a number, outcomes of several draws of
            labels are mixed, or a trial has two labels.
        """
        parts = [outcome.predictions for outcome in outcomes]
        if not sum(map(len, parts)):
            raise ValueError("no window was tested")
        if len({outcome.task.draw for outcome in outcomes}) > 1:
            raise ValueError("outcomes of several draws of labels are mixed")
        for outcome in outcomes:
            if not np.isfinite(outcome.predictions.probabilities).all():
                raise ValueError(f"{outcome.task}: a probability is not a number")
        seeds = [outcome.task.seed for outcome in outcomes]
        found, index = np.unique(seeds, return_inverse=True)
        seed = np.repeat(index.astype(np.int64), [len(part) for part in parts])
        seconds = np.concatenate([part.seconds for part in parts])
        label = np.concatenate([part.label for part in parts])
        keys = np.stack(
            [
                np.concatenate([part.recording for part in parts]),
                np.concatenate([part.trial for part in parts]),
            ]
        )
        # One number a trial, so that sorting and comparing need no pairs.
        span = int(keys[1].max()) + 1
        number, trial = np.unique(keys[0] * span + keys[1], return_inverse=True)
        order = np.lexsort((seconds, trial, seed))
        run = (seed * len(number) + trial)[order]
        starts = np.flatnonzero(np.diff(run, prepend=-1))
        trial_label = np.zeros(len(number), np.int64)
        trial_label[trial] = label
        if not np.array_equal(trial_label[trial], label):
            raise ValueError("a trial has two labels")
        names = [subjects[recording] for recording in (number // span).tolist()]
        tested = tuple(name for name in dict.fromkeys(subjects) if name in set(names))
        return cls(
            seconds=seconds[order],
            probabilities=np.concatenate([part.probabilities for part in parts])[order],
            bounds=np.append(starts, len(run)),
            seed=run[starts] // len(number),
            trial=run[starts] % len(number),
            label=trial_label,
            subject=np.array([tested.index(name) for name in names], np.int64),
            subjects=tested,
            n_seeds=len(found),
        )

    @property
    def run_of_window(self) -> NDArray[np.intp]:
        """Run of each window, shape (windows,)."""
        return np.repeat(np.arange(len(self.trial)), np.diff(self.bounds))

    @property
    def run_label(self) -> NDArray[np.int64]:
        """Class of each run's trial, shape (runs,)."""
        return self.label[self.trial]

    def counts(self, run: NDArray[np.intp], named: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count named classes by seed and trial.

        Parameters
        ----------
        run, named : arrays of int, shape (n,)
            Run and named class of each thing to count: windows, or whole trials.

        Returns
        -------
        array of int, shape (seeds, trials, classes)
        """
        shape = (self.n_seeds, len(self.label), self.probabilities.shape[1])
        return tally((self.seed[run], self.trial[run], named), shape)

    def confusions(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn counts by trial into confusion matrices by seed and subject.

        Parameters
        ----------
        counts : array of int, shape (seeds, trials, classes)
            As of :meth:`counts`.

        Returns
        -------
        array of int, shape (seeds, subjects, classes, classes)
            True class by row, named class by column.
        """
        n_seeds, _, n_classes = counts.shape
        sums = np.zeros((len(self.subjects), n_classes, n_seeds, n_classes), np.int64)
        np.add.at(sums, (self.subject, self.label), counts.transpose(1, 0, 2))
        return sums.transpose(2, 0, 1, 3)


def tally(indices: tuple[NDArray[np.int64], ...], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Count how often each place of an array of a shape is named by the indices, one an axis."""
    flat = np.ravel_multi_index(indices, shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
