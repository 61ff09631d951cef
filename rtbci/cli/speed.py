"""How long a model takes for a prediction on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rtbci.cli.scoring import percentiles
from rtbci.model.file import Model
from rtbci.model.person import Person, personal
from rtbci.model.recogniser import Recogniser
from rtbci.model.views import view_of
from rtbci.recipe import Recipe
from rtbci.signal.path import SignalPath

_USUAL_SFREQ = 200.0  # hertz
_RUNS = 500
_LEAST_RUNS = 100
_ENOUGH_S = 2.0
_MICROVOLTS = 10.0


@dataclass(frozen=True)
class Took:
    """Milliseconds of many runs."""

    median_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Speed:
    """How long a prediction takes in one thread.

    Attributes
    ----------
    sfreq : float
        Sampling rate of the stream, hertz; its channels are the recipe's.
    network : Took
        The network alone, for one window.
    hop : Took
        From a hop's samples to its probabilities: signal path, network and smoothing.
    """

    sfreq: float
    network: Took
    hop: Took


def sfreq_for(recipe: Recipe) -> float:
    """Return a usual sampling rate, hertz, or what a recipe needs where that is more."""
    highest = max(band.high for band in recipe.bands)
    return max(
        _USUAL_SFREQ,
        float(math.ceil(2.5 * highest)),
        0.0 if recipe.signal is None else recipe.signal.sfreq,
    )


def measure(model: Model, sfreq: float) -> Speed:
    """Measure a model on noise.

    Parameters
    ----------
    model : Model
        Which.
    sfreq : float
        Sampling rate of the noise, hertz.

    Raises
    ------
    RecipeError
        If the model's recipe cannot be computed at that rate.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as live does
    try:
        with threadpool_limits(1):
            return Speed(sfreq, _network(model, sfreq), _hop(model, sfreq))
    finally:
        torch.set_num_threads(before)


def _network(model: Model, sfreq: float) -> Took:
    path = SignalPath(model.recipe, sfreq, model.recipe.channels)
    view = view_of(model.sees, model.recipe, personal(model.statistics, _anyone(model)))
    seen = torch.from_numpy(view.apply(path.push(_noise(model.recipe, path.window))))
    with torch.inference_mode():
        return _timed(lambda: model.network(seen))


def _hop(model: Model, sfreq: float) -> Took:
    recogniser = Recogniser(model, sfreq, model.recipe.channels, person=_anyone(model))
    recogniser.warm_up()
    recogniser.push(_noise(model.recipe, recogniser.path.window))
    samples = _noise(model.recipe, recogniser.path.hop)
    return _timed(lambda: recogniser.push(samples))


def _noise(recipe: Recipe, samples: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((samples, len(recipe.channels)), np.float32)
    return np.float32(_MICROVOLTS) * noise


def _anyone(model: Model) -> Person | None:
    """Return a person whose calibration changes nothing, for models that need one."""
    recipe = model.recipe
    if recipe.calibration is None:
        return None
    n_channels = len(recipe.channels)
    identities = np.tile(np.eye(n_channels), (len(recipe.bands), 1, 1))
    prototypes = model.output.prototypes
    return Person(
        mean=np.zeros(recipe.map_shape),
        std=np.ones(recipe.map_shape),
        power=np.ones(n_channels),
        reference=identities if recipe.covariance else None,
        seconds=recipe.calibration.seconds,
        outputs=None if prototypes is None else prototypes.prototypes.means,
    )


def _timed(work: Callable[[], object]) -> Took:
    for _ in range(10):  # TorchScript optimises in its first runs
        work()
    taken: list[float] = []
    begun = time.perf_counter()
    while len(taken) < _RUNS:
        start = time.perf_counter()
        work()
        end = time.perf_counter()
        taken.append(1e3 * (end - start))
        if len(taken) >= _LEAST_RUNS and end - begun > _ENOUGH_S:
            break
    median, p99, _ = percentiles(taken)
    return Took(median, p99)
