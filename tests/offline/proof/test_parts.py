from __future__ import annotations

import numpy as np

from offline.generators.gaussian import GaussianSettings
from offline.generators.generator import SignalGenerator
from offline.proof.parts import parts_of
from offline.proof.streamed import maps_of, recorded, scripts_of
from rtbci.recipe import Normalisation
from tests.offline.evaluation.people import RECIPE, SFREQ, bench

PAST = RECIPE.model_copy(
    update={
        "hop_s": 0.125,
        "segments": 5,
        "segment_s": 0.75,
        "smoothing": None,
        "covariance": False,
        "signal": None,
        "normalisation": Normalisation(kind="training"),
    }
)


class Loud(SignalGenerator[GaussianSettings]):
    """White noise, the second class a hundred times as loud; changes at once."""

    kind = "loud"

    def stream(self, seed=0):
        rng = np.random.default_rng(seed)

        class Stream:
            def next(self, n_samples, label):
                return 100.0**label * rng.standard_normal((n_samples, len(PAST.channels)))

        return Stream()

    def _fit(self, real, seed, checkpoint): ...

    def _sample(self, n, label, rng): ...

    def state(self): ...

    def restore(self, state): ...


def levels(x: np.ndarray, planes: slice = slice(None)) -> np.ndarray:
    """Return the mean of each map that an example is made of, shape (examples, segments)."""
    return x.reshape(len(x), PAST.segments, *PAST.map_shape)[:, :, planes].mean(axis=(2, 3))


def test_no_map_that_is_compared_reaches_back_over_its_trials_beginning():
    """Trials of both classes take turns, and 10 Hz are far stronger in one."""
    made = bench(recipe=PAST, skill=10.0)
    parts = parts_of(made, made.folds(0)[0], 10**6)
    for part in (parts.train, parts.validation, parts.test):
        assert part.x.shape[1:] == PAST.stacked_shape
        alpha = levels(part.x, slice(2, 3))
        assert alpha[part.labels == 1].min() > alpha[part.labels == 0].max()


def test_nor_does_one_of_a_stream():
    made = bench(recipe=PAST)
    parts = parts_of(made, made.folds(0)[0], 10**6)
    scripts = scripts_of(parts, made.material.recordings, PAST)
    played = recorded(Loud(PAST, GaussianSettings(), SFREQ), scripts, 0)
    # Three seconds back are more than a stream has to pass from one class to the next.
    found = maps_of(played, scripts, PAST, parts.measures, 0)
    assert len(found) == len(parts.test)
    level = levels(found.x)
    assert level[found.labels == 1].min() > level[found.labels == 0].max()
