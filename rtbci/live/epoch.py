"""One unbroken connection to a stream: samples in, predictions out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.model.recogniser import Recogniser
from rtbci.publish.wire import Quality, State
from rtbci.stream.gaps import GapMeter
from rtbci.stream.inlet import Inlet


@dataclass(frozen=True)
class Recognition:
    """What was recognised at one hop.

    Attributes
    ----------
    probabilities : array, shape (classes,)
        In the order of the recipe's classes.
    lsl_time : float
        LSL time of the last sample used, seconds.
    state : State
        Of this prediction.
    quality : Quality
        What may make it less trustworthy.
    """

    probabilities: NDArray[np.float64]
    lsl_time: float
    state: State
    quality: Quality


class Epoch:
    """Runs a recogniser on an inlet's samples.

    Parameters
    ----------
    inlet : Inlet
        Where samples come from.
    recogniser : Recogniser
        Fitted to the stream and warmed up; it is reset.

    Attributes
    ----------
    samples : int
        Samples received.
    gaps : GapMeter
        Samples lost.
    """

    def __init__(self, inlet: Inlet, recogniser: Recogniser) -> None:
        recogniser.reset()
        self.samples = 0
        self.gaps = GapMeter(recogniser.path.sfreq)
        self._inlet = inlet
        self._recogniser = recogniser
        self._restart_ms = 1e3 * recogniser.model.recipe.window_s

    def pull(self, timeout: float) -> Iterator[Recognition]:
        """Wait for the next hop's samples, at most ``timeout`` seconds, and recognise.

        Raises
        ------
        StreamLostError
            If the stream has ended.
        """
        samples, stamps = self._inlet.pull(self._recogniser.path.until_next_map, timeout)
        self.samples += len(samples)
        start = 0
        for index, length_ms in self.gaps.find(stamps):
            yield from self._recognise(samples[start:index], stamps[start:index])
            self._cross(length_ms)
            start = index
        yield from self._recognise(samples[start:], stamps[start:])

    def _cross(self, length_ms: float) -> None:
        """Go over a gap: what is longer than a window leaves nothing to build on."""
        if length_ms >= self._restart_ms:
            self._recogniser.reset()
            self.gaps.forget()
        self.gaps.remember(self._recogniser.path.samples, length_ms)

    def _recognise(
        self, samples: NDArray[np.floating], stamps: NDArray[np.float64]
    ) -> Iterator[Recognition]:
        path = self._recogniser.path
        first = path.samples
        recognised = self._recogniser.push(samples)
        for hop, last in enumerate(recognised.last.tolist()):
            bad = recognised.bad[hop]
            quality = Quality(
                bad_channels=tuple(path.recipe.channels[k] for k in np.flatnonzero(bad)),
                interpolated=path.interpolated,
                gap_ms=self.gaps.within(last - path.window + 1, last),
            )
            troubled = bool(quality.bad_channels) or quality.gap_ms > 0
            settled = bool(recognised.settled[hop])
            yield Recognition(
                probabilities=recognised.probabilities[hop],
                lsl_time=float(stamps[last - first]),
                state=("degraded" if troubled else "ok") if settled else "warming-up",
                quality=quality,
            )
