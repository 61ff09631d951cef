"""Asking a fitted recogniser what it looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from offline.examples import Examples, MapExamples
from offline.explain.explanation import Explanation
from offline.explain.gradients import attributions
from offline.explain.occlusion import losses, occluder_of
from offline.recognisers import FittedRecogniser, Inputs, Needs
from offline.recognisers.as_network import AsNetwork, as_network
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe

MOST_EXPLAINED: dict[Needs, int] = {
    "maps": 500,
    "segments": 500,
    "signal": 500,
    "covariances": 100,  # each occlusion takes a matrix logarithm a window and band
}
"""How many windows are enough to explain a fit by."""


def explain(
    fitted: FittedRecogniser, inputs: Inputs, labels: NDArray[np.integer], recipe: Recipe
) -> Explanation:
    """Tell what a recogniser looks at in windows, class by class.

    Occlusion (:mod:`.occlusion`) asks any recogniser; attributions (:mod:`.gradients`) need one
    that has the form of a network and sees maps or the signal. Probabilities are those of single
    windows, before prototypes and smoothing.

    Parameters
    ----------
    fitted : FittedRecogniser
        Trained on other windows.
    inputs : Inputs
        What it looks at, of these windows.
    labels : array of int, shape (windows,)
        Their classes, as indices of ``recipe.classes``.
    recipe : Recipe
        Classes, channels and bands.

    Raises
    ------
    ConfigError
        If Captum is not installed and there are attributions to be made.
    """
    by_electrode, by_band = losses(occluder_of(fitted, inputs, recipe), labels, recipe)
    found, segments = _attributed(fitted, inputs, labels, recipe)
    return Explanation(
        attributions=found,
        over_segments=segments,
        electrode_nats=by_electrode.nats,
        band_nats=by_band.nats,
        electrode_accuracy=by_electrode.accuracy,
        band_accuracy=by_band.accuracy,
    )


def _attributed(
    fitted: FittedRecogniser, inputs: Inputs, labels: NDArray[np.integer], recipe: Recipe
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each class's mean attributions, and what each segment has of them."""
    n_classes, n_channels = len(recipe.classes), len(recipe.channels)
    learned = _network_of(fitted)
    if learned is None:
        return np.empty((n_classes, 0, n_channels)), np.empty((n_classes, 0))
    outputs = fitted.estimator.classes_
    known = np.flatnonzero(np.isin(labels, outputs))
    output = np.searchsorted(outputs, labels[known])
    examples = _examples(inputs)[known]
    windows = attributions(learned.network, learned.sees, examples, output, learned.temperature)
    if learned.sees == "signal":
        windows = windows.sum(axis=2)[:, None, None]  # (windows, segments, planes, channels)
    mean = np.full((n_classes, *windows.shape[1:]), np.nan)
    for k in np.unique(labels[known]):
        mean[k] = windows[labels[known] == k].mean(axis=0)
    return mean.sum(axis=1), mean.sum(axis=(2, 3))


def _network_of(fitted: FittedRecogniser) -> AsNetwork | None:
    if fitted.needs == "covariances":
        return None
    try:
        return as_network(fitted)
    except ConfigError:  # it has no such form
        return None


def _examples(inputs: Inputs) -> Examples:
    if inputs.maps is not None:
        alone = np.arange(len(inputs.maps))[:, None]
        return MapExamples(inputs.maps.astype(np.float32), alone)
    found = inputs.signal if inputs.segments is None else inputs.segments
    assert found is not None  # what a network sees was computed
    return found
