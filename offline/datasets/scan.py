"""One pass over a recording's samples: what can be told of each channel without keeping them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording
from offline.features.extract import chunks_of
from rtbci.errors import RecordingError

FLAT_S = 5.0
"""An amplifier's noise changes its last bit within milliseconds; this long only a dead one holds.

It is longer than the chunks that are looked at: a flat stretch then reaches over a chunk's edge.
"""

CLIPPED_SAMPLES = 20
"""Noise reaches its extreme once or a few times, however long it is; a clipped channel stays."""

MAINS_HZ = (50.0, 60.0)

_BLOCK_S = 0.2
_SILENT = 0.1
"""A fifth of a second below a tenth of the usual amplitude is no EEG; padding has some ripples."""
_RIPPLES = 0.25

_SPECTRA = 64  # the line is there all the time: this many chunks tell


@dataclass(frozen=True)
class Scan:
    """What one pass over a recording's samples found, for each channel that is worked with.

    Attributes
    ----------
    channels : tuple of str
        The channels' names as the file has them.
    digests : tuple of str
        SHA-256 of each channel's samples: equal ones hold the same signal.
    non_finite : array of int, shape (channels,)
        Samples that are NaN or infinite.
    flat_s : array, shape (channels,)
        The longest stretch in which all samples are equal, seconds.
    constant : array of bool, shape (channels,)
        Whether all samples are equal.
    clipped : array, shape (channels,)
        Share of the samples that are at the channel's greatest or least value, whichever is more.
    amplitude : array, shape (channels,)
        Median over chunks of a few seconds of the standard deviation within each, microvolts; the
        chunk's mean counts as offset. NaN where that is not known.
    mains : dict of float to array, shape (channels,)
        For each mains frequency (hertz) below Nyquist, the line's power over its neighbourhood's.
    silent_s : tuple of float
        How long the recording is all but silent at its beginning and at its end, seconds.
    """

    channels: tuple[str, ...]
    digests: tuple[str, ...]
    non_finite: NDArray[np.int64]
    flat_s: NDArray[np.float64]
    constant: NDArray[np.bool_]
    clipped: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    mains: dict[float, NDArray[np.float64]]
    silent_s: tuple[float, float]


def scan(
    recording: Recording, chosen: Sequence[int], advance: Callable[[float], object] = lambda _: None
) -> Scan:
    """Read a recording once, a few seconds at a time.

    Parameters
    ----------
    recording : Recording
        What to read.
    chosen : sequence of int
        Indices of the channels to look at.
    advance : callable
        Told how many samples were read since the last time.

    Raises
    ------
    RecordingError
        If the file cannot be read, is cut off, or holds no samples.
    """
    if recording.shipped is not None:
        return _scan_shipped(recording, chosen)
    passing = _Pass(len(chosen), recording.sfreq, recording.n_samples)
    for chunk in chunks_of(recording):
        passing.push(np.ascontiguousarray(chunk.T[list(chosen)]))
        advance(len(chunk))
    return passing.result(tuple(recording.channels[index] for index in chosen))


def _scan_shipped(recording: Recording, chosen: Sequence[int]) -> Scan:
    """Look at features that came with the data set; they have no unit and no spectrum."""
    assert recording.shipped is not None
    maps = recording.shipped()
    if len(maps) != recording.n_samples:
        raise RecordingError(
            f"{recording.name}: cut off, it holds {len(maps)} of {recording.n_samples} windows"
        )
    by_channel = [np.ascontiguousarray(maps[:, :, index]) for index in chosen]
    unknown = np.full(len(chosen), np.nan)
    return Scan(
        channels=tuple(recording.channels[index] for index in chosen),
        digests=tuple(hashlib.sha256(each.data).hexdigest() for each in by_channel),
        non_finite=np.array([np.count_nonzero(~np.isfinite(each)) for each in by_channel]),
        flat_s=unknown,
        constant=np.array([bool((each == each[:1]).all()) for each in by_channel]),
        clipped=unknown,
        amplitude=unknown,
        mains={},
        silent_s=(0.0, 0.0),
    )


class _Pass:
    """What is carried from chunk to chunk."""

    def __init__(self, channels: int, sfreq: float, n_samples: int) -> None:
        self.sfreq = sfreq
        self.n_samples = n_samples
        self.hashes = [hashlib.sha256() for _ in range(channels)]
        self.non_finite = np.zeros(channels, np.int64)
        self.last = np.full((channels, 1), np.nan, np.float32)
        self.run = np.zeros(channels, np.int64)  # samples equal to the last one, without it
        self.longest = np.zeros(channels, np.int64)
        # Greatest value and how often it came; the same of the signal upside down.
        self.extreme = np.full((2, channels), -np.inf, np.float32)
        self.times = np.zeros((2, channels), np.int64)
        self.deviations: list[NDArray[np.float32]] = []
        self.spectra: list[NDArray[np.float32]] = []
        self.block = max(round(_BLOCK_S * sfreq), 2)
        self.loudness: list[NDArray[np.float32]] = []
        self.length = 0
        self.chunks = 0

    def push(self, x: NDArray[np.float32]) -> None:
        for each, row in zip(self.hashes, x, strict=True):
            each.update(row)
        self.non_finite += np.count_nonzero(~np.isfinite(x), axis=1)
        self._flatness(x)
        self._extremes(0, x)
        self._extremes(1, -x)
        self.length = max(self.length, x.shape[1])
        with np.errstate(invalid="ignore", over="ignore"):
            self._loudness(x)
            if x.shape[1] >= self.sfreq or not self.deviations:
                self.deviations.append(x.std(axis=1))
            every = max(self.n_samples // (_SPECTRA * self.length), 1)
            if x.shape[1] == self.length and self.chunks % every == 0:
                self.spectra.append(_power(x))
        self.chunks += 1

    def _flatness(self, x: NDArray[np.float32]) -> None:
        """Count equal samples at the chunk's edges: one within it is too short to matter."""
        same = np.empty(x.shape, np.bool_)
        same[:, :1] = x[:, :1] == self.last
        np.equal(x[:, 1:], x[:, :-1], out=same[:, 1:])
        throughout = same.all(axis=1)
        begins = np.where(throughout, x.shape[1], same.argmin(axis=1))
        self.longest = np.maximum(self.longest, self.run + begins)
        ends = same[:, ::-1].argmin(axis=1)
        self.run = np.where(throughout, self.run + x.shape[1], ends)
        self.last = x[:, -1:]

    def _loudness(self, x: NDArray[np.float32]) -> None:
        """Note how much the median channel moves in each short block, from the chunk's end back."""
        blocks = x[:, x.shape[1] % self.block :].reshape(len(x), -1, self.block)
        self.loudness.append(np.median(blocks.std(axis=2), axis=0))

    def _extremes(self, side: int, x: NDArray[np.float32]) -> None:
        greatest = np.fmax.reduce(x, axis=1)
        times = np.count_nonzero(x == greatest[:, np.newaxis], axis=1)
        before = self.extreme[side]
        self.times[side] = np.where(
            greatest > before, times, self.times[side] + np.where(greatest == before, times, 0)
        )
        self.extreme[side] = np.fmax(before, greatest)

    def result(self, channels: tuple[str, ...]) -> Scan:
        lowest = -self.extreme[1]
        share = self.times.max(axis=0) / self.n_samples
        share[self.times.max(axis=0) < CLIPPED_SAMPLES] = 0
        return Scan(
            channels=channels,
            digests=tuple(each.hexdigest() for each in self.hashes),
            non_finite=self.non_finite,
            flat_s=(self.longest + 1) / self.sfreq,
            constant=self.extreme[0] == lowest,
            clipped=share,
            amplitude=_median(np.stack(self.deviations)),
            mains=self._mains(),
            silent_s=self._silent(),
        )

    def _mains(self) -> dict[float, NDArray[np.float64]]:
        spectra = [each for each in self.spectra if each.shape[1] == self.length // 2 + 1]
        if not spectra or self.length < self.sfreq:  # less than 1 Hz fine: nothing to tell apart
            return {}
        power = _median(np.stack(spectra))
        distance = np.arange(power.shape[1]) * self.sfreq / self.length
        ratios = {}
        for line in (line for line in MAINS_HZ if line + 3 < self.sfreq / 2):
            off = np.abs(distance - line)
            around = np.median(power[:, (off > 1) & (off <= 3)], axis=1)
            ratios[line] = power[:, off <= 0.5].max(axis=1) / np.maximum(around, 1e-30)
        return ratios

    def _silent(self) -> tuple[float, float]:
        loudness = np.concatenate(self.loudness)
        usual = np.nanmedian(loudness) if np.isfinite(loudness).any() else 0.0
        silent = loudness < _SILENT * usual
        begins, ends = (self.block * _silence(each) / self.sfreq for each in (silent, silent[::-1]))
        return begins, ends


def _silence(silent: NDArray[np.bool_]) -> int:
    """Return how many blocks the silence at the beginning lasts, ripples in it included."""
    share = np.cumsum(silent) / np.arange(1, len(silent) + 1)
    lasting = np.flatnonzero(silent & (share >= 1 - _RIPPLES))
    return int(lasting[-1]) + 1 if len(lasting) else 0


def _power(x: NDArray[np.float32]) -> NDArray[np.float32]:
    import scipy.fft

    spectrum = scipy.fft.rfft(x * np.hanning(x.shape[1]).astype(np.float32), axis=1)
    power: NDArray[np.float32] = np.abs(spectrum) ** 2
    return power


def _median(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the median over the first axis of what is a number; NaN where nothing is."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(np.where(np.isfinite(values), values, np.nan), axis=0).astype(float)
