"""One unbroken connection to a stream: samples in, predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rtbci.live.recognition import Recognition
from rtbci.model.recogniser import Recogniser
from rtbci.publish.wire import Quality
from rtbci.stream.gaps import GapMeter
from rtbci.stream.inlet import Inlet


class Epoch:
    """Runs recognisers side by side on an inlet's samples.

    Parameters
    ----------
    inlet : Inlet
        Where samples come from.
    recognisers : sequence of Recogniser
        At least one; fitted to the stream by :func:`~rtbci.live.models.fit_models`, so that they
        predict at the same samples. They are reset.

    Attributes
    ----------
    samples : int
        Samples received.
    gaps : GapMeter
        Samples lost.
    """

    def __init__(self, inlet: Inlet, recognisers: Sequence[Recogniser]) -> None:
        self.samples = 0
        self.gaps = GapMeter(recognisers[0].path.sfreq)
        self._inlet = inlet
        self._members = [_Member(recogniser) for recogniser in recognisers]
        # All restart together, or they would go on at different samples: as soon as one has to.
        shortest = min(recogniser.model.recipe.window_s for recogniser in recognisers)
        self._restart_ms = 1e3 * shortest

    def pull(self, timeout: float) -> Iterator[tuple[Recognition | None, ...]]:
        """Wait for the next hop's samples, at most ``timeout`` seconds, and recognise.

        Yields
        ------
        tuple of Recognition or None
            What each recogniser says of one sample, in their order; None for one whose first window
            is not full yet.

        Raises
        ------
        StreamLostError
            If the stream has ended.
        """
        wanted = min(member.until_next for member in self._members)
        samples, stamps = self._inlet.pull(wanted, timeout)
        self.samples += len(samples)
        start = 0
        for index, length_ms in self.gaps.find(stamps):
            yield from self._recognise(samples[start:index], stamps[start:index])
            for member in self._members:
                member.cross(length_ms, restart=length_ms >= self._restart_ms)
            start = index
        yield from self._recognise(samples[start:], stamps[start:])

    def _recognise(
        self, samples: NDArray[np.floating], stamps: NDArray[np.float64]
    ) -> Iterator[tuple[Recognition | None, ...]]:
        found = [member.recognise(samples, stamps) for member in self._members]
        for last in sorted({last for each in found for last in each}):
            yield tuple(each.get(last) for each in found)


class _Member:
    """A recogniser, and what is missing within its windows."""

    def __init__(self, recogniser: Recogniser) -> None:
        recogniser.reset()
        self._recogniser = recogniser
        self._gaps = GapMeter(recogniser.path.sfreq)

    @property
    def until_next(self) -> int:
        return self._recogniser.path.until_next_map

    def cross(self, length_ms: float, restart: bool) -> None:
        """Go over a gap: what is longer than a window leaves nothing to build on."""
        if restart:
            self._recogniser.reset()
            self._gaps.forget()
        self._gaps.remember(self._recogniser.path.samples, length_ms)

    def recognise(
        self, samples: NDArray[np.floating], stamps: NDArray[np.float64]
    ) -> dict[int, Recognition]:
        """Return what is recognised, by the number of the last sample since the (re)start."""
        path = self._recogniser.path
        first = path.samples
        recognised = self._recogniser.push(samples)
        found = {}
        for hop, last in enumerate(recognised.last.tolist()):
            bad = recognised.bad[hop]
            quality = Quality(
                bad_channels=tuple(path.recipe.channels[k] for k in np.flatnonzero(bad)),
                interpolated=path.interpolated,
                gap_ms=self._gaps.within(last - path.window + 1, last),
            )
            troubled = bool(quality.bad_channels) or quality.gap_ms > 0
            settled = bool(recognised.settled[hop])
            found[last] = Recognition(
                probabilities=recognised.probabilities[hop],
                lsl_time=float(stamps[last - first]),
                state=("degraded" if troubled else "ok") if settled else "warming-up",
                quality=quality,
            )
        return found
