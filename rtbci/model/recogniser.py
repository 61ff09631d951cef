"""The recogniser: samples in, probabilities out. The one road for live and offline."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.model.file import Model
from rtbci.model.smoothing import Smoother
from rtbci.model.views import view_of
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
        Whether the filters had forgotten how they were started when the oldest window that the
        network saw began.
    """

    probabilities: NDArray[np.float64]
    last: NDArray[np.int64]
    bad: NDArray[np.bool_]
    settled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.last)


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
        self._begin()

    def _begin(self) -> None:
        model = self.model
        self._view = view_of(model.sees, model.recipe, model.statistics)
        self._smoother = Smoother(model.recipe)

    def reset(self) -> None:
        """Start anew: filters, normalisation, history and smoothing forget the stream."""
        self.path.reset()
        self._begin()

    def warm_up(self) -> None:
        """Compile and run everything, without a trace, so that no prediction has to wait for it."""
        self.path.warm_up()
        twin = copy.copy(self)
        twin.path = copy.copy(self.path)
        twin.reset()
        for _ in range(3):  # TorchScript optimises in its first runs
            missing = twin.path.until_next_map
            twin.push(np.zeros((missing, len(twin.path.channel_names)), np.float32))

    def push(self, chunk: NDArray[np.floating]) -> Recognised:
        """Take the stream's next samples (samples, channels) and predict each hop that they end."""
        maps = self.path.push(chunk)
        seen = self._view.apply(maps)
        if not len(maps):
            probabilities = np.empty((0, len(self.model.recipe.classes)))
        else:
            probabilities = self._smoother.apply(self.model.log_probabilities(seen))
        recipe, path = self.model.recipe, self.path
        first = maps.last + 1 - path.window - recipe.history_hops * path.hop
        return Recognised(probabilities, maps.last, maps.bad, first >= path.settling)
