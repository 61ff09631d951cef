"""Taking a wearer's calibration block from a live stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event

from rtbci.errors import StreamError
from rtbci.live.block import Block
from rtbci.live.waiting import PATIENCE_S, await_stream, completed
from rtbci.model.file import Model
from rtbci.model.person import Person
from rtbci.model.recogniser import Recogniser, calibration_of
from rtbci.signal.path import SignalPath
from rtbci.stream.inlet import Inlet, StreamLostError
from rtbci.stream.markers import MarkerInlet, Timeline

_LOOK_EVERY_S = 1.0  # how often it is reckoned what there is
_MARKERS_LATE_S = 0.5  # a marker may arrive this much later than the samples that it is about


@dataclass(frozen=True)
class Asked:
    """What a calibration is told, beside the model.

    Attributes
    ----------
    stream : str
        ``name=...``, ``type=...``, ``source_id=...``, or bare: any of the three.
    markers : str or None
        Name of the marker stream; None: the wearer is told what to do.
    timeout : float
        Seconds to wait for streams.
    unit : str or None
        The stream's unit, where it declares none or a wrong one.
    channels, bad_channels : tuple of str
        The stream's channel names, where it has none, and those not to be used.
    """

    stream: str
    markers: str | None
    timeout: float
    unit: str | None
    channels: tuple[str, ...]
    bad_channels: tuple[str, ...]


def take_block(
    model: Model,
    asked: Asked,
    stop: Event,
    say: Callable[[str], None],
    show: Callable[[Mapping[str, float], float], None],
) -> Person | None:
    """Wait for the stream and take the block that a model needs.

    Parameters
    ----------
    model : Model
        One with a calibration.
    asked : Asked
        Where from.
    stop : Event
        Ends it.
    say : callable
        Is told what the wearer is to do.
    show : callable
        Is told how many seconds there are of each class, and how many there have to be.

    Returns
    -------
    Person or None
        None if told to stop before the block was complete.

    Raises
    ------
    PersonFileError
        If the model has no calibration.
    StreamError, ChannelError, UnitError, RecipeError
        If the stream is not found, does not fit the model, or is lost.
    """
    calibration_of(model)  # better now than when the stream has been found
    found = await_stream(asked.stream, asked.timeout, stop, lambda: None)
    if found is None:
        return None
    stream = completed(found, asked.channels)
    options = (stream.sfreq, stream.channels, asked.unit or stream.units, asked.bad_channels)
    path = SignalPath(model.recipe, *options)
    path.warm_up()
    timeline = Timeline(states=model.recipe.classes)
    block = Block(model, path, timeline, lambda each, who: Recogniser(each, *options, person=who))
    with ExitStack() as stack:
        markers = None
        if asked.markers is not None:
            markers = stack.enter_context(MarkerInlet(asked.markers, asked.timeout))
        inlet = stack.enter_context(Inlet(stream, path.hop))
        session = _Session(block, path, timeline, inlet, markers, say, show)
        try:
            done = session.run(stop)
        except StreamLostError as lost:
            raise StreamError(f"{lost}: the calibration was not complete") from None
    return block.person() if done else None


@dataclass
class _Session:
    block: Block
    path: SignalPath
    timeline: Timeline
    inlet: Inlet
    markers: MarkerInlet | None
    say: Callable[[str], None]
    show: Callable[[Mapping[str, float], float], None]
    doing: str | None = None

    def run(self, stop: Event) -> bool:
        """Take samples until there is enough; tell whether there was."""
        looked = time.monotonic()
        settled = self.path.settling
        while not stop.is_set():
            samples, stamps = self.inlet.pull(self.path.hop, PATIENCE_S)
            self.block.push(samples, stamps)
            settled -= len(samples)
            self._hear()
            if settled > 0 or time.monotonic() - looked < _LOOK_EVERY_S:
                continue
            looked = time.monotonic()
            taken = self.block.taken_s()
            self.show(taken, self.block.wanted_s)
            missing = self.block.missing(taken)
            if not missing and self._complete_still():
                return True
            if missing and self.markers is None and len(stamps):
                self._cue(missing[0], float(stamps[-1]))
        return False

    def _hear(self) -> None:
        for text, stamp in self.markers.pull() if self.markers else ():
            self.timeline.hear(text, stamp)

    def _cue(self, wanted: str, now: float) -> None:
        """Tell the wearer what to do next, once there is enough of what is done now."""
        if wanted != self.doing:
            self.doing = wanted
            self.say(f"now: {self.doing}, for {self.block.wanted_s:.0f} s")
            self.timeline.hear(self.doing, now)

    def _complete_still(self) -> bool:
        """Hear the markers of the last samples too before it is said to be complete."""
        if self.markers is None:
            return True
        time.sleep(_MARKERS_LATE_S)
        self._hear()
        return not self.block.missing(self.block.taken_s())
