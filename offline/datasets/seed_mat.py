"""SEED's preprocessed layout: a MATLAB file with one variable a trial, labels in a file beside it.

Zheng and Lu 2015, doi 10.1109/TAMD.2015.2431497: 62 channels, 200 Hz, microvolts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offline.datasets.matlab import (
    Variable,
    load,
    load_vector,
    numbered_variables,
    require_finite,
)
from offline.datasets.recording import Origin, Recording, Trial
from rtbci.errors import RecordingError
from rtbci.montage.names import SEED_CHANNELS

_log = logging.getLogger(__name__)

SEED_SFREQ = 200.0
_TRIAL = r".*_eeg(\d+)"  # what stands before it differs from file to file


def open_seed_mat(path: Path) -> Recording:
    """Open a file on its own; see :func:`offline.datasets.readers.open_recording`.

    Labels are those of the file beside it, -1/0/1 as 0/1/2; -1 where there is no such file.
    """
    trials = find_trials(path, SEED_CHANNELS)
    recording = recording_of_trials(path, trials, SEED_CHANNELS, SEED_SFREQ)
    labels = _labels_beside(path, list(trials))
    return replace(
        recording,
        trials=tuple(
            replace(trial, label=label)
            for trial, label in zip(recording.trials, labels, strict=True)
        ),
    )


def find_trials(path: Path, rows: Sequence[str]) -> dict[int, Variable]:
    """Find a file's trials by their numbers.

    Raises
    ------
    RecordingError
        If the file cannot be read, has no trials, or one is not (rows, samples).
    """
    trials = numbered_variables(path, _TRIAL)
    if not trials:
        raise RecordingError(f"{path}: not in SEED's layout, no variable is named like *_eeg1")
    for variable in trials.values():
        shape = variable.shape
        if len(shape) != 2 or shape[0] != len(rows) or shape[1] < 1:
            hint = ", it is transposed" if shape[1:] == (len(rows),) else ""
            raise RecordingError(
                f"{path}: {variable}; SEED's layout has {len(rows)} x samples{hint}"
            )
    return trials


def recording_of_trials(
    path: Path, trials: Mapping[int, Variable], rows: Sequence[str], sfreq: float
) -> Recording:
    """Make a recording of trials that follow one another without a gap; they have no labels."""
    edges = np.cumsum([0, *(variable.shape[1] for variable in trials.values())]).tolist()
    return Recording(
        subject=path.stem.split("_")[0],
        session="_".join(path.stem.split("_")[1:]),
        name=path.name,
        sfreq=sfreq,
        channels=tuple(rows),
        trials=tuple(Trial(start, stop, -1) for start, stop in pairwise(edges)),
        blocks=partial(_blocks, path, tuple(trials.values())),
        n_samples=edges[-1],
        origin=Origin((path,)),
    )


def read_labels(path: Path) -> tuple[int, ...]:
    """Read the numbers in a label file, one a trial.

    Raises
    ------
    RecordingError
        If it cannot be read, has no ``label``, or that holds other than whole numbers.
    """
    values = load_vector(path, "label")
    if not np.array_equal(values, np.floor(values)):
        raise RecordingError(f"{path}: label holds other than whole numbers")
    return tuple(int(value) for value in values)


def _blocks(path: Path, trials: tuple[Variable, ...]) -> Iterator[NDArray[np.float32]]:
    for variable in trials:
        with np.errstate(over="ignore"):
            samples = load(path, variable).astype(np.float32)
        require_finite(path, variable, samples)
        yield samples


def _labels_beside(path: Path, numbers: list[int]) -> list[int]:
    beside = sorted(path.parent.glob("*label.mat"))
    exact = path.with_name("label.mat")
    if exact in beside:
        beside = [exact]
    if len(beside) != 1:
        _log.info("%s: no label.mat beside it; its trials have no labels", path.name)
        return [-1] * len(numbers)
    values = read_labels(beside[0])
    if max(numbers) > len(values):
        raise RecordingError(
            f"{beside[0]}: has {len(values)} labels, but {path.name} has a trial {max(numbers)}"
        )
    if not {-1, 0, 1}.issuperset(values):
        raise RecordingError(f"{beside[0]}: labels other than -1, 0 and 1")
    return [values[number - 1] + 1 for number in numbers]
