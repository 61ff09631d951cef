"""An endless signal, computed piece by piece as one long pass would compute it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal
import torch
from numpy.typing import NDArray
from torch import Tensor

from offline.generators.generator import Floats
from offline.generators.signal_gan.networks import Range, Synthesiser
from offline.training import one_thread

_TIME_CONSTANT_S = 0.2
_CELL = 64  # positions whose noise is drawn together


class Noise:
    """White noise that a position always has the same of, whatever range is asked for.

    Parameters
    ----------
    seed : int
        Another seed, other noise.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, level: int, positions: Range, count: int) -> Tensor:
        """Return noise (1, count, positions) of a level; positions may not be negative."""
        first, last = positions[0] // _CELL, (positions[1] - 1) // _CELL
        cells = [self._cell(level, cell, count) for cell in range(first, last + 1)]
        start = positions[0] - first * _CELL
        drawn = np.concatenate(cells, axis=1)[:, start : start + positions[1] - positions[0]]
        return torch.from_numpy(drawn)[None]

    def _cell(self, level: int, cell: int, count: int) -> NDArray[np.float32]:
        key = np.random.SeedSequence(self._seed, spawn_key=(1, level, cell))
        rng = np.random.Generator(np.random.SFC64(key))
        return rng.standard_normal((count, _CELL), np.float32)


class Stream:
    """The signal of one wearer, going on for ever.

    The network is run for every class on the same noise, and the classes' signals are weighed by
    what has been asked for: as the network looks ahead and a wearer's next emotion is not known
    yet, this alone keeps a change of class from acting backwards. Weights pass from one class to
    the next without a step or a kink, most of the way in 0.7 s. As noise belongs to positions and
    pieces are always the same, samples are the same, bit for bit, however they are asked for.

    Parameters
    ----------
    network : Synthesiser
        Trained.
    scale : array, shape (channels,)
        Microvolts of the network's 1.
    sfreq : float
        Sampling rate, hertz.
    seed : int
        Who and when.
    refuse_unknown : callable
        Raises an error if there is no such class.
    """

    def __init__(
        self,
        network: Synthesiser,
        scale: Floats,
        sfreq: float,
        seed: int,
        refuse_unknown: Callable[[int], None],
    ) -> None:
        self._refuse_unknown = refuse_unknown
        self._network, self._scale = network, np.asarray(scale, np.float32)
        self._noise = Noise(seed)
        self._classes = len(network.log_amplitude)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
        style = rng.standard_normal((1, network.places), np.float32)
        self._styles = torch.from_numpy(style).expand(self._classes, -1)
        self._piece = network.piece
        self._next = network.first
        self._made = np.zeros((self._classes, 0, len(self._scale)), np.float32)
        pole = np.exp(-1 / (_TIME_CONSTANT_S * sfreq))
        self._sos = scipy.signal.zpk2sos([], [pole, pole], (1 - pole) ** 2)
        self._state: NDArray[np.float64] | None = None

    def next(self, n_samples: int, label: int) -> NDArray[np.float32]:
        """Return the next samples.

        Parameters
        ----------
        n_samples : int
            How many.
        label : int
            Index of the class.

        Returns
        -------
        array of float32, shape (samples, channels)
            Microvolts.

        Raises
        ------
        GeneratorError
            If there is no such class.
        """
        self._refuse_unknown(label)
        samples = np.empty((n_samples, len(self._scale)), np.float32)
        weights = self._weights(n_samples, label)
        done = 0
        while done < n_samples:
            if not self._made.shape[1]:
                self._made = self._make()
            count = min(n_samples - done, self._made.shape[1])
            share = weights[:, done : done + count, None]
            samples[done : done + count] = (share * self._made[:, :count]).sum(axis=0)
            self._made = self._made[:, count:]
            done += count
        return samples

    def _make(self) -> NDArray[np.float32]:
        """Return the next piece of every class, shape (classes, samples, channels)."""
        labels, positions = torch.arange(self._classes), (self._next, self._next + self._piece)
        with one_thread(), torch.inference_mode():
            made = self._network(labels, self._styles, positions, self._noise)
        self._next += self._piece
        return np.asarray(made.numpy().transpose(0, 2, 1) * self._scale)

    def _weights(self, n_samples: int, label: int) -> NDArray[np.float32]:
        """Return how much of each class there is, shape (classes, samples)."""
        target = np.zeros((self._classes, n_samples))
        target[label] = 1.0
        if self._state is None:  # the first class is there at once
            settled = scipy.signal.sosfilt_zi(self._sos)
            self._state = settled[:, None, :] * np.eye(self._classes)[label][None, :, None]
        if not n_samples:  # which SciPy's filter cannot take
            return target.astype(np.float32)
        weights, self._state = scipy.signal.sosfilt(self._sos, target, axis=-1, zi=self._state)
        return np.asarray(weights, np.float32)
