"""DEAP (Koelstra et al. 2012, doi 10.1109/T-AFFC.2011.15), as preprocessed for Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from offline.datasets.clips import Clip, SubjectFile, end_to_end, find_subjects, require_subject
from offline.datasets.config import Source
from offline.datasets.mat_cells import shape_of
from offline.datasets.ratings import RatedSettings
from offline.datasets.recording import Origin, Recording
from offline.datasets.safe_pickle import load_arrays
from rtbci.errors import RecordingError
from rtbci.montage.units import microvolts_per

# fmt: off
DEAP_CHANNELS: tuple[str, ...] = (
    "FP1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1",
    "OZ", "PZ",
    "FP2", "AF4", "FZ", "F4", "F8", "FC6", "FC2", "CZ", "C4", "T8", "CP6", "CP2", "P4", "P8",
    "PO4", "O2",
)
# fmt: on
"""The 32 electrodes in the order of the preprocessed files."""

_SFREQ = 128.0
_ROWS = 40  # the electrodes, then eight rows of skin, breath, pulse and eyes
_RATINGS = ("valence", "arousal", "dominance", "liking")


class DeapSettings(RatedSettings):
    """One pickle a person: all trials in one array, each with its baseline in front.

    Attributes
    ----------
    files : str
        Where the files lie; ``{subject}`` stands for the person's number.
    trials : int
        How many trials each file holds.
    baseline_s, trial_s : float
        Length of the baseline and of the trial behind it, seconds.
    """

    scale: ClassVar[tuple[float, float]] = (1.0, 9.0)

    layout: Literal["deap"]
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = DEAP_CHANNELS
    rating: Literal["valence", "arousal", "dominance", "liking"] = "valence"
    files: Annotated[str, AfterValidator(require_subject)] = (
        "data_preprocessed_python/s{subject}.dat"
    )
    trials: Annotated[int, Field(ge=1)] = 40
    baseline_s: Annotated[float, Field(ge=0)] = 3.0
    trial_s: Annotated[float, Field(gt=0)] = 60.0


def find_deap(settings: DeapSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings of DEAP; see :func:`offline.datasets.registry.open_dataset`.

    A person's trials follow one another in one recording. A pickle has no table of contents, so
    each is read once to open it and again for its samples; one is held at a time.
    """
    return tuple(
        Source(file.path.name, partial(_open_subject, settings, file))
        for file in find_subjects(root, settings.files, settings.exclude)
    )


def _open_subject(settings: DeapSettings, file: SubjectFile) -> tuple[Recording, ...]:
    _, ratings = _load(settings, file.path)
    column = _RATINGS.index(settings.rating)
    n_baseline, n_trial = round(settings.baseline_s * _SFREQ), round(settings.trial_s * _SFREQ)
    trials, n_samples = end_to_end(
        Clip(
            n_baseline,
            n_trial,
            settings.label_of(float(row[column]), f"{file.path}, trial {number}"),
        )
        for number, row in enumerate(ratings, start=1)
    )
    recording = Recording(
        subject=file.subject,
        session="1",
        name=file.path.name,
        sfreq=_SFREQ,
        channels=DEAP_CHANNELS,
        trials=trials,
        blocks=partial(_blocks, settings, file.path),
        n_samples=n_samples,
        origin=Origin((file.path,), settings.unit),
    )
    return (recording,)


def _blocks(settings: DeapSettings, path: Path) -> Iterator[NDArray[np.float32]]:
    samples, _ = _load(settings, path)
    for trial in samples:
        yield (trial[: len(DEAP_CHANNELS)] * microvolts_per(settings.unit)).astype(np.float32)


def _load(settings: DeapSettings, path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples (trials, rows, samples) and ratings (trials, kinds of rating)."""
    content = load_arrays(path)
    length = round((settings.baseline_s + settings.trial_s) * _SFREQ)
    expected = {
        "data": (settings.trials, _ROWS, length),
        "labels": (settings.trials, len(_RATINGS)),
    }
    for name, shape in expected.items():
        if name not in content:
            raise RecordingError(
                f"{path}: lacks {name}; it holds {', '.join(content) or 'nothing'}"
            )
        if content[name].shape != shape:
            raise RecordingError(
                f"{path}: {name} is {shape_of(content[name])}; {' x '.join(map(str, shape))} are "
                "expected (keys trials, baseline_s, trial_s)"
            )
    return content["data"], content["labels"]
