"""Class prototypes of a fitted recogniser, and of each calibrated person."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from offline.calibrating import Blocks, Measures, sessions_of
from offline.datasets.recording import Recording
from offline.features.extract import Features
from offline.recognisers.choosing import FittedRecogniser, log_probabilities
from offline.recognisers.seeing import inputs_of
from rtbci.model.person import Person
from rtbci.model.prototypes import Prototypes, class_means
from rtbci.recipe import Recipe


def with_outputs(
    fitted: FittedRecogniser,
    recordings: Sequence[Recording],
    features: Sequence[Features],
    blocks: Blocks,
    measures: Measures,
    recipe: Recipe,
    wanted: Container[int],
) -> dict[int, Person]:
    """Return the persons of some recordings with what a recogniser says of the person's own block.

    Parameters
    ----------
    fitted : FittedRecogniser
        Whom to ask.
    recordings : sequence of Recording
        All of them.
    features : sequence of Features
        Of all.
    blocks : Blocks
        Of all sessions.
    measures : Measures
        What inputs are measured by, and the persons.
    recipe : Recipe
        Classes and inputs.
    wanted : container of int
        Whose: indices of recordings.
    """
    persons = {}
    for members in sessions_of(recordings).values():
        if not any(r in wanted for r in members):
            continue
        own = [r for r in members if r in blocks.inside]
        said = [
            log_probabilities(
                fitted,
                inputs_of(features[r], blocks.inside[r].rows, measures.of(r), recipe, fitted.needs),
                len(recipe.classes),
            )
            for r in own
        ]
        labels = np.concatenate([blocks.inside[r].labels for r in own])
        outputs = class_means(np.concatenate(said), labels)
        persons.update({r: replace(measures.persons[r], outputs=outputs) for r in members})
    return persons


def placed(
    prototypes: Prototypes, said: NDArray[np.float64], person: Person, recipe: Recipe
) -> NDArray[np.float64]:
    """Return log-probabilities (windows, classes) seen from a person's own prototypes."""
    assert recipe.calibration is not None  # prototypes are asked for there
    assert person.outputs is not None
    return prototypes.adapted(person.outputs, recipe.calibration.class_s).apply(said)
