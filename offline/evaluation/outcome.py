"""What one recogniser said of one fold's test part: hop by hop, and as live would have told it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.lag import lag_s
from offline.explain.explanation import Explanation
from rtbci.model.smoothing import Smoother
from rtbci.recipe import Recipe


@dataclass(frozen=True)
class Task:
    """One fit: a recogniser on a fold.

    Attributes
    ----------
    recogniser : str
        Name of the recogniser.
    fold : str
        Name of the fold.
    seed : int
        Fixes the fit.
    draw : int or None
        None where the labels are the true ones; otherwise the number of the draw of random labels.
    """

    recogniser: str
    fold: str
    seed: int
    draw: int | None = None


@dataclass(frozen=True)
class Said:
    """What a recogniser says of each hop by itself, before smoothing.

    Of each tested recording there are all hops from its first to its last tested one, since
    smoothing runs from the first one on.

    Attributes
    ----------
    recording : array of int, shape (hops,)
        Index of the recording in the data set; a recording's hops lie together, in order of time.
    log_probabilities : array, shape (hops, classes)
        What the recogniser says.
    tested : array of int, shape (windows,)
        Which of the hops are tested.
    trial, seconds, label : arrays, shape (windows,)
        Of these, as in :class:`Predictions`.
    """

    recording: NDArray[np.int64]
    log_probabilities: NDArray[np.float64]
    tested: NDArray[np.int64]
    trial: NDArray[np.int64]
    seconds: NDArray[np.float64]
    label: NDArray[np.int64]

    def smoothed(self, recipe: Recipe) -> Predictions:
        """Return what live would have told with the recipe's smoothing."""
        starts = np.flatnonzero(np.diff(self.recording, prepend=-1))
        runs = np.split(self.log_probabilities, starts[1:])
        told = np.concatenate([Smoother(recipe).apply(run) for run in runs])
        return Predictions(
            recording=self.recording[self.tested],
            trial=self.trial,
            seconds=self.seconds,
            label=self.label,
            probabilities=told[self.tested],
        )


@dataclass(frozen=True)
class Fit:
    """A task and what came of it, whatever the smoothing.

    Attributes
    ----------
    task : Task
        What was done.
    said : Said
        Of the fold's test part.
    chosen : dict
        Hyper-parameters that did best on the validation part.
    validation : float
        Their balanced accuracy there.
    fit_s : float
        Seconds that the fits took.
    explanation : Explanation or None
        What the recogniser looked at in the fold's test part, where that was asked for.
    """

    task: Task
    said: Said
    chosen: dict[str, object]
    validation: float
    fit_s: float
    explanation: Explanation | None = None


@dataclass(frozen=True)
class Predictions:
    """Predictions of test windows, in order of time within each recording.

    Attributes
    ----------
    recording, trial : arrays of int, shape (windows,)
        Index of the recording in the data set and of the trial within the recording.
    seconds : array, shape (windows,)
        From the trial's first sample to the end of the window.
    label : array of int, shape (windows,)
        The class that was to be recognised.
    probabilities : array, shape (windows, classes)
        What the recogniser said, as live would have said it at that moment.
    """

    recording: NDArray[np.int64]
    trial: NDArray[np.int64]
    seconds: NDArray[np.float64]
    label: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True)
class Outcome:
    """A task and what live would have told of the test part.

    Attributes
    ----------
    task : Task
        What was done.
    predictions : Predictions
        Of the fold's test part.
    lag_s : float
        What smoothing adds until a change is told (:func:`~offline.evaluation.lag.lag_s`), seconds;
        0 without smoothing.
    explanation : Explanation or None
        What the recogniser looked at in the fold's test part, where that was asked for.
    """

    task: Task
    predictions: Predictions
    lag_s: float = 0.0
    explanation: Explanation | None = None

    @classmethod
    def of(cls, fit: Fit, recipe: Recipe) -> Outcome:
        """Smooth what a fit said, as the recipe says."""
        said, lag = fit.said, 0.0
        if recipe.smoothing is not None:
            lag = lag_s(recipe, said.log_probabilities[said.tested], said.label)
        return cls(fit.task, said.smoothed(recipe), lag, fit.explanation)
