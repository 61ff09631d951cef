r"""What a recogniser loses without an electrode or a band; any recogniser can be asked.

Nothing is fitted again: the recogniser meets a window in which an electrode or a band says nothing.

========== ============================================= ========================================
It sees    Without an electrode                          Without a band
========== ============================================= ========================================
maps       its values are 0, the mean of standardised    the same, in all planes of the band
           maps
signal     its samples are 0                             the window's discrete Fourier transform
                                                         is 0 at low <= f < high
covariance it is what the training part's mean expects   the matrix is the training part's mean,
           of it, given the other electrodes             where the tangent vector is 0
========== ============================================= ========================================

Of covariances, no row can be exchanged for another matrix's: the result need not be positive
definite. With :math:`M` the band's mean in the training part, electrode :math:`c` is
taken for :math:`b^\top x_r + e`: its regression on the other electrodes :math:`r`,
:math:`b = M_{rr}^{-1} M_{rc}`, and a residual of the variance :math:`M_{cc} - b^\top M_{rc}` that
has to do with no other. So

.. math::
    C'_{rr} = C_{rr}, \quad C'_{rc} = C_{rr} b, \quad
    C'_{cc} = b^\top C_{rr} b + M_{cc} - b^\top M_{rc}

which is positive definite where :math:`C` is, leaves :math:`M` as it is, and says of the electrode
what of all Gaussian distributions with these other electrodes is nearest to the mean's. Where
covariances are seen from a person's own reference, the channels are whitened ones, of which each is
the one most like its electrode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from offline.examples import SignalExamples
from offline.recognisers import FittedRecogniser, Inputs, log_probabilities
from offline.scores import Scores
from rtbci.recipe import Recipe

Number = TypeVar("Number", np.float32, np.float64)


@dataclass(frozen=True)
class Losses:
    """What a recogniser loses by each of several occlusions.

    Attributes
    ----------
    nats : array, shape (classes, occlusions)
        Log-probability of the true class: mean over the class's windows; NaN where there are none
        or the recogniser does not know the class.
    accuracy : array, shape (occlusions,)
        Balanced accuracy.
    """

    nats: NDArray[np.float64]
    accuracy: NDArray[np.float64]


@dataclass(frozen=True)
class Occluder:
    """Whom to ask, about which windows, and how something is taken from them.

    Attributes
    ----------
    asked : FittedRecogniser
        The recogniser.
    whole : Inputs
        What it sees of the windows.
    without_electrode, without_band : callable
        Number of the electrode or band to what it sees of the windows without that.
    """

    asked: FittedRecogniser
    whole: Inputs
    without_electrode: Callable[[int], Inputs]
    without_band: Callable[[int], Inputs]


def occluder_of(fitted: FittedRecogniser, inputs: Inputs, recipe: Recipe) -> Occluder:
    """Return what takes electrodes and bands from a recogniser's windows.

    Parameters
    ----------
    fitted : FittedRecogniser
        Any.
    inputs : Inputs
        What it looks at, of the windows in question.
    recipe : Recipe
        Bands, and the rate of the signal.
    """
    if fitted.needs == "maps":
        return _of_maps(fitted, inputs, recipe)
    if fitted.needs == "segments":
        return _of_segments(fitted, inputs, recipe)
    if fitted.needs == "signal":
        return _of_signal(fitted, inputs, recipe)
    return _of_covariances(fitted, inputs)


def losses(
    occluder: Occluder, labels: NDArray[np.integer], recipe: Recipe
) -> tuple[Losses, Losses]:
    """Return what a recogniser loses without each electrode, and without each band.

    Parameters
    ----------
    occluder : Occluder
        Windows, and whom to ask.
    labels : array of int, shape (windows,)
        True classes.
    recipe : Recipe
        Classes, channels and bands.
    """
    classes = recipe.classes
    known = set(occluder.asked.estimator.classes_.tolist())

    def ask(inputs: Inputs) -> tuple[NDArray[np.float64], float]:
        said = log_probabilities(occluder.asked, inputs, len(classes))
        scores = Scores.of(labels.astype(np.int64), said.argmax(axis=1), classes)
        return said[np.arange(len(labels)), labels], scores.balanced_accuracy

    def by_class(lost: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = [labels == k for k in range(len(classes))]
        return np.array(
            [lost[r].mean() if k in known and r.any() else np.nan for k, r in enumerate(rows)]
        )

    whole, score = ask(occluder.whole)

    def lost(without: Callable[[int], Inputs], count: int) -> Losses:
        nats, accuracy = np.empty((len(classes), count)), np.empty(count)
        for k in range(count):
            left, score_left = ask(without(k))
            nats[:, k], accuracy[k] = by_class(whole - left), score - score_left
        return Losses(nats, accuracy)

    return (
        lost(occluder.without_electrode, len(recipe.channels)),
        lost(occluder.without_band, len(recipe.bands)),
    )


def _of_maps(fitted: FittedRecogniser, inputs: Inputs, recipe: Recipe) -> Occluder:
    assert inputs.maps is not None  # what it needs was computed
    maps = inputs.maps
    return Occluder(
        fitted,
        inputs,
        lambda electrode: Inputs(maps=_zeroed(maps, (..., electrode))),
        lambda band: Inputs(maps=_zeroed(maps, _planes(band, recipe))),
    )


def _of_segments(fitted: FittedRecogniser, inputs: Inputs, recipe: Recipe) -> Occluder:
    assert inputs.segments is not None
    segments = inputs.segments

    def zeroed(where: tuple[Any, ...]) -> Inputs:
        return Inputs(segments=replace(segments, maps=_zeroed(segments.maps, where)))

    return Occluder(
        fitted,
        inputs,
        lambda electrode: zeroed((..., electrode)),
        lambda band: zeroed(_planes(band, recipe)),
    )


def _of_signal(fitted: FittedRecogniser, inputs: Inputs, recipe: Recipe) -> Occluder:
    assert inputs.signal is not None
    assert recipe.signal is not None
    sfreq = recipe.signal.sfreq
    windows = inputs.signal.batch(np.arange(len(inputs.signal)))

    def without_band(band: int) -> Inputs:
        low, high = recipe.bands[band].low, recipe.bands[band].high
        return _windows_alone(band_stopped(windows, sfreq, low, high))

    return Occluder(
        fitted,
        _windows_alone(windows),
        lambda electrode: _windows_alone(_zeroed(windows, (slice(None), electrode))),
        without_band,
    )


def _windows_alone(windows: NDArray[np.float32]) -> Inputs:
    """Return scaled windows (windows, channels, points) that share no points."""
    n, channels, length = windows.shape
    points = windows.transpose(0, 2, 1).reshape(-1, channels)
    scale = np.ones((n, channels), np.float32)
    return Inputs(signal=SignalExamples(points, length * np.arange(n), scale, length))


def _of_covariances(fitted: FittedRecogniser, inputs: Inputs) -> Occluder:
    assert inputs.covariances is not None
    covariances = inputs.covariances
    means = np.stack([space.reference_ for space in fitted.estimator[0][0].spaces_])

    def without_band(band: int) -> Inputs:
        left = covariances.copy()
        left[:, band] = means[band]
        return Inputs(covariances=left)

    return Occluder(
        fitted,
        inputs,
        lambda electrode: Inputs(covariances=as_expected(covariances, means, electrode)),
        without_band,
    )


def band_stopped(
    windows: NDArray[np.float32], sfreq: float, low: float, high: float
) -> NDArray[np.float32]:
    """Take a band out of windows.

    The bins of the window's discrete Fourier transform from ``low`` to below ``high`` are set to
    zero, so that neighbouring bands share none. Bins are the inverse of the window's length apart;
    what lies between two leaks into others, as it does in any spectrum of so short a window.

    Parameters
    ----------
    windows : array, shape (..., points)
        Each is filtered by itself.
    sfreq : float
        Points a second.
    low, high : float
        Hertz.
    """
    spectra = np.fft.rfft(windows, axis=-1)
    frequencies = np.fft.rfftfreq(windows.shape[-1], 1 / sfreq)
    spectra[..., (frequencies >= low) & (frequencies < high)] = 0
    return np.fft.irfft(spectra, windows.shape[-1], axis=-1).astype(np.float32)


def as_expected(
    covariances: NDArray[np.float64], references: NDArray[np.float64], electrode: int
) -> NDArray[np.float64]:
    """Have an electrode be what a reference expects of it, given the others.

    Parameters
    ----------
    covariances : array, shape (windows, bands, channels, channels)
        Positive definite.
    references : array, shape (bands, channels, channels)
        Positive definite.
    electrode : int
        Which.

    Returns
    -------
    array, shape (windows, bands, channels, channels)
        See the module's equation.
    """
    others = np.delete(np.arange(references.shape[-1]), electrode)
    coupled = references[:, others, electrode, None]
    weights = np.linalg.solve(references[:, others[:, None], others], coupled)
    residual = references[:, electrode, electrode] - (weights * coupled).sum(axis=(1, 2))
    projection = np.tile(np.eye(references.shape[-1]), (len(references), 1, 1))
    projection[:, electrode, electrode] = 0
    projection[:, electrode, others] = weights[..., 0]
    expected: NDArray[np.float64] = projection @ covariances @ projection.transpose(0, 2, 1)
    expected[..., electrode, electrode] += residual
    return expected


def _planes(band: int, recipe: Recipe) -> tuple[Any, ...]:
    """Return where a band's planes are: one for each feature."""
    return (..., slice(band, None, len(recipe.bands)), slice(None))


def _zeroed(values: NDArray[Number], where: tuple[Any, ...]) -> NDArray[Number]:
    left = values.copy()
    left[where] = 0
    return left
