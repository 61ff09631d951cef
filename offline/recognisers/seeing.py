"""What a recogniser sees of recordings' windows: offline, with live's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from offline.calibrating import Measures
from offline.examples import MapExamples, SignalExamples
from offline.features.extract import Features, normalised
from offline.recognisers.inputs import Inputs, Needs
from rtbci.model.views import CovarianceView
from rtbci.recipe import RawSignal, Recipe
from rtbci.signal.normalisation import SignalScaler, Statistics
from rtbci.signal.raw import window_points

_BLOCK = 1024  # windows of the signal that are in memory at once

WindowsOf = Mapping[int, NDArray[np.intp]]
"""Indices of windows, by the recording's index."""


def inputs_of(
    features: Features,
    windows: NDArray[np.intp],
    statistics: Statistics,
    recipe: Recipe,
    needs: Needs,
) -> Inputs:
    """Return what a recogniser sees of some windows of a recording.

    Parameters
    ----------
    features : Features
        Of the whole recording: what standardises follows it from its first window on.
    windows : array of int, shape (windows,)
        Which.
    statistics : Statistics
        The training part's, as they are for this person.
    recipe : Recipe
        How inputs are standardised, and what belongs to them.
    needs : {"maps", "covariances", "segments", "signal"}
        What the recogniser looks at; no more is computed.
    """
    if needs == "covariances":
        return Inputs(covariances=_covariances(features, windows, statistics, recipe))
    if needs == "signal":
        return Inputs(signal=_signal(features, windows, statistics, recipe))
    maps = normalised(features, statistics, recipe)
    if needs == "segments":
        return Inputs(segments=MapExamples.of(maps, windows, recipe))
    return Inputs(maps=maps[windows])


def _signal(
    features: Features, windows: NDArray[np.intp], statistics: Statistics, recipe: Recipe
) -> SignalExamples:
    assert statistics.power is not None
    assert features.points is not None  # the recipe was told to keep them
    assert features.first_point is not None
    scaler = SignalScaler(recipe, statistics.power)
    blocks = np.array_split(np.arange(len(features)), len(features) // _BLOCK + 1)
    scales = [scaler.scales(features.signal_windows(w), features.bad[w]) for w in blocks]
    return SignalExamples.of(
        features.points,
        features.first_point[windows],
        np.concatenate(scales)[windows],
        window_points(recipe),
    )


def _covariances(
    features: Features, windows: NDArray[np.intp], statistics: Statistics, recipe: Recipe
) -> NDArray[np.float64]:
    """Look at the chosen windows; at all up to the last one, where the view follows the wearer."""
    assert features.covariances is not None  # the recipe was told to compute them
    view = CovarianceView(recipe, statistics.reference)
    if not view.follows:
        return view.apply(features.part(windows))
    seen = np.empty((len(windows), *features.covariances.shape[1:]))
    for start in range(0, len(features), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(features)))
        wanted = np.isin(windows, rows)
        seen[wanted] = view.apply(features.part(rows))[windows[wanted] - start]
    return seen


def inputs_at(
    chosen: WindowsOf,
    features: Sequence[Features],
    measures: Measures,
    recipe: Recipe,
    needs: Needs,
) -> Inputs:
    """Return the same of several recordings' windows, one recording after the other.

    Parameters
    ----------
    chosen : mapping of int to array of int
        Windows by the recording's index.
    features : sequence of Features
        Of all recordings.
    measures : Measures
        What each recording's inputs are measured by.
    recipe, needs
        As for :func:`inputs_of`.
    """
    parts = (inputs_of(features[r], w, measures.of(r), recipe, needs) for r, w in chosen.items())
    if needs == "segments":
        return Inputs(segments=MapExamples.joined([p.segments for p in parts if p.segments]))
    if needs == "signal":
        return Inputs(signal=SignalExamples.joined([p.signal for p in parts if p.signal]))
    # Into one array at once, so that nothing large is ever held twice.
    total, filled, result = sum(map(len, chosen.values())), 0, np.empty(0)
    for part in parts:
        found = getattr(part, needs)
        if not filled:
            result = np.empty((total, *found.shape[1:]))
        result[filled : filled + len(found)] = found
        filled += len(found)
    return Inputs(maps=result) if needs == "maps" else Inputs(covariances=result)


def stacked_at(
    chosen: WindowsOf, features: Sequence[Features], measures: Measures, recipe: Recipe
) -> NDArray[np.float32]:
    """Return all maps that a network sees of each window, as one map with so many more planes.

    Parameters
    ----------
    chosen, features, measures, recipe
        As for :func:`inputs_at`.

    Returns
    -------
    array, shape (windows, segments * planes, channels)
    """
    segments = inputs_at(chosen, features, measures, recipe, "segments").segments
    assert segments is not None
    return segments.stacked()


def labels_at(chosen: WindowsOf, features: Sequence[Features]) -> NDArray[np.int64]:
    """Return the classes of several recordings' windows, in the same order."""
    none = np.empty(0, np.int64)
    return np.concatenate([none, *(features[r].label[w] for r, w in chosen.items())])


def completed(recipe: Recipe, needs: Iterable[Needs]) -> Recipe:
    """Have the recipe compute all that recognisers look at."""
    wanted = set(needs)
    return recipe.model_copy(
        update={
            "covariance": recipe.covariance or "covariances" in wanted,
            "signal": recipe.signal or (RawSignal() if "signal" in wanted else None),
        }
    )
