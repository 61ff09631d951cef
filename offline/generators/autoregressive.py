"""The floor for signals: each class as one multivariate autoregression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import scipy.signal
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from offline.generators.generator import Floats, Real, SignalGenerator
from rtbci.configuration import Settings
from rtbci.errors import GeneratorError
from rtbci.signal.compiled import compiled

FADE_S = 0.5
"""Seconds in which a stream passes from one class to the next."""

_BATCH = 64  # windows; keeps what lies between two steps small

_LEAST = 1e-9
"""Of a channel's variance, as white noise: keeps band-limited signals' equations solvable."""


class AutoregressiveSettings(Settings):
    """How much is learned of each class.

    Attributes
    ----------
    order : int
        Samples that the next one depends on. At 200 Hz, 10 smear theta and alpha into one slope;
        20 tell them apart.
    shrinkage : float
        Share by which channels are made independent of each other.
    """

    kind: Literal["autoregressive"] = "autoregressive"
    order: Annotated[int, Field(ge=1, le=100)] = 20
    shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.01


class Autoregressive(SignalGenerator[AutoregressiveSettings]):
    r"""A stationary Gaussian process for each class, of its spectra and cross-spectra alone.

    .. math:: x_t = \sum_{i=1}^{p} A_i x_{t-i} + \varepsilon_t, \qquad
        \varepsilon_t \sim N(0, \Sigma)

    With :math:`\Gamma_h = E[x_t x_{t-h}^T]` the Yule-Walker equations are

    .. math:: \Gamma_h = \sum_{i=1}^{p} A_i \Gamma_{h-i}, \quad h = 1, \dots, p, \qquad
        \Sigma = \Gamma_0 - \sum_{i=1}^{p} A_i \Gamma_i^T

    (Lütkepohl 2005, doi 10.1007/978-3-540-27752-1, sections 2.1.4 and 3.3.4). :math:`\Gamma_h` is
    the mean over the class's windows, each less its mean and tapered by a Hann window :math:`w`,

    .. math:: \hat\Gamma_h = \frac{\sum_t w_t w_{t-h} (x_t - \bar x)(x_{t-h} - \bar x)^T}
        {\sum_t w_t^2}.

    Without a taper the jumps at a window's ends pass for power where EEG has next to none (Dahlhaus
    1988, Annals of Statistics 16, 808-841). Then :math:`\Gamma_h` is drawn towards its diagonal at
    all lags alike, :math:`(1 - \lambda) \Gamma_h + \lambda\,\mathrm{diag}(\Gamma_h)`: every channel
    keeps its spectrum, and channels that are combinations of others still make a regular matrix.
    :math:`\Gamma_0` has the recipe's least variance added, and a billionth of each channel's own.
    All of these leave the sequence positive definite, and of such a one the equations' solution is
    stable (Whittle 1963, Biometrika 50, 129-134), however few the windows.

    A signal begins with :math:`p` samples drawn from the stationary distribution, whose covariance
    is made of the same :math:`\Gamma_h`, so that its first sample is as good as any other.

    What it lacks is all that is not Gaussian or does not last: bursts, blinks, and differences
    between people. Drifts slower than a window go with the window's mean, and so does a part of the
    slowest band: of windows of a second, 1-4 Hz is 0.15 nats too weak; of longer ones, less.
    """

    kind = "autoregressive"

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        order, length = self.settings.order, real.x.shape[2]
        if length <= order:
            raise GeneratorError(
                f"windows of {length} samples are too short for order {order}; take longer windows "
                "or a lower order"
            )
        lagged = [
            _autocovariance(real.x[real.labels == label], order, self.settings.shrinkage)
            for label in range(len(self.classes))
        ]
        self._take(np.stack(lagged), length)

    def _take(self, autocovariance: NDArray[np.float64], length: int) -> None:
        self._autocovariance, self._length = autocovariance, length
        floor = self.recipe.variance_floor
        self._processes = tuple(_process(each, floor) for each in autocovariance)

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        process, channels = self._processes[label], len(self.recipe.channels)
        made = np.empty((n, channels, self._length), np.float32)
        for window in made:
            window[:] = Voice(process, rng).next(self._length).T
        return made

    def stream(self, seed: int = 0) -> AutoregressiveStream:
        """Begin an endless signal; the same seed gives the same."""
        seeds = np.random.SeedSequence(seed).spawn(len(self.classes))
        return AutoregressiveStream(
            [
                Voice(process, np.random.default_rng(each))
                for process, each in zip(self._processes, seeds, strict=True)
            ],
            fade=max(round(FADE_S * self.sfreq), 1),
            refuse_unknown=self._refuse_unknown,
        )

    def state(self) -> dict[str, Tensor]:
        """Return each class's autocovariance, which all else follows from, and windows' length."""
        return {
            "autocovariance": torch.from_numpy(self._autocovariance),
            "length": torch.tensor(self._length),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to these."""
        self._take(state["autocovariance"].numpy(), int(state["length"]))


class AutoregressiveStream:
    """Endless signal that passes from class to class without a click.

    The same generator and seed give the same signal, bit for bit, however many samples are asked
    for at a time. Each class has a signal of its own, and these are mixed: for half a second after
    a change the old one fades while the new one rises, the squares of their gains 1 together, so
    that two of equal power make neither a dip nor a bump. Driving one signal by another class's
    coefficients instead would click: those of a smooth signal may make what is rough 70 times
    larger. A class that is not heard stands still.

    Parameters
    ----------
    voices : sequence of Voice
        Signal of each class.
    fade : int
        Samples that a change of class takes.
    refuse_unknown : callable
        Raises an error if there is no such class.
    """

    def __init__(
        self, voices: Sequence[Voice], fade: int, refuse_unknown: Callable[[int], None]
    ) -> None:
        self._voices, self._fade, self._refuse_unknown = voices, fade, refuse_unknown
        self._level: NDArray[np.int64] | None = None  # of each class, from 0 to ``fade``

    def next(self, n_samples: int, label: int) -> NDArray[np.float32]:
        """Return the next samples, shape (samples, channels), microvolts, of a class.

        Raises
        ------
        GeneratorError
            If there is no such class.
        """
        self._refuse_unknown(label)
        levels = self._levels(n_samples, label)
        rise = levels / self._fade
        gains = np.sin(np.pi / 2 * rise**2 * (3 - 2 * rise))
        gains /= np.sqrt(np.sum(gains**2, axis=0))  # of three classes the squares need not be 1
        mixed = self._voices[label].next(n_samples)
        mixed *= gains[label][:, None]
        for other, voice in enumerate(self._voices):
            if other != label:
                heard = int(np.count_nonzero(levels[other]))  # from the first, until it has faded
                mixed[:heard] += gains[other, :heard, None] * voice.next(heard)
        return mixed.astype(np.float32)

    def _levels(self, n_samples: int, label: int) -> NDArray[np.int64]:
        """Return how far each class has risen at each sample, shape (classes, samples)."""
        rising = np.arange(len(self._voices)) == label
        if self._level is None:
            self._level = np.where(rising, self._fade, 0)
        steps = np.where(rising, 1, -1)[:, None] * np.arange(1, n_samples + 1)
        levels: NDArray[np.int64] = np.clip(self._level[:, None] + steps, 0, self._fade)
        if n_samples:
            self._level = levels[:, -1]
        return levels


@dataclass(frozen=True)
class _Process:
    """A stationary autoregression.

    Attributes
    ----------
    past : array, shape (order * channels, channels)
        What the samples before add to the next one, the oldest first.
    noise : array, shape (channels, channels)
        What white noise adds to it.
    start : array, shape (order * channels, order * channels)
        Root of the covariance of as many samples, the oldest first.
    """

    past: NDArray[np.float64]
    noise: NDArray[np.float64]
    start: NDArray[np.float64]


class Voice:
    """Endless signal of one class.

    Parameters
    ----------
    process : _Process
        What it is drawn from.
    rng : Generator
        Random numbers.
    """

    def __init__(self, process: _Process, rng: np.random.Generator) -> None:
        self._process, self._rng = process, rng
        rows, channels = process.past.shape
        self._last = (process.start @ rng.standard_normal(rows)).reshape(-1, channels)

    def next(self, n_samples: int) -> NDArray[np.float64]:
        """Return the next samples, shape (samples, channels), microvolts."""
        order, channels = self._last.shape
        signal = np.zeros((order + n_samples, channels))
        signal[:order] = self._last
        white = self._rng.standard_normal((n_samples, channels))
        _go_on(self._process.past, self._process.noise, white, signal)
        self._last = signal[n_samples:].copy()
        return signal[order:]


def _autocovariance(x: Floats, order: int, shrinkage: float) -> NDArray[np.float64]:
    """Return a class's shrunk autocovariance, shape (order + 1, channels, channels)."""
    windows, channels, length = x.shape
    taper = scipy.signal.windows.hann(length + 2)[1:-1]  # its zeros would be two samples lost
    total = np.zeros((order + 1, channels, channels))
    for first in range(0, windows, _BATCH):
        part = x[first : first + _BATCH].astype(np.float64)
        part -= part.mean(axis=2, keepdims=True)
        # With as many zeros between them windows lie in a row and have nothing to do with another.
        tapered = np.pad(part * taper, ((0, 0), (0, 0), (0, order)))
        row = tapered.transpose(1, 0, 2).reshape(channels, -1)
        for lag in range(order + 1):
            total[lag] += row[:, lag:] @ row[:, : row.shape[1] - lag].T
    total /= windows * np.sum(taper**2)
    diagonal = total * np.eye(channels)
    return (1 - shrinkage) * total + shrinkage * diagonal


def _process(autocovariance: NDArray[np.float64], floor: float) -> _Process:
    """Solve the Yule-Walker equations; ``floor`` is the variance of the noise that is added."""
    lags = autocovariance.copy()
    lags[0] += np.diag(floor + _LEAST * np.diagonal(lags[0]))
    between = range(len(lags) - 1)
    # Of samples in order of time; of the i-th and the j-th the lag is i - j.
    covariance = np.block(
        [[lags[i - j] if i >= j else lags[j - i].T for j in between] for i in between]
    )
    onward = np.concatenate(lags[:0:-1], axis=1)  # of the next sample with each of them
    past = np.linalg.solve(covariance, onward.T)
    noise = lags[0] - onward @ past
    return _Process(
        past=np.ascontiguousarray(past),
        noise=np.ascontiguousarray(np.linalg.cholesky((noise + noise.T) / 2).T),
        start=np.linalg.cholesky(covariance),
    )


@compiled
def _add_product(
    vector: NDArray[np.float64], matrix: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Add a vector times a matrix; four rows at once, each added in its turn."""
    rows = vector.shape[0]
    whole = rows - rows % 4
    for k in range(0, whole, 4):
        v0, v1, v2, v3 = vector[k], vector[k + 1], vector[k + 2], vector[k + 3]
        r0, r1, r2, r3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
        for c in range(out.shape[0]):
            acc = out[c] + v0 * r0[c]
            acc += v1 * r1[c]
            acc += v2 * r2[c]
            out[c] = acc + v3 * r3[c]
    for k in range(whole, rows):
        for c in range(out.shape[0]):
            out[c] += vector[k] * matrix[k, c]


@compiled
def _go_on(
    past: NDArray[np.float64],
    noise: NDArray[np.float64],
    white: NDArray[np.float64],
    signal: NDArray[np.float64],
) -> None:
    """Fill a signal, shape (order + samples, channels), whose first rows are known."""
    rows, channels = past.shape
    flat = signal.reshape(signal.size)
    for t in range(white.shape[0]):
        out = flat[rows + t * channels : rows + (t + 1) * channels]
        _add_product(flat[t * channels : t * channels + rows], past, out)
        _add_product(white[t], noise, out)
