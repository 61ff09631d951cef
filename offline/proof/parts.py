"""The real maps of a fold: those that are learned from, and two parts that are held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from offline.calibrating import Measures, measured
from offline.evaluation.fitting import Bench, all_features
from offline.evaluation.protocols import Fold, fold_windows
from offline.generators import Real
from offline.proof.sets import ExampleSet, matched
from offline.recognisers import WindowsOf, labels_at, stacked_at
from offline.splits import TrialKey, trials_at
from rtbci.errors import ConfigError


@dataclass(frozen=True)
class Parts:
    """Real maps, on the scale that recognisers see: standardised by the training part.

    Of a recipe with several segments, each comes with those before it in its trial.

    Attributes
    ----------
    train : Real
        What generators learn from.
    validation, test : ExampleSet
        Held out: of other trials or people, as the protocol has it. What is generated is compared
        with ``test``; ``validation`` says how near real maps come.
    tested : mapping of int to TrialKey
        Which trial each group of ``test`` is.
    measures : Measures
        What the scale is: the training part's statistics.
    segments : int
        How many maps each is made of, as networks see them.
    """

    train: Real
    validation: ExampleSet
    test: ExampleSet
    tested: Mapping[int, TrialKey]
    measures: Measures
    segments: int


def parts_of(bench: Bench, fold: Fold, most: int) -> Parts:
    """Return the real maps of a fold.

    Parameters
    ----------
    bench : Bench
        Recordings, recipe and protocol.
    fold : Fold
        One of the protocol's.
    most : int
        The most maps of a held-out part.

    Raises
    ------
    RtbciError
        If a part has no window; one line.
    """
    recipe = bench.material.recipe
    features = all_features(bench)
    train: WindowsOf = fold_windows(fold, "train", features, bench.stride, recipe.history_hops)
    measures = measured(features, train, recipe, bench.persons, mean_covariance=False)

    def real(chosen: WindowsOf, first_trial: int) -> Real:
        return Real(
            stacked_at(chosen, features, measures, recipe),
            labels_at(chosen, features),
            trials_at(chosen, features) + first_trial,
        )

    def held_out(part: Literal["validation", "test"]) -> WindowsOf:
        chosen = fold_windows(fold, part, features, 1, recipe.history_hops)
        if not chosen:
            raise ConfigError(f"{fold.name}: no {part} window: trials too short")
        return chosen

    # Trials are counted in each part by itself: no trial is in two.
    learned = real(train, 0)
    validation = real(held_out("validation"), int(learned.trials.max()) + 1)
    first = int(validation.trials.max()) + 1
    tested = held_out("test")
    sets = [ExampleSet.of_trials(each) for each in (validation, real(tested, first))]
    keys = {(r, int(k)) for r, windows in tested.items() for k in features[r].trial[windows]}
    # Distances depend on how many there are: as many of each class in both.
    told = f"{fold.name}, held-out maps of validation and test"
    matching = matched(sets[0], sets[1], most, np.random.default_rng(0), told)
    numbered = dict(enumerate(sorted(keys), first))
    return Parts(learned, *matching, numbered, measures, recipe.segments)
