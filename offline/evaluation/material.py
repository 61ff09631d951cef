"""What an evaluation works on: recordings of one or more data sets under one recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from offline.datasets.config import Dataset, LeftOut
from offline.datasets.recording import Recording
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.evaluation.config import Evaluation, checked_roots
from offline.features.cache import extract_all, fingerprint
from offline.features.recipes import recipe_for
from offline.recognisers import completed
from rtbci.errors import ConfigError, RecordingError
from rtbci.montage.names import canonical_name
from rtbci.recipe import Recipe


@dataclass(frozen=True)
class Material:
    """Recordings with usable features, and what is known of them.

    Attributes
    ----------
    recordings : tuple of Recording
        All data sets', in order; a subject's name carries the data set's if there are several.
    tested_only : tuple of int
        Indices of the recordings that belong to data sets that are only tested on.
    recipe : Recipe
        The signal path.
    name : str
        Of the data sets.
    simulated : bool
        Whether no brain made some of the data.
    causal : bool
        False where the features are the data set's own instead of the signal path's.
    left_out : tuple of LeftOut
        What could not be used.
    """

    recordings: tuple[Recording, ...]
    tested_only: tuple[int, ...]
    recipe: Recipe
    name: str
    simulated: bool
    causal: bool
    left_out: tuple[LeftOut, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject of each recording."""
        return tuple(recording.subject for recording in self.recordings)


def gather(evaluation: Evaluation, jobs: int, keep_going: bool) -> Material:
    """Open the data sets and see to it that all features are in the cache.

    Parameters
    ----------
    evaluation : Evaluation
        Says which data sets, where they lie, and the recipe.
    jobs : int
        Processes that extract.
    keep_going : bool
        Leave out what cannot be read, instead of stopping.

    Raises
    ------
    RtbciError
        If something cannot be read, two recordings are the same, or data sets do not fit together.
    """
    files = (*evaluation.datasets, *evaluation.test_datasets)
    opened = [
        open_dataset(load_dataset_settings(file), root, keep_going)
        for file, root in zip(files, checked_roots(evaluation), strict=True)
    ]
    recipe = completed(_common_recipe(evaluation, opened), evaluation.needs)
    found, unusable = extract_all(
        [recording for dataset in opened for recording in dataset.recordings],
        recipe,
        jobs=jobs,
        keep_going=keep_going,
    )
    usable = [features is not None for features in found]
    recordings: list[Recording] = []
    tested_only: list[int] = []
    flags = iter(usable)
    for number, dataset in enumerate(opened):
        for recording in dataset.recordings:
            if not next(flags):
                continue
            if number >= len(evaluation.datasets):
                tested_only.append(len(recordings))
            recordings.append(_renamed(recording, dataset, several=len(opened) > 1))
    if not recordings:
        raise RecordingError("no recording could be used")
    refuse_twins(recordings, recipe)
    return Material(
        recordings=tuple(recordings),
        tested_only=tuple(tested_only),
        recipe=recipe,
        name=_name(opened, len(evaluation.datasets)),
        simulated=any(dataset.settings.simulated for dataset in opened),
        causal=all(dataset.settings.causal for dataset in opened),
        left_out=(*(each for dataset in opened for each in dataset.left_out), *unusable),
    )


def refuse_twins(recordings: Iterable[Recording], recipe: Recipe) -> None:
    """Refuse recordings that are one and the same: dealt to two parts, they would be a leak.

    Raises
    ------
    ConfigError
        If two have the same samples, whatever their files, subjects and data sets are called.
    """
    first: dict[str, Recording] = {}
    for recording in recordings:
        twin = first.setdefault(fingerprint(recording, recipe), recording)
        if twin is not recording:
            raise ConfigError(
                f"{_place(twin)} and {_place(recording)} are the same recording: what is tested "
                "on would be trained on; give each data set its own folder, and each recording once"
            )


def _place(recording: Recording) -> str:
    return f"{recording.name} (subject {recording.subject}, session {recording.session})"


def _common_recipe(evaluation: Evaluation, opened: Sequence[Dataset]) -> Recipe:
    """Fill in what the recipe leaves to the data sets: their classes and common channels."""
    first = opened[0].settings
    for dataset in opened[1:]:
        if dataset.settings.classes != first.classes:
            raise ConfigError(
                f"{dataset.settings.name} has the classes {', '.join(dataset.settings.classes)}, "
                f"{first.name} has {', '.join(first.classes)}; they cannot be evaluated together"
            )
    common = [
        name
        for name in map(canonical_name, first.channels)
        if all(name in _canonical(dataset.settings.channels) for dataset in opened[1:])
    ]
    if not common:
        names = ", ".join(dataset.settings.name for dataset in opened)
        raise ConfigError(f"{names} have no channel in common")
    return recipe_for(evaluation.recipe, first.model_copy(update={"channels": tuple(common)}))


def _canonical(names: Iterable[str]) -> set[str]:
    return {canonical_name(name) for name in names}


def _renamed(recording: Recording, dataset: Dataset, several: bool) -> Recording:
    if not several:
        return recording
    return replace(recording, subject=f"{dataset.settings.name}/{recording.subject}")


def _name(opened: Sequence[Dataset], trained: int) -> str:
    names = [dataset.settings.name for dataset in opened]
    trained_on = " and ".join(names[:trained])
    return f"{trained_on} to {' and '.join(names[trained:])}" if names[trained:] else trained_on
