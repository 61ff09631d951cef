"""Real people, and simulated ones."""

from __future__ import annotations

import numpy as np
import pytest

from offline.datasets.recording import Trial, recording_of
from offline.datasets.registry import named_dataset_settings, open_dataset
from offline.features.recipes import recipe_for
from replay.simulator.simulator import Simulator
from rtbci.recipe import Recipe
from tests.offline.proof.examples import SFREQ, People, people_of

_CHANNELS = ("FP1", "FP2", "F7", "FZ", "F8", "T7", "C3", "C4", "T8", "PZ", "O1", "O2")
_PEOPLE = 5


@pytest.fixture(scope="session", params=["eegmat", "simulated"])
def people(request, shared_data) -> People:
    """Five people at rest and reckoning, then five that were simulated in three emotions."""
    if request.param == "eegmat":
        settings = named_dataset_settings("eegmat")
        opened = open_dataset(settings, shared_data("eegmat_200hz")).recordings
        few = [recording for recording in opened if int(recording.subject) < _PEOPLE]
        return people_of(few, recipe_for(Recipe(hop_s=1.0), settings))
    return people_of(
        [_simulated(subject) for subject in range(_PEOPLE)], Recipe(channels=_CHANNELS, hop_s=1.0)
    )


def _simulated(subject: int):
    simulator = Simulator(SFREQ, _CHANNELS, seed=1, subject=subject)
    length = round(15 * SFREQ)  # a stretch of the examples
    labels = [0, 1, 2] * 3
    samples = np.concatenate([simulator.next(length, label) for label in labels]).T
    trials = [Trial(k * length, (k + 1) * length, label) for k, label in enumerate(labels)]
    return recording_of(samples, SFREQ, _CHANNELS, subject=str(subject), trials=trials)
