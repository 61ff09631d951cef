"""What a model said of a held-out part, and from when on it would rather not say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from offline.evaluation.abstaining import LEAST_COVERAGE, abstaining_of, answered_at, threshold_for
from offline.evaluation.calibration import calibration_of
from offline.evaluation.report.metrics_file import plain
from offline.features.extract import Features
from offline.scores import Scores
from offline.splits import TrialKey, windows_of
from rtbci.configuration import Settings

_log = logging.getLogger(__name__)

_CURVE_POINTS = 20


class Abstain(Settings):
    """When a model says that it would rather not say.

    Attributes
    ----------
    accuracy : float
        Balanced accuracy that the remaining answers shall have on the validation part. The least
        threshold of the greatest probability that reaches it goes into the model file.
    """

    accuracy: Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class HeldOut:
    """What live would have said at every hop of a part's trials.

    Attributes
    ----------
    classes : tuple of str
        Class names.
    probabilities : array, shape (windows, classes)
        What was said.
    label : array of int, shape (windows,)
        The true classes.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    label: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        part: Iterable[TrialKey],
        features: Sequence[Features],
        said: Mapping[int, NDArray[np.float64]],
        classes: tuple[str, ...],
    ) -> HeldOut:
        """Collect a part's windows.

        Parameters
        ----------
        part : iterable of TrialKey
            Its trials.
        features : sequence of Features
            Of all recordings; hold the labels.
        said : mapping of int to array (hops, classes)
            Probabilities by the recording's index.
        classes : tuple of str
            Class names.
        """
        chosen = windows_of(part, features, stride=1)
        labels = [features[index].label[windows] for index, windows in chosen.items()]
        parts = [said[index][windows] for index, windows in chosen.items()]
        return cls(
            classes,
            np.concatenate([np.empty((0, len(classes))), *parts]),
            np.concatenate([np.empty(0, np.int64), *labels]),
        )

    @property
    def scores(self) -> Scores:
        """How well it agrees with the labels."""
        return Scores.of(self.label, self.probabilities.argmax(axis=1), self.classes)

    def abstain_below(self, wanted: Abstain | None) -> float:
        """Return the threshold to abstain below; 0, which is never, where nothing is wanted.

        It is 0 as well, with a warning, where no threshold is good enough: a model that would never
        answer helps nobody, and one that answers only what it happened to get right on a handful of
        windows promises what it will not keep.
        """
        if wanted is None:
            return 0.0
        threshold = threshold_for(wanted.accuracy, self.probabilities, self.label)
        if threshold is None:
            _log.warning(
                "abstain.accuracy = %g: on the validation part no threshold that leaves %g %% of "
                "the windows, and some of each class, is so accurate; the model never abstains",
                wanted.accuracy,
                100 * LEAST_COVERAGE,
            )
            return 0.0
        return threshold

    def summary(self, abstain_below: float) -> dict[str, Any]:
        """Return scores, and what probabilities are worth, as plain data for the model file."""
        found = self.scores.summary()
        if not len(self.label):
            return found
        calibration = calibration_of(self.probabilities, self.label)
        answered = answered_at(abstain_below, self.probabilities, self.label)
        return found | {
            "expected_calibration_error": calibration.expected_error,
            "brier": calibration.brier,
            "answered": plain(answered),
        }

    def curve(self) -> dict[str, Any]:
        """Return accuracy against coverage as plain data for the model file."""
        found: dict[str, Any] = plain(abstaining_of(self.probabilities, self.label, _CURVE_POINTS))
        return found
