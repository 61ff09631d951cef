"""One experiment: data set, recipe, split, network and training in; a scored model file out."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

import rtbci
from offline.datasets.config import Dataset
from offline.datasets.recording import Recording
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.features.cache import extract_all
from offline.features.extract import Features, chunks_of
from offline.features.recipes import recipe_for
from offline.features.statistics import training_statistics
from offline.models.cnn import CnnSettings
from offline.recognisers import (
    FittedRecogniser,
    ModelSettings,
    completed,
    fit_chosen,
    inputs_at,
    kind_named,
    labels_at,
    settings_with,
)
from offline.recognisers.as_network import as_network
from offline.scores import Scores
from offline.splits import Split, SplitSettings, TrialKey, make_split, windows_of
from offline.training import TrainingSettings, one_thread
from rtbci.configuration import PathBeside, Settings
from rtbci.errors import ConfigError
from rtbci.model.file import Model, Output, load_model, save_model
from rtbci.model.recogniser import Recogniser
from rtbci.progress import track
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics


class Experiment(Settings):
    """Content of a training YAML file; paths in it are relative to the file.

    Attributes
    ----------
    dataset : Path
        YAML file of the data set.
    root : Path or None
        Folder that holds the data; the command line can give it instead.
    output : Path
        Model file to be written.
    seed : int
        Fixes the split and the training.
    recipe : Recipe
        The signal path. Classes and channels are the data set's where they are not given.
    split : SplitSettings
        Which trials are trained on, chosen on and tested on.
    model : ModelSettings
        Kind of the recogniser, and its size.
    training : TrainingSettings
        How networks are trained.
    window_stride_s : float
        Least distance from one training window to the next, seconds. Windows that overlap nearly
        completely teach nothing new.
    """

    dataset: PathBeside
    root: PathBeside | None = None
    output: PathBeside
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    recipe: Recipe = Recipe()
    split: SplitSettings = SplitSettings()
    model: ModelSettings = CnnSettings()
    training: TrainingSettings = TrainingSettings()
    window_stride_s: Annotated[float, Field(gt=0)] = 0.5


@dataclass(frozen=True)
class Result:
    """What an experiment found.

    Attributes
    ----------
    path : Path
        The model file.
    validation, test : Scores
        Of every hop of the held-out trials, as live would have recognised them.
    training : dict
        The summary that the model file carries.
    """

    path: Path
    validation: Scores
    test: Scores
    training: dict[str, Any]


def run(experiment: Experiment) -> Result:
    """Extract features, split, train, score and write the model file.

    Raises
    ------
    RtbciError
        If the settings do not fit the data or a file cannot be read or written; one line.
    """
    if experiment.root is None:
        raise ConfigError("where the data lie is not said; set root in the file, or pass --root")
    dataset = open_dataset(load_dataset_settings(experiment.dataset), experiment.root)
    needs = kind_named(experiment.model.kind).needs
    recipe = completed(recipe_for(experiment.recipe, dataset.settings), {needs})
    split = make_split(dataset.recordings, recipe.classes, experiment.split, experiment.seed)
    found, _ = extract_all(dataset.recordings, recipe)
    features = [each for each in found if each is not None]  # all: none may be left out here
    fitted, statistics, counts = _train(experiment, recipe, split, features)
    summary = _summary(experiment, dataset, split, fitted) | {"training_windows": counts}
    learned = as_network(fitted)
    save = partial(
        save_model,
        network=learned.network,
        recipe=recipe,
        statistics=statistics,
        sees=learned.sees,
        output=Output(temperature=learned.temperature),
    )
    model = _as_live_loads_it(save, experiment.output.name)
    held_out = set(split.validation) | set(split.test)
    with one_thread():
        predicted = _predictions(model, dataset.recordings, {index for index, _ in held_out})
    validation = _score(split.validation, features, predicted, recipe)
    test = _score(split.test, features, predicted, recipe)
    summary |= {"validation": validation.summary(), "test": test.summary()}
    save(experiment.output, training=summary)
    return Result(experiment.output, validation, test, summary)


def _train(
    experiment: Experiment, recipe: Recipe, split: Split, features: Sequence[Features]
) -> tuple[FittedRecogniser, Statistics, dict[str, int]]:
    """Train on the training part; all that is scaled is scaled by that part alone."""
    stride = max(round(experiment.window_stride_s / recipe.hop_s), 1)
    chosen = windows_of(split.train, features, stride, recipe.history_hops)
    held_out = windows_of(split.validation, features, stride, recipe.history_hops)
    statistics = training_statistics(features, chosen)
    labels = labels_at(chosen, features)
    counts = np.bincount(labels, minlength=len(recipe.classes)).tolist()
    _refuse_empty(recipe, counts, sum(map(len, held_out.values())))
    needs = kind_named(experiment.model.kind).needs
    fitted = fit_chosen(
        experiment.model.kind,
        inputs_at(chosen, features, statistics, recipe, needs),
        labels,
        inputs_at(held_out, features, statistics, recipe, needs),
        labels_at(held_out, features),
        recipe,
        experiment.seed,
        settings_with(experiment.model, experiment.training),
    )
    return fitted, statistics, dict(zip(recipe.classes, counts, strict=True))


def _refuse_empty(recipe: Recipe, counts: Sequence[int], held_out: int) -> None:
    lacking = [name for name, count in zip(recipe.classes, counts, strict=True) if not count]
    if lacking:
        raise ConfigError(f"no training window of class {', '.join(lacking)}: trials too short")
    if not held_out:
        raise ConfigError("no validation window: trials too short")


def _as_live_loads_it(save: Callable[..., None], name: str) -> Model:
    """Write the network and read it back, so that what is scored is what live will run."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder, name), training={})
        return load_model(Path(folder, name))


def _predictions(
    model: Model, recordings: Sequence[Recording], wanted: set[int]
) -> dict[int, NDArray[np.intp]]:
    """Return the class that live would have named at each hop of the wanted recordings."""
    predicted = {}
    bar = track(sorted(wanted), "scoring")
    for index in bar:
        recording = recordings[index]
        recogniser = Recogniser(model, recording.sfreq, recording.channels, unit="uV")
        parts = [recogniser.push(chunk).probabilities for chunk in chunks_of(recording)]
        predicted[index] = np.concatenate(parts).argmax(axis=1)
    return predicted


def _score(
    part: Iterable[TrialKey],
    features: Sequence[Features],
    predicted: dict[int, NDArray[np.intp]],
    recipe: Recipe,
) -> Scores:
    chosen = windows_of(part, features, stride=1)
    none = np.empty(0, np.int64)
    true = [none, *(features[index].label[windows] for index, windows in chosen.items())]
    named = [none, *(predicted[index][windows] for index, windows in chosen.items())]
    return Scores.of(np.concatenate(true), np.concatenate(named), recipe.classes)


def _summary(
    experiment: Experiment, dataset: Dataset, split: Split, fitted: FittedRecogniser
) -> dict[str, Any]:
    """Tell where a model comes from, as plain data."""
    return {
        "dataset": dataset.settings.name,
        "simulated": dataset.settings.simulated,
        "subjects": len({recording.subject for recording in dataset.recordings}),
        "recordings": len(dataset.recordings),
        "split": experiment.split.model_dump(mode="json"),
        "trials": {part: len(keys) for part, keys in asdict(split).items()},
        "model": experiment.model.model_dump(mode="json"),
        "settings": experiment.training.model_dump(mode="json"),
        "seed": experiment.seed,
        "chosen": fitted.chosen,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "rtbci": rtbci.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
