"""One fit, scored as live: train on a fold, then hear what live would have said on its test part.

Everything that a prediction depends on comes from the training part, or from samples before it:
statistics are the training windows', and normalisation runs forwards through each test recording
from its first window on, exactly as in :class:`rtbci.model.recogniser.Recogniser`. Smoothing comes
after it (:class:`~offline.evaluation.outcome.Outcome`), so that it can be changed without a fit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from offline.calibrating import Blocks, Measures, measured
from offline.evaluation.augmenting import Augmentation, Scarce, augmented, without_most
from offline.evaluation.config import TRIVIAL
from offline.evaluation.material import Material
from offline.evaluation.outcome import Fit, Said, Task
from offline.evaluation.protocols import Fold, Protocol, fold_windows, make_folds
from offline.evaluation.random_labels import with_random_labels
from offline.explain.explaining import MOST_EXPLAINED, explain
from offline.features.cache import load_or_extract
from offline.features.extract import Features, relabelled
from offline.recognisers import (
    RECOGNISERS,
    FittedRecogniser,
    Inputs,
    RecogniserSettings,
    WindowsOf,
    fit_chosen,
    in_one_thread,
    inputs_at,
    inputs_of,
    labels_at,
    log_probabilities,
    most_windows,
    thinned,
)
from offline.recognisers.places import placed, with_outputs
from offline.splits import trials_at
from rtbci.model.person import Person
from rtbci.model.prototypes import Prototypes
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
    persons : mapping of int to Person
        Whose calibration each recording is relative to; empty without one.
    blocks : Blocks
        These calibrations' windows.
    left_out : Blocks
        The longest ones, whose windows are neither learned from nor scored.
    explain : bool
        Whether it is found out what recognisers look at.
    scarce : Scarce or None
        The class of which little is learned from.
    augmentation : Augmentation or None
        What is put beside the real training windows.
    """

    material: Material
    protocol: Protocol
    settings: RecogniserSettings
    stride: int
    persons: Mapping[int, Person] = field(default_factory=dict)
    blocks: Blocks = field(default_factory=Blocks)
    left_out: Blocks = field(default_factory=Blocks)
    explain: bool = False
    scarce: Scarce | None = None
    augmentation: Augmentation | None = None

    def folds(self, seed: int) -> tuple[Fold, ...]:
        """Deal the trials."""
        material = self.material
        return make_folds(
            self.protocol, material.recordings, material.recipe.classes, seed, material.tested_only
        )

    def explains(self, task: Task) -> bool:
        """Tell whether a task's recogniser is explained: not where its labels mean nothing."""
        return self.explain and task.draw is None and task.recogniser != TRIVIAL


@dataclass(frozen=True)
class Learned:
    """What one recogniser learned on a fold, and what it can be asked about.

    Attributes
    ----------
    fitted : FittedRecogniser
        On the training part.
    features : list of Features
        Of all recordings.
    measures : Measures
        What inputs are measured by, from the training part.
    tested : mapping of int to array of int
        Windows of the test part, by recording.
    held_out : Inputs
        The validation part.
    checked : array of int
        Its labels.
    fit_s : float
        How long it took, seconds.
    """

    fitted: FittedRecogniser
    features: list[Features]
    measures: Measures
    tested: WindowsOf
    held_out: Inputs
    checked: NDArray[np.int64]
    fit_s: float

    def shown(self, most: int, recipe: Recipe) -> tuple[Inputs, NDArray[np.int64]]:
        """Return at most so many windows of the test part, and their labels."""
        some = _thinned(self.tested, self.features, most)
        inputs = inputs_at(some, self.features, self.measures, recipe, self.fitted.needs)
        return inputs, labels_at(some, self.features)


def run_task(bench: Bench, task: Task) -> Fit:
    """Fit one recogniser on one fold and ask it about the fold's test part as live would."""
    with in_one_thread():  # folds run beside each other
        learned = learn(bench, task)
        said = _said_as_live(bench, learned)
        explanation = None
        if bench.explains(task):
            recipe, needs = bench.material.recipe, learned.fitted.needs
            inputs, labels = learned.shown(MOST_EXPLAINED[needs], recipe)
            explanation = explain(learned.fitted, inputs, labels, recipe)
        return Fit(
            task=task,
            said=_said(bench.material, learned.tested, learned.features, said),
            chosen=learned.fitted.chosen,
            validation=learned.fitted.validation,
            fit_s=learned.fit_s,
            explanation=explanation,
        )


def learn(bench: Bench, task: Task) -> Learned:
    """Fit one recogniser on one fold; nothing of the test part is looked at."""
    recipe = bench.material.recipe
    folds = bench.folds(task.seed)
    (fold,) = (each for each in folds if each.name == task.fold)
    features = _features(bench, task.draw, folds)
    learned = (features, bench.stride, recipe.history_hops)
    train: WindowsOf = fold_windows(fold, "train", *learned)
    validation: WindowsOf = fold_windows(fold, "validation", *learned)
    if bench.scarce is not None:
        train = without_most(train, features, bench.scarce, recipe)
    needs = RECOGNISERS[task.recogniser].needs
    measures = measured(
        features, train, recipe, bench.persons, mean_covariance=needs == "covariances"
    )
    # Each is hundreds or thousands of numbers: what would be thinned later is not even kept.
    most = most_windows(task.recogniser, bench.settings)
    train, validation = _thinned(train, features, most), _thinned(validation, features, most)
    held_out = inputs_at(validation, features, measures, recipe, needs)
    checked = labels_at(validation, features)
    begun = time.perf_counter()
    fitted = fit_chosen(
        task.recogniser,
        *_learned_from(bench, task, train, features, measures),
        held_out,
        checked,
        recipe,
        task.seed,
        bench.settings,
    )
    fit_s = time.perf_counter() - begun
    tested = fold_windows(fold, "test", features, stride=1)
    return Learned(fitted, features, measures, tested, held_out, checked, fit_s)


def _said_as_live(bench: Bench, learned: Learned) -> dict[int, NDArray[np.float64]]:
    """Return log-probabilities (hops, classes) of each tested recording, up to its last window."""
    recipe = bench.material.recipe
    fitted, features, measures = learned.fitted, learned.features, learned.measures
    said = {
        r: as_live(fitted, features[r], measures.of(r), recipe)[: windows[-1] + 1]
        for r, windows in learned.tested.items()
    }
    if recipe.calibration is None or not recipe.calibration.prototypes:
        return said
    known = log_probabilities(fitted, learned.held_out, len(recipe.classes))
    common = Prototypes.fit(known, learned.checked)
    persons = with_outputs(
        fitted, bench.material.recordings, features, bench.blocks, measures, recipe, said
    )
    return {r: placed(common, each, persons[r], recipe) for r, each in said.items()}


def _learned_from(
    bench: Bench, task: Task, train: WindowsOf, features: list[Features], measures: Measures
) -> tuple[Inputs, NDArray[np.int64]]:
    """Return the training part and its labels, with what is generated beside it."""
    recipe, needs = bench.material.recipe, RECOGNISERS[task.recogniser].needs
    inputs, labels = inputs_at(train, features, measures, recipe, needs), labels_at(train, features)
    if bench.augmentation is None or task.recogniser == TRIVIAL:
        return inputs, labels
    trials = trials_at(train, features)
    return augmented(inputs, labels, trials, needs, recipe, bench.augmentation, task.seed)


def as_live(
    fitted: FittedRecogniser,
    features: Features,
    statistics: Statistics,
    recipe: Recipe,
) -> NDArray[np.float64]:
    """Return what live would have heard, before smoothing, at every hop of a recording.

    Parameters
    ----------
    fitted : FittedRecogniser
        Trained on other windows.
    features : Features
        Of the whole recording.
    statistics : Statistics
        The training part's.
    recipe : Recipe
        Normalisation and classes.

    Returns
    -------
    array, shape (windows, classes)
        Log-probabilities. Each depends on samples up to its window's end and on nothing later.
    """
    inputs = inputs_of(features, np.arange(len(features)), statistics, recipe, fitted.needs)
    return log_probabilities(fitted, inputs, len(recipe.classes))


def all_features(bench: Bench) -> list[Features]:
    """Return the features of all recordings; calibration blocks belong to no trial."""
    return _features(bench, None, ())


def _features(bench: Bench, draw: int | None, folds: Sequence[Fold]) -> list[Features]:
    material = bench.material
    features = [load_or_extract(each, material.recipe) for each in material.recordings]
    if draw is not None:
        features = _redrawn(material, features, draw, folds)
    return bench.left_out.outside(features)


def _redrawn(
    material: Material, features: Sequence[Features], draw: int, folds: Sequence[Fold]
) -> list[Features]:
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


def _said(
    material: Material,
    tested: WindowsOf,
    features: list[Features],
    said: Mapping[int, NDArray[np.float64]],
) -> Said:
    columns: dict[str, list[NDArray[np.generic]]] = {}
    hops = 0
    for r, windows in tested.items():
        recording, one = material.recordings[r], features[r]
        trial = one.trial[windows]
        start = np.array([each.start for each in recording.trials])[trial]
        row = {
            "recording": np.full(len(said[r]), r, np.int64),
            "log_probabilities": said[r],
            "tested": hops + windows.astype(np.int64),
            "trial": trial,
            "seconds": (one.last[windows] + 1 - start) / recording.sfreq,
            "label": one.label[windows],
        }
        hops += len(said[r])
        for key, column in row.items():
            columns.setdefault(key, []).append(column)
    return Said(**{key: np.concatenate(parts) for key, parts in columns.items()})
