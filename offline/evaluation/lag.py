"""How much later a change of state is told because predictions are smoothed.

The windows themselves add to this: a prediction is about the whole window before it.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from offline.scores import LEAST_PROBABILITY
from rtbci.model.smoothing import Smoother
from rtbci.recipe import Recipe

LONGEST_S = 600.0
"""A change that takes longer than this to be told, seconds, is said never to be."""

_BLOCK = 4096  # hops at a time
_MOST_BLOCKS = 1000
_STEADY = 1e-9  # relative change within a block


def step_response_s(
    recipe: Recipe, before: NDArray[np.float64], after: NDArray[np.float64]
) -> float:
    """Measure how long smoothing takes to follow a recogniser that changes its mind.

    The recogniser says the same at each hop until the smoothed probabilities do not change any
    more, and from one hop on, for ever, another thing.

    Parameters
    ----------
    recipe : Recipe
        Smoothing, hop, window and classes.
    before, after : arrays, shape (classes,)
        Log-probabilities that the recogniser says; a constant added to all of them does not matter.

    Returns
    -------
    float
        Seconds from the first hop with ``after`` to the first hop whose smoothed most probable
        class is that of ``after``: a whole number of hops, 0 without smoothing. Infinite if that
        takes longer than :data:`LONGEST_S`, or if no class of ``after`` is the most probable one.

    Raises
    ------
    RecipeError
        If there are not as many log-probabilities as classes in the recipe.
    """
    smoother = Smoother(recipe)
    _settle(smoother, before)
    target = int(np.argmax(after))
    if not _favours(after, target):
        return float("inf")
    hops = int(LONGEST_S / recipe.hop_s) + 1
    for start in range(0, hops, _BLOCK):
        said = smoother.apply(_steadily(after, min(_BLOCK, hops - start)))
        told = np.flatnonzero(_favours(said, target))
        if len(told):
            return float((start + told[0]) * recipe.hop_s)
    return float("inf")


def lag_s(
    recipe: Recipe, log_probabilities: NDArray[np.float64], labels: NDArray[np.integer]
) -> float:
    """Return the typical lag that smoothing adds for one recogniser.

    How long a smoother holds on to its class depends on how strongly a recogniser speaks for
    another one. So the steps are between what this recogniser really says: its mean
    log-probabilities over the windows of one class, and over those of another. Both kinds of
    smoothing add up log-probabilities, so that the mean is what they get in a long run of windows.

    Parameters
    ----------
    recipe : Recipe
        Smoothing, hop, window and classes.
    log_probabilities : array, shape (windows, classes)
        What the recogniser says of each window by itself, before smoothing. Less than the logarithm
        of 1e-12 counts as that.
    labels : array of int, shape (windows,)
        The true classes.

    Returns
    -------
    float
        Median of :func:`step_response_s` over all ordered pairs of classes, seconds. A change to a
        class that its own windows' mean does not favour is never told: it counts as infinite, also
        without smoothing. NaN if a class has no window.

    Raises
    ------
    RecipeError
        If there are not as many columns as classes in the recipe.
    """
    classes = range(len(recipe.classes))
    of_class = [log_probabilities[labels == c] for c in classes]
    if not all(len(windows) for windows in of_class):
        return float("nan")
    least = np.log(LEAST_PROBABILITY)
    means = [np.maximum(windows, least).mean(axis=0) for windows in of_class]
    lags = [
        step_response_s(recipe, means[i], means[j]) if _favours(means[j], j) else np.inf
        for i, j in permutations(classes, 2)
    ]
    return float(np.median(lags))


def _favours(said: NDArray[np.float64], target: int) -> NDArray[np.bool_]:
    """Return whether a class is more probable than each other one, shape (...)."""
    others = np.delete(said, target, axis=-1)
    result: NDArray[np.bool_] = said[..., target] > others.max(axis=-1)
    return result


def _settle(smoother: Smoother, said: NDArray[np.float64]) -> None:
    """Let a smoother hear the same until it makes no difference any more."""
    block = _steadily(said, _BLOCK)
    earlier = smoother.apply(block)[-1]
    for _ in range(_MOST_BLOCKS):
        now = smoother.apply(block)[-1]
        if np.allclose(now, earlier, rtol=_STEADY, atol=0):
            return
        earlier = now


def _steadily(said: NDArray[np.float64], hops: int) -> NDArray[np.float64]:
    return np.broadcast_to(said, (hops, len(said)))
