"""The signal itself, at the rate that a network on raw windows sees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecipeError
from rtbci.recipe import Recipe
from rtbci.signal.compiled import compiled
from rtbci.signal.design import design_signal
from rtbci.signal.kernels import filter_sections

_BEFORE, _AFTER = 2, 3
"""Samples that a point is interpolated from, beside the one at or before it."""

_HELD = _BEFORE + _AFTER


class SignalPoints:
    """The band-limited signal as points at the network's own rate.

    Point j is the signal at j / ``recipe.signal.sfreq`` seconds after the stream's first sample.
    Samples pass a causal Butterworth high-pass of order 4 at ``low`` and a low-pass of order 8 at
    ``high``. A point between samples is interpolated from the six around it by Lagrange's
    polynomial (Laakso et al. 1996, doi 10.1109/79.482137); where the stream's rate is a
    whole multiple of the network's, each is a sample.

    With the usual 1-45 Hz at 128 Hz:

    - What folds into the band lies at 83 Hz and above. Of that the low-pass leaves less than 0.8 %
      at whatever rate (-42.6 dB; -47 dB from 500 Hz, -69 dB from 250 Hz, and a stream of 160 Hz has
      none), and 0.05 % of what folds onto 10 Hz and below.
    - From 500 Hz on the group delay is 35 ms at 5 Hz, 20 to 23 ms from 10 to 30 Hz and 34 ms at
      45 Hz; at 200 Hz it is 32, 19 to 23 and 47 ms, at 128 Hz 27, 14 to 21 and 89 ms. Where points
      lie between samples, the newest is older than the newest sample by up to three samples and a
      point.
    - From 500 Hz on, interpolation errs by 0.02 % of the amplitude at most. From 250 Hz that is
      0.1 % at 30 Hz and 0.9 % at 45 Hz, from 200 Hz 0.4 % and 3 %, from 160 Hz 1.2 % and 10 %, and
      yet more below, except at 128 Hz.

    Parameters
    ----------
    recipe : Recipe
        One with a ``signal``: its band, rate and window.
    sfreq : float
        The stream's sampling rate, hertz.
    most : int
        As many samples as one call of :meth:`take` may be given.

    Attributes
    ----------
    window : int
        Points in a window.
    settling : int
        Samples after the start from which a window may begin whose points the filter's start no
        longer touches.

    Raises
    ------
    RecipeError
        If the stream is slower than the network's rate, or a window has less than two points.
    """

    def __init__(self, recipe: Recipe, sfreq: float, most: int) -> None:
        assert recipe.signal is not None  # who asks for no points makes none
        design = design_signal(recipe.signal, sfreq)
        self.window = window_points(recipe)
        self._ratio = sfreq / recipe.signal.sfreq
        self._ahead = 0 if self._ratio.is_integer() else _AFTER
        # A window of points begins a little before the window of samples that it belongs to.
        excess = max(self.window * self._ratio - round(recipe.window_s * sfreq), 0)
        self.settling = design.settling + math.ceil(excess) + _HELD
        channels = len(recipe.channels)
        self._sections = design.sections
        self._state = np.zeros((len(design.sections), 2, channels))
        self._filtered = np.zeros((_HELD + most, channels))
        self._weights = np.zeros(_HELD + 1)
        self._count = 0

    def until(self, samples: int) -> int:
        """Return how many points the stream's first ``samples`` samples complete."""
        # The least j whose point has all that it needs: j * ratio >= reached, as `_interpolate`
        # reckons it; the quotient may round to one beside it.
        reached = max(samples - self._ahead, 0)
        count = math.ceil(reached / self._ratio)
        if count * self._ratio < reached:
            return count + 1
        return count - 1 if count and (count - 1) * self._ratio >= reached else count

    def take(self, samples: NDArray[np.float64], out: NDArray[np.float32]) -> None:
        """Take the next samples and write the points that they complete.

        Parameters
        ----------
        samples : array, shape (samples, channels)
            Microvolts, before the filter bank; what it holds afterwards is of no use.
        out : array, shape (points, channels)
            Takes the points, microvolts.
        """
        n = len(samples)
        filter_sections(samples, self._sections, self._state, self._count)
        filtered = self._filtered[: _HELD + n]
        filtered[_HELD:] = samples
        first = self.until(self._count)
        _interpolate(filtered, self._count, first, self._ratio, self._ahead, self._weights, out)
        self._filtered[:_HELD] = filtered[n:]
        self._count += n


class PointWindows:
    """Windows of points as they come, hop by hop.

    Parameters
    ----------
    length : int
        Points in a window.
    channels : int
        Number of the recipe's channels.
    """

    def __init__(self, length: int, channels: int) -> None:
        self._length = length
        self._buffer = np.zeros((4 * length, channels), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget all points: the next one is the first."""
        self._buffer[: self._length] = 0.0
        self._stop = self._length  # where in the buffer the next point goes
        self._points = 0

    def push(
        self, points: NDArray[np.float32], first_point: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Take what a chunk completed and return its windows.

        Parameters
        ----------
        points, first_point : arrays
            Those of the chunk's :class:`~rtbci.signal.path.Maps`, of every chunk in its turn, also
            of those that complete no window.

        Returns
        -------
        array, shape (hops, channels, length)
            Microvolts; zeros where there were no points yet.
        """
        if self._stop + len(points) > len(self._buffer):
            self._make_room(len(points))
        self._buffer[self._stop : self._stop + len(points)] = points
        before = self._stop - self._points  # where in the buffer point 0 would lie
        windows = cut_windows(self._buffer, first_point + before, self._length)
        self._stop += len(points)
        self._points += len(points)
        return windows

    def _make_room(self, n_points: int) -> None:
        kept = self._buffer[self._stop - self._length : self._stop]
        if self._length + n_points > len(self._buffer):
            self._buffer = np.zeros((4 * self._length + n_points, kept.shape[1]), np.float32)
        self._buffer[: self._length] = kept
        self._stop = self._length


def window_points(recipe: Recipe) -> int:
    """Return how many points a window has; none where the recipe does not ask for the signal.

    Raises
    ------
    RecipeError
        If they are less than two.
    """
    if recipe.signal is None:
        return 0
    points = round(recipe.window_s * recipe.signal.sfreq)
    if points < 2:
        raise RecipeError(
            f"a window of {recipe.window_s:g} s is too short for a network on the signal at "
            f"{recipe.signal.sfreq:g} Hz: it has {points} point{'s' * (points != 1)}"
        )
    return points


def cut_windows(
    points: NDArray[np.float32], first: NDArray[np.int64], length: int
) -> NDArray[np.float32]:
    """Cut windows out of points.

    Parameters
    ----------
    points : array, shape (points, channels)
        All since the start.
    first : array of int, shape (windows,)
        Index of each window's first point; points before the start are zeros.
    length : int
        Points in a window.

    Returns
    -------
    array, shape (windows, channels, length)
    """
    windows = np.zeros((len(first), points.shape[1], length), np.float32)
    for window, start in zip(windows, first.tolist(), strict=True):
        absent = max(-start, 0)
        window[:, absent:] = points[start + absent : start + length].T
    return windows


@compiled
def _weigh(fraction: float, weights: NDArray[np.float64]) -> None:
    """Write Lagrange's weights of the samples around a point."""
    for k in range(weights.shape[0]):
        weight = 1.0
        for m in range(weights.shape[0]):
            if m != k:
                weight *= (fraction + _BEFORE - m) / (k - m)
        weights[k] = weight


@compiled
def _interpolate(
    filtered: NDArray[np.float64],
    count: int,
    first: int,
    ratio: float,
    ahead: int,
    weights: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Write the points from ``first`` on; sample ``count`` is the filtered row ``_HELD``."""
    for i in range(out.shape[0]):
        position = (first + i) * ratio
        sample = math.floor(position)
        row = sample - count + _HELD
        if ahead == 0:
            for c in range(out.shape[1]):
                out[i, c] = filtered[row, c]
            continue
        _weigh(position - sample, weights)
        x = filtered[row - _BEFORE : row + _AFTER + 1]
        w0, w1, w2 = weights[0], weights[1], weights[2]
        w3, w4, w5 = weights[3], weights[4], weights[5]
        for c in range(out.shape[1]):
            early = w0 * x[0, c] + w1 * x[1, c] + w2 * x[2, c]
            out[i, c] = early + w3 * x[3, c] + w4 * x[4, c] + w5 * x[5, c]
