"""The recogniser: samples in, probabilities out. The one road for live and offline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.model.file import Model
from rtbci.montage.grids import Grid
from rtbci.recipe import Recipe
from rtbci.signal.compiled import compiled
from rtbci.signal.normalisation import Normaliser
from rtbci.signal.path import SignalPath


@dataclass(frozen=True)
class Recognised:
    """Predictions of the windows that one chunk completed.

    Attributes
    ----------
    probabilities : array, shape (hops, classes)
        In the order of the recipe's classes.
    last : array of int, shape (hops,)
        Index, since the start, of the last sample that each prediction used.
    bad : array of bool, shape (hops, channels)
        Channels that are not to be believed, see :class:`~rtbci.signal.path.Maps`.
    settled : array of bool, shape (hops,)
        Whether the filters had forgotten how they were started when the window began.
    """

    probabilities: NDArray[np.float64]
    last: NDArray[np.int64]
    bad: NDArray[np.bool_]
    settled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.last)


class Smoother:
    """Exponential filter of log-probabilities, looking back only.

    Parameters
    ----------
    recipe : Recipe
        Its ``smoothing_s`` is the time constant, 0 for none.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._keep = math.exp(-recipe.hop_s / recipe.smoothing_s) if recipe.smoothing_s else 0.0
        self.reset()

    def reset(self) -> None:
        """Forget all predictions."""
        self._memory: NDArray[np.float64] | None = None

    def apply(self, log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the smoothed probabilities of the next hops, shape (hops, classes).

        They are the same however many hops are given at a time.
        """
        if not len(log_probabilities):
            return np.empty(log_probabilities.shape)
        if self._memory is None:
            self._memory = log_probabilities[0].astype(np.float64)
        smoothed = np.empty(log_probabilities.shape)
        _follow(np.ascontiguousarray(log_probabilities), self._keep, self._memory, smoothed)
        odds: NDArray[np.float64] = np.exp(smoothed - smoothed.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        return odds


@compiled
def _follow(
    inputs: NDArray[np.float64],
    keep: float,
    memory: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Let ``memory`` follow the inputs (hops, classes) and write out how it went."""
    for k in range(inputs.shape[0]):
        for c in range(inputs.shape[1]):
            memory[c] = keep * memory[c] + (1 - keep) * inputs[k, c]
            out[k, c] = memory[c]


class Recogniser:
    """A model on a stream.

    Parameters
    ----------
    model : Model
        Network and recipe.
    sfreq : float
        The stream's sampling rate, hertz.
    channel_names : sequence of str
        The stream's channels.
    unit : str or sequence of str
        The stream's unit, or one for each channel.
    bad : sequence of str
        Channels not to be used.

    Raises
    ------
    RtbciError
        If the stream does not fit the model's recipe; see :class:`~rtbci.signal.path.SignalPath`.
    """

    def __init__(
        self,
        model: Model,
        sfreq: float,
        channel_names: Sequence[str],
        unit: str | Sequence[str] = "uV",
        bad: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.path = SignalPath(model.recipe, sfreq, channel_names, unit, bad)
        self._grid = Grid.of(model.recipe.grid, model.recipe.channels)
        self._normaliser = Normaliser(model.recipe, model.statistics)
        self._smoother = Smoother(model.recipe)

    def reset(self) -> None:
        """Start anew: filters, normalisation and smoothing forget the stream."""
        self.path.reset()
        self._normaliser.reset()
        self._smoother.reset()

    def warm_up(self) -> None:
        """Compile the path and run the network once, so that no prediction has to wait for it."""
        model = self.model
        self.path.warm_up()
        blank = np.zeros((1, *model.recipe.map_shape))
        standardised = Normaliser(model.recipe, model.statistics).apply(blank)
        for _ in range(3):  # TorchScript optimises in its first runs
            predicted = model.log_probabilities(self._grid.to_grid(standardised))
        Smoother(model.recipe).apply(predicted)

    def push(self, chunk: NDArray[np.floating]) -> Recognised:
        """Take the stream's next samples (samples, channels) and predict each hop that they end."""
        maps = self.path.push(chunk)
        if not len(maps):
            probabilities = np.empty((0, len(self.model.recipe.classes)))
        else:
            standardised = self._normaliser.apply(maps.values, maps.bad)
            pictures = self._grid.to_grid(standardised)
            probabilities = self._smoother.apply(self.model.log_probabilities(pictures))
        settled = maps.last + 1 - self.path.window >= self.path.settling
        return Recognised(probabilities, maps.last, maps.bad, settled)
