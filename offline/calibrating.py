"""Calibration blocks of recordings: each person's own measure, known before all that is scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording
from offline.features.extract import OUTSIDE, Features
from offline.features.statistics import training_statistics
from rtbci.errors import ConfigError
from rtbci.model.person import Person, personal
from rtbci.recipe import Calibration, Recipe
from rtbci.signal.geometry import geometric_mean, regularised
from rtbci.signal.normalisation import Statistics

_MEAN_WINDOWS = 500


@dataclass(frozen=True)
class Measures:
    """What recordings' inputs are measured by.

    Attributes
    ----------
    training : Statistics
        The training windows'.
    persons : mapping of int to Person
        Whose block it is, by the recording's index; empty without a calibration.
    """

    training: Statistics
    persons: Mapping[int, Person]

    def of(self, recording: int) -> Statistics:
        """Return the statistics that a recording's scaling starts from."""
        return personal(self.training, self.persons.get(recording))


@dataclass(frozen=True)
class LabelledWindows:
    """Windows of a recording and the classes that they are of."""

    rows: NDArray[np.intp]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Blocks:
    """All sessions' calibration blocks, by recording; empty without a calibration.

    Attributes
    ----------
    inside : mapping of int to LabelledWindows
        The windows that lie in a block completely.
    touched : mapping of int to array of int
        Those that share a sample with one, which must not be learned from or scored.
    """

    inside: Mapping[int, LabelledWindows] = field(default_factory=dict)
    touched: Mapping[int, NDArray[np.intp]] = field(default_factory=dict)

    def outside(self, features: Sequence[Features]) -> list[Features]:
        """Return features of which the windows that touch a block belong to no trial."""
        return [_without(each, self.touched.get(r)) for r, each in enumerate(features)]


def block_windows(
    recordings: Sequence[Recording],
    features: Sequence[Features],
    recipe: Recipe,
    block: Calibration | None,
) -> Blocks:
    """Find each session's calibration block.

    A session's block is the first part of its trials of each of the block's classes, all parts
    alike long. It may take several trials.

    Parameters
    ----------
    recordings : sequence of Recording
        Each session's in order of time.
    features : sequence of Features
        Of these.
    recipe : Recipe
        Names the classes.
    block : Calibration or None
        What belongs to it; None for no block.

    Raises
    ------
    ConfigError
        If a session has less of a class than the block needs.
    """
    if block is None:
        return Blocks()
    inside: dict[int, list[NDArray[np.intp]]] = defaultdict(list)
    touched: dict[int, list[NDArray[np.intp]]] = defaultdict(list)
    for (subject, session), members in sessions_of(recordings).items():
        for name in block.classes:
            left = block.class_s
            for r in members:
                for rows in _trials_of(features[r], recipe.classes.index(name)):
                    if left <= 1e-9:
                        break
                    each, sfreq = features[r], recordings[r].sfreq
                    start = int(each.last[rows[0]]) + 1 - each.window
                    stop = min(start + round(left * sfreq), int(each.last[rows[-1]]) + 1)
                    left -= (stop - start) / sfreq
                    inside[r].append(rows[each.last[rows] < stop])
                    touched[r].append(rows[each.last[rows] + 1 - each.window < stop])
            if left > 1e-9:
                raise ConfigError(
                    f"calibration: subject {subject}, session {session} has "
                    f"{block.class_s - left:.1f} s of {name}, and "
                    f"{block.class_s:.1f} s are needed; choose a shorter block"
                )
    found = {r: np.concatenate(rows) for r, rows in inside.items()}
    return Blocks(
        {r: LabelledWindows(rows, features[r].label[rows]) for r, rows in found.items()},
        {r: np.concatenate(rows) for r, rows in touched.items()},
    )


def persons_of(
    recordings: Sequence[Recording],
    features: Sequence[Features],
    recipe: Recipe,
    blocks: Blocks,
) -> dict[int, Person]:
    """Learn each session's person from its calibration block; nobody where there are no blocks.

    Returns
    -------
    dict of int to Person
        By the recording's index; a session's recordings share theirs.
    """
    if not blocks.inside:
        return {}
    persons = {}
    for members in sessions_of(recordings).values():
        own = [(features[r], blocks.inside[r].rows) for r in members if r in blocks.inside]
        parts = [each.part(rows) for each, rows in own]
        signal = [each.signal_windows(rows) for each, rows in own if recipe.signal]
        covariances = [part.covariances for part in parts if part.covariances is not None]
        person = Person.of(
            recipe,
            np.concatenate([part.values for part in parts]),
            np.concatenate(signal) if signal else None,
            np.concatenate(covariances) if covariances else None,
        )
        persons.update(dict.fromkeys(members, person))
    return persons


def measured(
    features: Sequence[Features],
    train: Mapping[int, NDArray[np.intp]],
    recipe: Recipe,
    persons: Mapping[int, Person],
    *,
    mean_covariance: bool = True,
) -> Measures:
    """Return what all recordings' inputs are measured by, learned from the training windows.

    Parameters
    ----------
    features : sequence of Features
        Of all recordings.
    train : mapping of int to array of int
        Training windows by recording.
    recipe : Recipe
        Says what is needed.
    persons : mapping of int to Person
        Whose calibration each recording is relative to; empty without one.
    mean_covariance : bool
        Whether a recipe's covariances are looked at: their mean takes seconds.
    """
    statistics = training_statistics(features, train, persons)
    followed = mean_covariance and recipe.covariance
    if followed and recipe.normalisation.kind == "adaptive" and not persons:
        total = sum(map(len, train.values()))
        every = total // _MEAN_WINDOWS + 1
        parts = [features[r].part(w[::every]).covariances for r, w in train.items()]
        some = np.concatenate([part for part in parts if part is not None])
        kept = regularised(some, recipe.shrinkage, recipe.variance_floor)
        statistics = replace(statistics, reference=geometric_mean(kept))
    return Measures(statistics, persons)


def _without(features: Features, rows: NDArray[np.intp] | None) -> Features:
    """Return features of which some windows belong to no trial: neither learned nor scored."""
    if rows is None:
        return features
    label, trial = features.label.copy(), features.trial.copy()
    label[rows] = trial[rows] = OUTSIDE
    return replace(features, label=label, trial=trial)


def sessions_of(recordings: Sequence[Recording]) -> dict[tuple[str, str], list[int]]:
    """Return the indices of each session's recordings, by subject and session."""
    sessions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for r, recording in enumerate(recordings):
        sessions[recording.subject, recording.session].append(r)
    return sessions


def _trials_of(features: Features, label: int) -> list[NDArray[np.intp]]:
    """Return the windows of each trial of a class, in order of time."""
    trials = np.unique(features.trial[features.label == label])
    return [np.flatnonzero(features.trial == trial) for trial in trials]
