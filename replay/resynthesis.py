"""A signal made to measure otherwise: time-varying gains on its bands, its phase and noise kept."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from replay.bands import BandSplit
from replay.gains import REACH, Sight, Splines
from rtbci.errors import ReplayError
from rtbci.montage.names import match_channels
from rtbci.recipe import Recipe
from rtbci.signal.kernels import LIMIT_UV
from rtbci.signal.path import SignalPath

LIMIT = 1.6
"""Greatest logarithmic gain, nats: a band becomes five times as large, or a fifth, and no more."""

_ROUNDS = 12  # how often gains are corrected by what the signal path measures
_STEP = 1.5  # of a correction; below 2, as linear iterations demand
_WORST = 1.0  # nats; a window that cannot be had must not drag its neighbours along
_BLOCK_S = 8.0  # how much is made at a time

Samples = NDArray[np.float32]


class Wanted(Protocol):
    """Says what is to be measured where the reference measures something."""

    def __call__(
        self, maps: NDArray[np.float64], last: NDArray[np.int64], /
    ) -> NDArray[np.floating[Any]]:
        """Return what is wanted of consecutive windows.

        Parameters
        ----------
        maps : array, shape (hops, planes, channels)
            What the signal path measures of the reference.
        last : array of int, shape (hops,)
            Index of each window's last sample.

        Returns
        -------
        array, shape (hops, bands, channels)
            DE in nats.
        """
        ...


def resynthesised(
    samples: NDArray[np.floating[Any]],
    sfreq: float,
    channels: Sequence[str],
    wanted: Wanted | NDArray[np.floating[Any]],
    recipe: Recipe,
) -> Samples:
    """Make a recording measure what is wanted; see :func:`resynthesis`.

    Parameters
    ----------
    samples : array, shape (channels, samples)
        The reference, microvolts.
    sfreq : float
        Hertz.
    channels : sequence of str
        Their names.
    wanted : callable or array, shape (hops, bands, channels of the recipe)
        DE in nats, of each window that the signal path has of these samples.
    recipe : Recipe
        How it is measured.

    Returns
    -------
    array, shape (channels, samples)
        Microvolts.

    Raises
    ------
    ReplayError
        If there are not as many wanted maps as windows, or they are of another shape.
    RtbciError
        As of :func:`resynthesis`.
    """
    whole = np.ascontiguousarray(samples.T, np.float32)
    asked = wanted if callable(wanted) else _all_of(wanted)
    made = list(resynthesis([whole], sfreq, channels, asked, recipe))
    return np.concatenate(made).T if made else whole.T


def resynthesis(
    chunks: Iterable[Samples],
    sfreq: float,
    channels: Sequence[str],
    wanted: Wanted,
    recipe: Recipe,
) -> Iterator[Samples]:
    r"""Make a signal measure what is wanted, block after block, however long it is.

    The signal of each channel is taken apart into the recipe's bands (:class:`BandSplit`), and gets

    .. math:: y(t) = x(t) + \sum_b (e^{g_b(t)} - 1) x_b(t)

    with gains that are smooth in time (:class:`Splines`). They are found by looking: what the
    signal path itself measures of y is held against what is wanted, the gains are corrected, and so
    on. Where nothing else is wanted than is measured, the signal is returned as it is. Channels
    that the recipe does not use are left alone, and so is what is no number.

    What no gains of at most :data:`LIMIT` can give is approached: the signal path's bands overlap,
    so a weak band between two strong ones cannot be made much weaker; and windows overlap, so what
    is wanted of one cannot be far from what is wanted of the next.

    With an average reference the gains act on the signal so referenced. Channels that the signal
    path interpolates follow from their neighbours, whatever is wanted of them.

    Parameters
    ----------
    chunks : iterable of array, shape (samples, channels)
        The reference, microvolts, in pieces of any size.
    sfreq : float
        Hertz.
    channels : sequence of str
        Their names.
    wanted : callable
        What is to be measured; is asked for each window once, in order of time.
    recipe : Recipe
        How it is measured.

    Yields
    ------
    array, shape (samples, channels)
        Microvolts; together as many samples as there are in the reference. About twelve seconds of
        it are held at a time.

    Raises
    ------
    ReplayError
        If the recipe does not measure DE, or what is wanted is of another shape.
    RtbciError
        If channels or rate do not fit the recipe.
    """
    made = _Resynthesis(recipe, sfreq, tuple(channels))
    lookout = _Lookout(chunks, made, wanted)
    fixed = 0
    coefficients = made.no_gains
    while length := lookout.look():
        coefficients = made.splines.stretched(coefficients, length)
        samples, coefficients = made.fitted(lookout, length, coefficients, fixed)
        done = samples[: made.block]
        yield done
        made.path.push(done)
        lookout.forget(len(done))
        coefficients = coefficients[..., len(done) // made.splines.spacing :]
        fixed = REACH


def de_planes(recipe: Recipe) -> slice:
    """Return which planes of a map are DE.

    Raises
    ------
    ReplayError
        If none are.
    """
    if "de" not in recipe.features:
        raise ReplayError(
            "the recipe's maps hold no differential entropy, which alone a signal can be edited by"
        )
    bands = len(recipe.bands)
    first = recipe.features.index("de") * bands
    return slice(first, first + bands)


class _Resynthesis:
    """What finds the gains of one block; its only state is the signal path after the last."""

    def __init__(self, recipe: Recipe, sfreq: float, channels: tuple[str, ...]) -> None:
        de_planes(recipe)
        self._average = recipe.reference == "average"
        bare = recipe.model_copy(update={"covariance": False, "signal": None})
        self.reference = SignalPath(bare, sfreq, channels)
        # Of the signal that is made, nothing but DE is looked at.
        self.path = SignalPath(bare.model_copy(update={"features": ("de",)}), sfreq, channels)
        self.split = BandSplit.of(recipe, sfreq)
        self._sight = Sight.of(self.path)
        found = match_channels(recipe.channels, channels, ())
        self._sources = [source for source in found if source is not None]
        self._present = [k for k, source in enumerate(found) if source is not None]
        spacing = self.splines.spacing
        self.block = max(round(_BLOCK_S * sfreq / spacing), 1) * spacing
        self.ahead = self._sight.memory + self.path.hop

    @property
    def splines(self) -> Splines:
        return self._sight.splines

    @property
    def no_gains(self) -> Samples:
        bands = len(self.path.recipe.bands)
        return np.zeros((bands, len(self._sources), 0), np.float32)

    def fitted(
        self, lookout: _Lookout, length: int, coefficients: Samples, fixed: int
    ) -> tuple[Samples, Samples]:
        """Return the signal that comes nearest to what is wanted, and its gains' coefficients."""
        half = self.split.half
        around = lookout.samples[: length + 2 * half]
        original = around[half : half + length]
        bands = self.split.split(self._referenced(around))
        last, aim, trusted = lookout.windows(length)
        aim, trusted = aim[:, :, self._present], trusted[:, None, self._present]
        correction = self._sight.correction(last, length, fixed)
        samples = self._with_gains(original, bands, coefficients)
        for _ in range(_ROUNDS if len(last) else 0):
            measured = copy.deepcopy(self.path).push(samples).values[:, :, self._present]
            error = np.where(trusted, np.clip(aim - measured, -_WORST, _WORST), 0)
            change = np.einsum("bkh,hbc->bck", correction, error.astype(np.float32))
            coefficients = np.clip(coefficients + _STEP * change, -LIMIT, LIMIT)
            samples = self._with_gains(original, bands, coefficients)
        return samples, coefficients

    def _referenced(self, samples: Samples) -> Samples:
        signal = _held(samples[:, self._sources].T)
        return signal - signal.mean(axis=0) if self._average else signal

    def _with_gains(self, original: Samples, bands: Samples, coefficients: Samples) -> Samples:
        gains = np.expm1(self.splines.curve(coefficients, len(original)))
        samples = original.copy()
        samples[:, self._sources] += np.einsum("bcs,bcs->sc", gains, bands)
        return samples


class _Lookout:
    """The reference from a little before the next block to a little after it, and its windows."""

    def __init__(self, chunks: Iterable[Samples], made: _Resynthesis, wanted: Wanted) -> None:
        self._chunks, self._made, self._wanted = iter(chunks), made, wanted
        recipe, n_channels = made.path.recipe, len(made.path.channel_names)
        self._margin = made.split.half
        self._start, self._ended = 0, False
        self.samples = np.empty((0, n_channels), np.float32)
        self._last = np.empty(0, np.int64)
        self._aim = np.empty((0, len(recipe.bands), len(recipe.channels)))
        self._bad = np.empty((0, len(recipe.channels)), np.bool_)

    def look(self) -> int:
        """Read as far as the next block needs; return how many samples from its start there are."""
        made = self._made
        needed = made.block + made.ahead + 2 * self._margin
        while not self._ended and len(self.samples) < needed:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
                after = np.repeat(self.samples[-1:], self._margin, axis=0)
                self.samples = np.concatenate([self.samples, after])
            else:
                self._take(chunk)
        return min(max(len(self.samples) - 2 * self._margin, 0), made.block + made.ahead)

    def windows(
        self, length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return the windows that end in so many samples: where, what is wanted, what is good."""
        n = int(np.searchsorted(self._last, self._start + length))
        return self._last[:n] - self._start, self._aim[:n], ~self._bad[:n]

    def forget(self, n_samples: int) -> None:
        """Go on by so many samples."""
        self._start += n_samples
        self.samples = self.samples[n_samples:]
        gone = int(np.searchsorted(self._last, self._start))
        self._last, self._aim = self._last[gone:], self._aim[gone:]
        self._bad = self._bad[gone:]

    def _take(self, chunk: Samples) -> None:
        if not len(self.samples) and len(chunk):
            self.samples = np.repeat(chunk[:1], self._margin, axis=0)
        maps = self._made.reference.push(chunk)
        self.samples = np.concatenate([self.samples, chunk])
        if not len(maps):
            return
        aim = np.asarray(self._wanted(maps.values, maps.last), np.float64)
        shape = (len(maps), *self._aim.shape[1:])
        if aim.shape != shape:
            said = " x ".join(map(str, aim.shape))
            expected = " x ".join(map(str, shape))
            raise ReplayError(f"wanted maps of {said} do not fit the reference's, {expected}")
        self._last = np.concatenate([self._last, maps.last])
        self._aim = np.concatenate([self._aim, aim])
        self._bad = np.concatenate([self._bad, maps.bad])


def _all_of(wanted: NDArray[np.floating[Any]]) -> Wanted:
    """Return what hands out the maps of a whole recording, which it is asked for all at once."""

    def handed(
        _maps: NDArray[np.float64], _last: NDArray[np.int64], /
    ) -> NDArray[np.floating[Any]]:
        return wanted

    return handed


def _held(signal: Samples) -> Samples:
    """Return a signal (channels, samples) with the sample before in the place of a bad one."""
    good = np.abs(signal) <= LIMIT_UV  # false for NaN
    if good.all():
        return signal
    index = np.maximum.accumulate(np.where(good, np.arange(signal.shape[1]), -1), axis=1)
    held = np.take_along_axis(signal, np.maximum(index, 0), axis=1)
    return np.where(index < 0, np.float32(0), held)
