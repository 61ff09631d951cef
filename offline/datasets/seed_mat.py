"""SEED's preprocessed layout: a MATLAB file with one variable a trial, labels in a file beside it.

Zheng and Lu 2015, doi 10.1109/TAMD.2015.2431497: 62 channels, 200 Hz, microvolts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Origin, Recording, Trial
from rtbci.errors import RecordingError
from rtbci.montage.names import SEED_CHANNELS

_log = logging.getLogger(__name__)

SEED_SFREQ = 200.0
_TRIAL = re.compile(r"_eeg(\d+)$")  # what stands before it differs from file to file


def open_seed_mat(path: Path) -> Recording:
    """Read the sizes of a file's trials; see :func:`offline.datasets.readers.open_recording`.

    The trials follow one another without a gap, in the order of their numbers.
    """
    sizes = {
        name: shape for name, shape in _variables(path).items() if _TRIAL.search(name) is not None
    }
    if not sizes:
        raise RecordingError(f"{path}: not in SEED's layout, no variable is named like *_eeg1")
    for name, shape in sizes.items():
        if len(shape) != 2 or shape[0] != len(SEED_CHANNELS):
            size = " x ".join(map(str, shape))
            raise RecordingError(f"{path}: {name} is {size}; SEED's layout has 62 x samples")
    names = sorted(sizes, key=_number)
    edges = np.cumsum([0, *(sizes[name][1] for name in names)]).tolist()
    labels = _labels(path, [_number(name) for name in names])
    trials = zip(edges[:-1], edges[1:], labels, strict=True)
    return Recording(
        subject=path.stem.split("_")[0],
        session="_".join(path.stem.split("_")[1:]),
        name=path.name,
        sfreq=SEED_SFREQ,
        channels=SEED_CHANNELS,
        trials=tuple(Trial(start, stop, label) for start, stop, label in trials),
        blocks=partial(_blocks, path, tuple(names)),
        n_samples=edges[-1],
        origin=Origin((path,)),
    )


def _number(name: str) -> int:
    return int(name.rpartition("_eeg")[2])


def _blocks(path: Path, names: tuple[str, ...]) -> Iterator[NDArray[np.float32]]:
    for name in names:
        yield np.reshape(_load(path, name), (len(SEED_CHANNELS), -1)).astype(np.float32)


def _variables(path: Path) -> dict[str, tuple[int, ...]]:
    from pymatreader import whosmat

    try:
        return {name: tuple(shape) for name, shape, _ in whosmat(path)}
    except Exception as error:  # SciPy and h5py raise whatever their parsing ran into
        raise _unreadable(path, error) from None


def _load(path: Path, name: str) -> NDArray[Any]:
    from pymatreader import read_mat

    try:
        return np.asarray(read_mat(path, variable_names=[name])[name])
    except Exception as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> RecordingError:
    said = " ".join(str(error).split()) or type(error).__name__
    return RecordingError(f"{path}: cannot be read as MATLAB v5 or v7.3, damaged? ({said})")


def _labels(path: Path, numbers: list[int]) -> list[int]:
    """Return each trial's class: -1/0/1 in the label file are 0/1/2; -1 where there is no file."""
    beside = sorted(path.parent.glob("*label.mat"))
    exact = path.with_name("label.mat")
    if exact in beside:
        beside = [exact]
    if len(beside) != 1:
        _log.info("%s: no label.mat beside it; its trials have no labels", path.name)
        return [-1] * len(numbers)
    values = np.ravel(_load(beside[0], "label"))
    if max(numbers) > values.size:
        raise RecordingError(
            f"{beside[0]}: has {values.size} labels, but {path.name} has a trial {max(numbers)}"
        )
    if not np.isin(values, (-1, 0, 1)).all():
        raise RecordingError(f"{beside[0]}: labels other than -1, 0 and 1")
    return [int(values[number - 1]) + 1 for number in numbers]
