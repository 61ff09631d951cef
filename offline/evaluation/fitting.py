"""One fit, scored as live: train on a fold, then hear what live would have said on its test part.

Everything that a prediction depends on comes from the training part, or from samples before it:
statistics are the training windows', normalisation and smoothing run forwards through each test
recording from its first window on, exactly as :class:`rtbci.model.recogniser.Recogniser` does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.material import Material
from offline.evaluation.outcome import Outcome, Predictions, Task
from offline.evaluation.protocols import Fold, Protocol, fold_windows, make_folds
from offline.evaluation.random_labels import with_random_labels
from offline.features.cache import load_or_extract
from offline.features.extract import Features, relabelled
from offline.features.statistics import training_statistics
from offline.recognisers import (
    RECOGNISERS,
    FittedRecogniser,
    RecogniserSettings,
    WindowsOf,
    fit_chosen,
    inputs_at,
    inputs_of,
    labels_at,
    log_probabilities,
    most_windows,
    thinned,
)
from rtbci.model.smoothing import Smoother
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics


@dataclass(frozen=True)
class Bench:
    """All that a task needs beside itself; small enough to be sent to other machines.

    Attributes
    ----------
    material : Material
        The recordings; their features are in the cache, or are made again.
    protocol : Protocol
        Makes the folds.
    settings : RecogniserSettings
        How recognisers are fitted.
    stride : int
        Hops from one training window to the next.
    """

    material: Material
    protocol: Protocol
    settings: RecogniserSettings
    stride: int

    def folds(self, seed: int) -> tuple[Fold, ...]:
        """Deal the trials."""
        material = self.material
        return make_folds(
            self.protocol, material.recordings, material.recipe.classes, seed, material.tested_only
        )


def run_task(bench: Bench, task: Task) -> Outcome:
    """Fit one recogniser on one fold and predict the fold's test part as live would."""
    recipe = bench.material.recipe
    folds = bench.folds(task.seed)
    (fold,) = (each for each in folds if each.name == task.fold)
    features = _features(bench.material, task.draw, folds)
    learned = (features, bench.stride, recipe.history_hops)
    train: WindowsOf = fold_windows(fold, "train", *learned)
    validation: WindowsOf = fold_windows(fold, "validation", *learned)
    statistics = training_statistics(features, train)
    needs = RECOGNISERS[task.recogniser].needs
    # Each is hundreds or thousands of numbers: what would be thinned later is not even kept.
    most = most_windows(task.recogniser, bench.settings)
    train, validation = _thinned(train, features, most), _thinned(validation, features, most)
    begun = time.perf_counter()
    fitted = fit_chosen(
        task.recogniser,
        inputs_at(train, features, statistics, recipe, needs),
        labels_at(train, features),
        inputs_at(validation, features, statistics, recipe, needs),
        labels_at(validation, features),
        recipe,
        task.seed,
        bench.settings,
    )
    fit_s = time.perf_counter() - begun
    tested = fold_windows(fold, "test", features, stride=1)
    said = {
        r: as_live(fitted, features[r], statistics, recipe)[windows]
        for r, windows in tested.items()
    }
    return Outcome(
        task=task,
        predictions=_predictions(bench.material, tested, features, said),
        chosen=fitted.chosen,
        validation=fitted.validation,
        fit_s=fit_s,
    )


def as_live(
    fitted: FittedRecogniser,
    features: Features,
    statistics: Statistics,
    recipe: Recipe,
) -> NDArray[np.float64]:
    """Return what live would have said at every hop of a recording, from its first on.

    Parameters
    ----------
    fitted : FittedRecogniser
        Trained on other windows.
    features : Features
        Of the whole recording.
    statistics : Statistics
        The training part's.
    recipe : Recipe
        Normalisation and smoothing.

    Returns
    -------
    array, shape (windows, classes)
        Probabilities. Each depends on samples up to its window's end and on nothing later.
    """
    inputs = inputs_of(features, np.arange(len(features)), statistics, recipe, fitted.needs)
    said = log_probabilities(fitted, inputs, len(recipe.classes))
    return Smoother(recipe).apply(said)


def _features(material: Material, draw: int | None, folds: Sequence[Fold]) -> list[Features]:
    features = [load_or_extract(each, material.recipe) for each in material.recordings]
    if draw is None:
        return features
    n_classes = len(material.recipe.classes)
    redrawn = with_random_labels(material.recordings, n_classes, draw, folds)
    return [
        relabelled(each, recording.trials)
        for each, recording in zip(features, redrawn, strict=True)
    ]


def _thinned(chosen: WindowsOf, features: list[Features], most: int | None) -> WindowsOf:
    if most is None:
        return chosen
    kept = np.zeros(sum(len(windows) for windows in chosen.values()), np.bool_)
    kept[thinned(labels_at(chosen, features), most)] = True
    parts = np.split(kept, np.cumsum([len(windows) for windows in chosen.values()])[:-1])
    return {r: chosen[r][part] for r, part in zip(chosen, parts, strict=True)}


def _predictions(
    material: Material,
    tested: WindowsOf,
    features: list[Features],
    said: Mapping[int, NDArray[np.float64]],
) -> Predictions:
    columns: dict[str, list[NDArray[np.generic]]] = {}
    for r, windows in tested.items():
        recording, one = material.recordings[r], features[r]
        trial = one.trial[windows]
        start = np.array([each.start for each in recording.trials])[trial]
        row = {
            "recording": np.full(len(windows), r, np.int64),
            "trial": trial,
            "seconds": (one.last[windows] + 1 - start) / recording.sfreq,
            "label": one.label[windows],
            "probabilities": said[r],
        }
        for key, column in row.items():
            columns.setdefault(key, []).append(column)
    return Predictions(**{key: np.concatenate(parts) for key, parts in columns.items()})
