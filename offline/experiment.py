"""One experiment: data set, recipe, split, network and training in; a scored model file out."""

from __future__ import annotations

import platform
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
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
from offline.features.extract import Features, chunks_of, normalised
from offline.features.recipes import recipe_for
from offline.features.statistics import training_statistics
from offline.models.cnn import Cnn, CnnSettings
from offline.scores import Scores
from offline.splits import Split, SplitSettings, TrialKey, make_split, windows_of
from offline.training import Fitted, TrainingSettings, Windows, fit, one_thread
from rtbci.configuration import PathBeside, Settings
from rtbci.errors import ConfigError
from rtbci.model.file import Model, load_model, save_model
from rtbci.model.recogniser import Recogniser
from rtbci.montage.grids import Grid
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
    model : CnnSettings
        Size of the network.
    training : TrainingSettings
        How it is trained.
    """

    dataset: PathBeside
    root: PathBeside | None = None
    output: PathBeside
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    recipe: Recipe = Recipe()
    split: SplitSettings = SplitSettings()
    model: CnnSettings = CnnSettings()
    training: TrainingSettings = TrainingSettings()


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
    recipe = recipe_for(experiment.recipe, dataset.settings)
    split = make_split(dataset.recordings, recipe.classes, experiment.split, experiment.seed)
    found, _ = extract_all(dataset.recordings, recipe)
    features = [each for each in found if each is not None]  # all: none may be left out here
    fitted, statistics, counts = _train(experiment, recipe, split, features)
    summary = _summary(experiment, dataset, split, fitted) | {"training_windows": counts}
    model = _as_live_loads_it(fitted.network, recipe, statistics, experiment.output.name)
    held_out = set(split.validation) | set(split.test)
    with one_thread():
        predicted = _predictions(model, dataset.recordings, {index for index, _ in held_out})
    validation = _score(split.validation, features, predicted, recipe)
    test = _score(split.test, features, predicted, recipe)
    summary |= {"validation": validation.summary(), "test": test.summary()}
    save_model(experiment.output, fitted.network, recipe, statistics, summary)
    return Result(experiment.output, validation, test, summary)


def _train(
    experiment: Experiment, recipe: Recipe, split: Split, features: Sequence[Features]
) -> tuple[Fitted, Statistics, dict[str, int]]:
    """Train on the training part; all that is scaled is scaled by that part alone."""
    stride = max(round(experiment.training.window_stride_s / recipe.hop_s), 1)
    chosen = windows_of(split.train, features, stride)
    statistics = training_statistics(features, chosen)
    train = _windows(chosen, features, statistics, recipe)
    validation = _windows(
        windows_of(split.validation, features, stride), features, statistics, recipe
    )
    grid = Grid.of(recipe.grid, recipe.channels)

    def build() -> Cnn:
        return Cnn(recipe.map_shape[0], *grid.shape, len(recipe.classes), experiment.model)

    fitted = fit(
        build, train, validation, recipe.classes, experiment.training, seed=experiment.seed
    )
    found = Counter(train.labels.tolist())
    return fitted, statistics, {name: found[k] for k, name in enumerate(recipe.classes)}


def _windows(
    chosen: dict[int, NDArray[np.intp]],
    features: Sequence[Features],
    statistics: Statistics,
    recipe: Recipe,
) -> Windows:
    """Standardise whole recordings, one after the other, and keep the chosen windows' pictures."""
    grid = Grid.of(recipe.grid, recipe.channels)
    count, planes = sum(map(len, chosen.values())), recipe.map_shape[0]
    pictures = np.empty((count, planes, *grid.shape), np.float32)
    labels = np.empty(count, np.int64)
    first = 0
    bar = track(chosen.items(), "standardising")
    for index, windows in bar:
        part = slice(first, first + len(windows))
        standardised = normalised(features[index], statistics, recipe)
        pictures[part] = grid.to_grid(standardised[windows])
        labels[part] = features[index].label[windows]
        first = part.stop
    return Windows(pictures, labels)


def _as_live_loads_it(
    network: torch.nn.Module, recipe: Recipe, statistics: Statistics, name: str
) -> Model:
    """Write the network and read it back, so that what is scored is what live will run."""
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder, name), network, recipe, statistics, {})
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
    experiment: Experiment, dataset: Dataset, split: Split, fitted: Fitted
) -> dict[str, Any]:
    """Tell where a model comes from, as plain data."""
    return {
        "dataset": dataset.settings.name,
        "simulated": dataset.settings.simulated,
        "subjects": len({recording.subject for recording in dataset.recordings}),
        "recordings": len(dataset.recordings),
        "split": experiment.split.model_dump(mode="json"),
        "trials": {part: len(keys) for part, keys in asdict(split).items()},
        "model": {"kind": "cnn"} | experiment.model.model_dump(mode="json"),
        "settings": experiment.training.model_dump(mode="json"),
        "seed": experiment.seed,
        "epochs": len(fitted.losses),
        "best_epoch": fitted.best_epoch,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "rtbci": rtbci.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
