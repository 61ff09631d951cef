"""DREAMER (Katsigiannis and Ramzan 2018, doi 10.1109/JBHI.2017.2688239): film clips, one file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from offline.datasets.amigos import EPOC_CHANNELS
from offline.datasets.clips import Clip, end_to_end
from offline.datasets.config import Source, require_folder
from offline.datasets.mat_cells import cells, field, load_mat, numbers, samples
from offline.datasets.ratings import RatedSettings
from offline.datasets.recording import Origin, Recording
from rtbci.errors import RecordingError
from rtbci.montage.units import microvolts_per

_SFREQ = 128.0
_SCORES = {"valence": "ScoreValence", "arousal": "ScoreArousal", "dominance": "ScoreDominance"}


class DreamerSettings(RatedSettings):
    """One MATLAB file with a struct that holds everybody's clips and baselines.

    Attributes
    ----------
    file : str
        The file's name below the data folder.
    trials : int
        How many clips each person watched.
    """

    scale: ClassVar[tuple[float, float]] = (1.0, 5.0)

    layout: Literal["dreamer"]
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = EPOC_CHANNELS
    rating: Literal["valence", "arousal", "dominance"] = "valence"
    file: str = "DREAMER.mat"
    trials: Annotated[int, Field(ge=1)] = 18


@dataclass(frozen=True)
class _Person:
    """One person's clips, each behind its baseline.

    Attributes
    ----------
    number : int
        Counted from 1.
    samples : array, shape (channels, samples)
        Baseline, clip, baseline, clip, ... in microvolts, float32.
    clips : tuple of Clip
        Their lengths and labels.
    """

    number: int
    samples: NDArray[np.float32]
    clips: tuple[Clip, ...]


@dataclass
class _File:
    """The file, read when somebody's samples are first asked for.

    MATLAB keeps a struct in one piece, so nobody's samples can be had without everybody's. They
    are kept as float32 (0.8 GB for the whole data set) as long as there are recordings of them; a
    copy in another process begins without and reads the file itself when it needs to.
    """

    path: Path
    settings: DreamerSettings
    _held: tuple[_Person, ...] | None = dataclasses.field(default=None, repr=False)

    def people(self) -> tuple[_Person, ...]:
        """Return everybody who is not left out."""
        if self._held is None:
            self._held = _read(self.settings, self.path)
        return self._held

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "settings": self.settings, "_held": None}


def find_dreamer(settings: DreamerSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings of DREAMER; see :func:`offline.datasets.registry.open_dataset`.

    Each person's baselines and clips follow one another in one recording; all come from the one
    file, so they are opened, or left out, together.
    """
    require_folder(root)
    path = root / settings.file
    return (Source(path.name, partial(_open_file, settings, path)),)


def _open_file(settings: DreamerSettings, path: Path) -> tuple[Recording, ...]:
    file = _File(path, settings)
    return tuple(_recording(file, person) for person in file.people())


def _recording(file: _File, person: _Person) -> Recording:
    trials, n_samples = end_to_end(person.clips)
    return Recording(
        subject=str(person.number),
        session="1",
        name=f"{file.path.name}, subject {person.number}",
        sfreq=_SFREQ,
        channels=EPOC_CHANNELS,
        trials=trials,
        blocks=partial(_blocks, file, person.number),
        n_samples=n_samples,
        origin=Origin((file.path,), f"subject {person.number}, {file.settings.unit}"),
    )


def _blocks(file: _File, number: int) -> Iterator[NDArray[np.float32]]:
    (person,) = (person for person in file.people() if person.number == number)
    yield person.samples


def _read(settings: DreamerSettings, path: Path) -> tuple[_Person, ...]:
    content = load_mat(path, ("DREAMER",))
    people = cells(field(content.pop("DREAMER"), "Data", f"{path}: DREAMER"))
    found = []
    for number in range(1, len(people) + 1):
        person = people.pop(0)  # so that it is freed when its samples have become float32
        if number not in settings.exclude:
            found.append(_person(settings, person, number, f"{path}, subject {number}"))
    if not found:
        raise RecordingError(f"{path}: holds nobody who is not left out (key exclude)")
    return tuple(found)


def _person(settings: DreamerSettings, person: Any, number: int, where: str) -> _Person:
    eeg = field(person, "EEG", where)
    baselines = cells(field(eeg, "baseline", where))
    stimuli = cells(field(eeg, "stimuli", where))
    score = _SCORES[settings.rating]
    ratings = numbers(field(person, score, where), f"{where}: {score}").ravel()
    _check_counts(
        settings,
        {"EEG.baseline": len(baselines), "EEG.stimuli": len(stimuli), score: len(ratings)},
        where,
    )
    pieces: list[NDArray[Any]] = []
    clips: list[Clip] = []
    for index, rating in enumerate(ratings):
        trial = f"{where}, trial {index + 1}"
        baseline = samples(baselines[index], len(EPOC_CHANNELS), f"{trial}: baseline")
        clip = samples(stimuli[index], len(EPOC_CHANNELS), f"{trial}: stimuli")
        pieces += (baseline, clip)
        clips.append(Clip(len(baseline), len(clip), settings.label_of(float(rating), trial)))
    return _Person(number, _microvolts(pieces, settings.unit), tuple(clips))


def _check_counts(settings: DreamerSettings, counts: dict[str, int], where: str) -> None:
    for name, count in counts.items():
        if count != settings.trials:
            raise RecordingError(
                f"{where}: {name} holds {count} trials, {settings.trials} are expected (key trials)"
            )


def _microvolts(pieces: list[NDArray[Any]], unit: str) -> NDArray[np.float32]:
    """Lay pieces (samples, channels) end to end in one array (channels, samples)."""
    held = np.empty((len(EPOC_CHANNELS), sum(map(len, pieces))), np.float32)
    start = 0
    for piece in pieces:
        held[:, start : start + len(piece)] = piece.T * microvolts_per(unit)
        start += len(piece)
    held.flags.writeable = False
    return held
