"""One experiment: data set, recipe, split, network and training in; a scored model file out."""

from __future__ import annotations

import math
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
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
from offline.calibrating import Measures, block_windows, measured, persons_of
from offline.checkpoint import checkpoint_beside
from offline.datasets.config import Dataset
from offline.datasets.recording import Recording
from offline.datasets.registry import open_named
from offline.evaluation.lag import lag_s
from offline.features.cache import extract_all
from offline.features.extract import Features, chunks_of
from offline.features.recipes import recipe_for
from offline.held_out import Abstain, HeldOut
from offline.models.cnn import CnnSettings
from offline.recognisers import (
    FittedRecogniser,
    ModelSettings,
    completed,
    fit_chosen,
    in_one_thread,
    inputs_at,
    kind_named,
    labels_at,
    log_probabilities,
    settings_with,
)
from offline.recognisers.as_network import as_network
from offline.recognisers.places import with_outputs
from offline.scores import Scores
from offline.splits import Split, SplitSettings, make_split, windows_of
from offline.training import TrainingSettings
from rtbci.configuration import PathBeside, Settings
from rtbci.errors import ConfigError
from rtbci.model.file import Model, Output, PrototypeValues, load_model, save_model
from rtbci.model.person import Person
from rtbci.model.prototypes import Prototypes
from rtbci.model.recogniser import Recogniser
from rtbci.progress import track
from rtbci.recipe import Recipe


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
    abstain : Abstain or None
        From when on the model would rather not say; without it, it always answers.
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
    abstain: Abstain | None = None


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
    dataset = open_named(experiment.dataset, experiment.root)
    needs = kind_named(experiment.model.kind).needs
    recipe = completed(recipe_for(experiment.recipe, dataset.settings), {needs})
    split = make_split(dataset.recordings, recipe.classes, experiment.split, experiment.seed)
    found, _ = extract_all(dataset.recordings, recipe)
    whole = [each for each in found if each is not None]  # all: none may be left out here
    blocks = block_windows(dataset.recordings, whole, recipe, recipe.calibration)
    features = blocks.outside(whole)
    with in_one_thread():
        persons = persons_of(dataset.recordings, whole, recipe, blocks)
        learned = _train(experiment, recipe, split, features, persons)
        if learned.prototypes is not None:
            persons = with_outputs(
                learned.fitted,
                dataset.recordings,
                whole,
                blocks,
                learned.measures,
                recipe,
                _held_out(split),
            )
        summary = _summary(experiment, dataset, split, learned.fitted) | learned.notes
        return _scored(experiment, learned, recipe, split, features, persons, dataset, summary)


def _scored(
    experiment: Experiment,
    learned: _Learned,
    recipe: Recipe,
    split: Split,
    features: Sequence[Features],
    persons: Mapping[int, Person],
    dataset: Dataset,
    summary: Mapping[str, Any],
) -> Result:
    """Score as live, on what live loads, and write the model file."""
    network = as_network(learned.fitted)
    common = learned.prototypes
    save = partial(
        save_model,
        network=network.network,
        recipe=recipe,
        statistics=learned.measures.training,
        sees=network.sees,
    )
    output = Output(
        temperature=network.temperature,
        prototypes=None if common is None else PrototypeValues.of(common),
    )
    model = _as_live_loads_it(partial(save, output=output), experiment.output.name)
    said = _predictions(model, dataset.recordings, _held_out(split), persons)
    validation = HeldOut.of(split.validation, features, said, recipe.classes)
    test = HeldOut.of(split.test, features, said, recipe.classes)
    threshold = validation.abstain_below(experiment.abstain)
    told = {
        **summary,
        "temperature": output.temperature,
        "abstain_below": threshold,
        "abstaining": validation.curve(),
        "validation": validation.summary(threshold),
        "test": test.summary(threshold),
    }
    final = output.model_copy(update={"abstain_below": threshold})
    save(experiment.output, training=told, output=final)
    checkpoint_beside(experiment.output).unlink(missing_ok=True)
    return Result(experiment.output, validation.scores, test.scores, told)


@dataclass(frozen=True)
class _Learned:
    """What came of the training part, and what of it is to be told."""

    fitted: FittedRecogniser
    measures: Measures
    prototypes: Prototypes | None
    notes: dict[str, Any]


def _train(
    experiment: Experiment,
    recipe: Recipe,
    split: Split,
    features: Sequence[Features],
    persons: Mapping[int, Person],
) -> _Learned:
    """Train on the training part; all that is scaled is scaled by that part alone."""
    stride = max(round(experiment.window_stride_s / recipe.hop_s), 1)
    chosen = windows_of(split.train, features, stride, recipe.history_hops)
    held_out = windows_of(split.validation, features, stride, recipe.history_hops)
    measures = measured(features, chosen, recipe, persons)
    labels = labels_at(chosen, features)
    counts = np.bincount(labels, minlength=len(recipe.classes)).tolist()
    _refuse_empty(recipe, counts, sum(map(len, held_out.values())))
    needs = kind_named(experiment.model.kind).needs
    validation = inputs_at(held_out, features, measures, recipe, needs)
    checked = labels_at(held_out, features)
    fitted = fit_chosen(
        experiment.model.kind,
        inputs_at(chosen, features, measures, recipe, needs),
        labels,
        validation,
        checked,
        recipe,
        experiment.seed,
        settings_with(experiment.model, experiment.training),
        checkpoint=checkpoint_beside(experiment.output),
    )
    notes: dict[str, Any] = {"training_windows": dict(zip(recipe.classes, counts, strict=True))}
    block, prototypes = recipe.calibration, None
    if recipe.smoothing is not None or (block is not None and block.prototypes):
        said = log_probabilities(fitted, validation, len(recipe.classes))
        if block is not None and block.prototypes:
            prototypes = Prototypes.fit(said, checked)
            said = prototypes.apply(said)
        if recipe.smoothing is not None:
            lag = lag_s(recipe, said, checked)
            notes["smoothing_lag_s"] = lag if math.isfinite(lag) else None
    return _Learned(fitted, measures, prototypes, notes)


def _held_out(split: Split) -> set[int]:
    return {recording for recording, _ in (*split.validation, *split.test)}


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
    model: Model,
    recordings: Sequence[Recording],
    wanted: set[int],
    persons: Mapping[int, Person],
) -> dict[int, NDArray[np.float64]]:
    """Return the probabilities that live would have said at each hop of the wanted recordings."""
    said = {}
    bar = track(sorted(wanted), "scoring")
    for index in bar:
        recording = recordings[index]
        recogniser = Recogniser(
            model, recording.sfreq, recording.channels, unit="uV", person=persons.get(index)
        )
        parts = [recogniser.push(chunk).probabilities for chunk in chunks_of(recording)]
        said[index] = np.concatenate(parts)
    return said


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
