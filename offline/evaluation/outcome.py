"""What one recogniser said of the windows of one fold's test part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    """A task and what came of it.

    Attributes
    ----------
    task : Task
        What was done.
    predictions : Predictions
        Of the fold's test part.
    chosen : dict
        Hyper-parameters that did best on the validation part.
    validation : float
        Their balanced accuracy there.
    fit_s : float
        Seconds that the fits took.
    """

    task: Task
    predictions: Predictions
    chosen: dict[str, object]
    validation: float
    fit_s: float
