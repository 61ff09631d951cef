"""The figures of one recogniser under one protocol, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spread:
    """A score over subjects.

    Attributes
    ----------
    mean, sd : float
        Over subjects (each subject's mean over seeds); sd is the sample standard deviation, 0 for
        one subject.
    low, high : float
        95 % bootstrap interval of the mean, subjects drawn with replacement.
    seeds_sd : float
        Standard deviation over seeds of the mean over subjects; 0 for one seed.
    """

    mean: float
    sd: float
    low: float
    high: float
    seeds_sd: float


@dataclass(frozen=True)
class CalibrationBin:
    """Windows whose greatest probability lies in one interval."""

    confidence: float
    accuracy: float
    windows: int


@dataclass(frozen=True)
class Calibration:
    """How well probabilities mean what they say.

    Attributes
    ----------
    bins : tuple of CalibrationBin
        Equal widths from 1 / classes to 1; empty ones are left out.
    expected_error : float
        Expected calibration error (Guo et al. 2017, arXiv 1706.04599, equation 3).
    brier : float
        Mean squared distance of the probabilities from the true class's unit vector, 0 to 2.
    """

    bins: tuple[CalibrationBin, ...]
    expected_error: float
    brier: float


@dataclass(frozen=True)
class Abstaining:
    """Accuracy as a function of the share of windows that are answered.

    Attributes
    ----------
    threshold : array, shape (points,)
        Greatest probability from which a window is answered, ascending.
    coverage : array, shape (points,)
        Share of windows that are answered.
    accuracy : array, shape (points,)
        Share of right answers.
    balanced_accuracy : array, shape (points,)
        Mean share of right answers over classes; NaN where a class has no answered window.
    risk_area : float
        Area under the share of wrong answers over the coverage, from 0 at best: 1 - accuracy where
        probabilities say nothing of where the errors are.
    """

    threshold: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    balanced_accuracy: NDArray[np.float64]
    risk_area: float


@dataclass(frozen=True)
class OverTime:
    """Accuracy as a function of the seconds since the trial began.

    Attributes
    ----------
    seconds : array, shape (times,)
        End of the window, whole seconds.
    window : array, shape (times,)
        Balanced accuracy of the windows that end in the second before.
    so_far : array, shape (times,)
        Balanced accuracy where all log-probabilities since the trial's begin are averaged.
    trials : array of int, shape (times,)
        Trials that last so long.
    """

    seconds: NDArray[np.float64]
    window: NDArray[np.float64]
    so_far: NDArray[np.float64]
    trials: NDArray[np.int64]


@dataclass(frozen=True)
class Summary:
    """One recogniser under one protocol, all folds and seeds.

    Attributes
    ----------
    recogniser : str
        Its name.
    classes : tuple of str
        Class names.
    windows, trials, seeds : int
        Windows and trials tested on (of one seed), and how many seeds.
    confusion : array of int, shape (classes, classes)
        Windows by true (row) and recognised class (column), summed over seeds.
    accuracy, balanced_accuracy, macro_f1 : Spread
        Per window.
    trial_accuracy : Spread
        Balanced accuracy of whole trials, by the mean of their log-probabilities.
    per_subject : dict of str to float
        Balanced accuracy per window, mean over seeds.
    accuracy_by_subject : dict of str to float
        Accuracy per window, mean over seeds; what controls with random labels go by.
    calibration : Calibration
        Over all windows.
    abstaining : Abstaining
        Over all windows.
    over_time : OverTime
        Over all trials.
    permutation_p : float
        Share of exchanges of whole trials' labels within subjects that do as well.
    lag_s : float
        What smoothing adds until a change of class is told, seconds: median over those folds and
        seeds where it is told; infinite where it never is, NaN where that is not known, 0 without
        smoothing.
    lag_told : float
        Share of folds and seeds where it is told.
    """

    recogniser: str
    classes: tuple[str, ...]
    windows: int
    trials: int
    seeds: int
    confusion: NDArray[np.int64]
    accuracy: Spread
    balanced_accuracy: Spread
    macro_f1: Spread
    trial_accuracy: Spread
    per_subject: dict[str, float]
    accuracy_by_subject: dict[str, float]
    calibration: Calibration
    abstaining: Abstaining
    over_time: OverTime
    permutation_p: float
    lag_s: float
    lag_told: float

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing."""
        return 1 / len(self.classes)
