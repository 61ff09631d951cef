"""AMIGOS (Miranda-Correa et al. 2021, doi 10.1109/TAFFC.2018.2884461): short and long videos."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from offline.datasets.clips import Clip, SubjectFile, end_to_end, find_subjects, require_subject
from offline.datasets.config import Source
from offline.datasets.mat_cells import cells, load_mat, numbers, samples
from offline.datasets.ratings import RatedSettings
from offline.datasets.recording import Origin, Recording
from rtbci.errors import RecordingError
from rtbci.montage.units import microvolts_per

_log = logging.getLogger(__name__)

# fmt: off
EPOC_CHANNELS: tuple[str, ...] = (
    "AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4",
)
# fmt: on
"""The 14 electrodes of the Emotiv EPOC in its own order, which AMIGOS and DREAMER keep."""

_SFREQ = 128.0
_COLUMNS = 17  # the electrodes, then two of heart and one of skin
_RATINGS = ("arousal", "valence", "dominance", "liking", "familiarity")  # seven emotions follow
_N_RATINGS = 12


class AmigosSettings(RatedSettings):
    """One MATLAB file a person: a cell a trial, each with its baseline in front.

    Attributes
    ----------
    files : str
        Where the files lie; ``{subject}`` stands for the person's number.
    trials : int
        How many trials are used, from the first on: the short videos come before the long ones.
    baseline_s : float
        Length of the baseline, seconds.
    """

    scale: ClassVar[tuple[float, float]] = (1.0, 9.0)

    layout: Literal["amigos"]
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = EPOC_CHANNELS
    rating: Literal["arousal", "valence", "dominance", "liking", "familiarity"] = "valence"
    files: Annotated[str, AfterValidator(require_subject)] = (
        "data_preprocessed/Data_Preprocessed_P{subject}.mat"
    )
    trials: Annotated[int, Field(ge=1)] = 16
    baseline_s: Annotated[float, Field(ge=0)] = 5.0


def find_amigos(settings: AmigosSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings of AMIGOS; see :func:`offline.datasets.registry.open_dataset`.

    A person's trials follow one another in one recording. A trial whose cell is empty, as some are
    in this data set, is left out and said to be; it keeps its number, as a trial without samples.
    """
    return tuple(
        Source(file.path.name, partial(_open_subject, settings, file))
        for file in find_subjects(root, settings.files, settings.exclude)
    )


def _open_subject(settings: AmigosSettings, file: SubjectFile) -> tuple[Recording, ...]:
    path = file.path
    content = load_mat(path, ("joined_data", "labels_selfassessment"))
    ratings = cells(content["labels_selfassessment"])
    clips, empty = [], []
    for number, trial in enumerate(_wanted(settings, path, content), start=1):
        if trial.size:
            where = f"{path}, trial {number}"
            rating = _rating(settings.rating, ratings, number, where)
            clips.append(_clip(settings, trial, settings.label_of(rating, where), where))
        else:
            empty.append(str(number))
            clips.append(Clip(0, 0, -1))
    trials, n_samples = end_to_end(clips)
    if not n_samples:
        raise RecordingError(f"{path}: all its trials are empty")
    if empty:
        are, their = ("is", "its cell is") if len(empty) == 1 else ("are", "their cells are")
        _log.warning("%s: trial %s %s left out, %s empty", path.name, ", ".join(empty), are, their)
    recording = Recording(
        subject=file.subject,
        session="1",
        name=path.name,
        sfreq=_SFREQ,
        channels=EPOC_CHANNELS,
        trials=trials,
        blocks=partial(_blocks, settings, path),
        n_samples=n_samples,
        origin=Origin((path,), f"{settings.trials} trials, {settings.unit}"),
    )
    return (recording,)


def _blocks(settings: AmigosSettings, path: Path) -> Iterator[NDArray[np.float32]]:
    factor = microvolts_per(settings.unit)
    for trial in _wanted(settings, path, load_mat(path, ("joined_data",))):
        if trial.size:
            yield np.ascontiguousarray(trial[:, : len(EPOC_CHANNELS)].T * factor, np.float32)


def _wanted(
    settings: AmigosSettings, path: Path, content: dict[str, Any]
) -> list[NDArray[np.floating]]:
    held = cells(content["joined_data"])
    if len(held) < settings.trials:
        raise RecordingError(
            f"{path}: trial {len(held) + 1} is missing; joined_data holds {len(held)} trials, "
            f"{settings.trials} are expected (key trials)"
        )
    return held[: settings.trials]


def _rating(name: str, ratings: list[Any], number: int, where: str) -> float:
    held = ratings[number - 1] if number <= len(ratings) else ()
    given = numbers(held, f"{where}: labels_selfassessment").ravel()
    if given.size != _N_RATINGS:
        raise RecordingError(
            f"{where}: labels_selfassessment holds {given.size} ratings, {_N_RATINGS} are expected"
        )
    return float(given[_RATINGS.index(name)])


def _clip(settings: AmigosSettings, trial: NDArray[Any], label: int, where: str) -> Clip:
    length = len(samples(trial, _COLUMNS, f"{where}: joined_data"))
    n_baseline = round(settings.baseline_s * _SFREQ)
    if length <= n_baseline:
        raise RecordingError(
            f"{where}: lasts {length / _SFREQ:.1f} s, no longer than its baseline of "
            f"{settings.baseline_s:g} s (key baseline_s)"
        )
    return Clip(n_baseline, length - n_baseline, label)
