"""The live loop: wait for the stream, predict each hop, survive its going and coming."""

from __future__ import annotations

import gc
import logging
import time
from threading import Event

from rtbci.errors import RtbciError, StreamError
from rtbci.live.epoch import Epoch
from rtbci.live.reporter import Reporter
from rtbci.live.settings import LiveSettings
from rtbci.model.file import Model, load_model
from rtbci.model.recogniser import Recogniser
from rtbci.publish.lsl_outlet import PredictionOutlet
from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import State
from rtbci.stream.description import StreamDescription
from rtbci.stream.discovery import StreamFinder, StreamQuery, choose, describe, same_device
from rtbci.stream.inlet import Inlet, StreamLostError

log = logging.getLogger(__name__)

_PATIENCE_S = 0.1  # the longest wait in which nobody is greeted
_LOOK_AROUND_S = 0.6  # how long to look for a second match, once there is a first
_GONE_S = 4.0  # silence after which a stream that nobody announces has gone
_STALE_S = 0.7  # silence after which a stream counts as stopped


class LiveSystem:
    """Runs one model on one stream until it is told to stop.

    Parameters
    ----------
    settings : LiveSettings
        Which model, stream and address.

    Raises
    ------
    ModelFileError
        If the model file cannot be used.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._model = load_model(settings.model)
        self._epochs = 0
        self._stop = Event()

    def run(self, stop: Event) -> None:
        """Serve until ``stop`` is set.

        Raises
        ------
        StreamError, ChannelError, UnitError, RecipeError
            If the first stream is not found in time, or does not fit the model.
        PublishError
            If the address cannot be used.
        """
        _prepare(self._model)
        self._stop = stop
        settings = self._settings
        with Publisher(settings.address) as publisher:
            reporter = Reporter(publisher, self._model, settings.stream)
            log.info("publishing on %s", publisher.address)
            stream = self._await_first(reporter)
            if stream is None:
                return
            reporter.rename(stream.name)
            recogniser = self._fit(stream)
            if settings.lsl_out:
                reporter.outlet = PredictionOutlet(
                    stream.name, stream.source_id, self._model.recipe.classes, self._model.name
                )
            gc.collect()
            gc.freeze()  # what lives now lives for ever: the collector need not look at it again
            while stream is not None:
                self._serve(stream, recogniser, reporter)
                stream = self._await_return(stream, reporter)

    def _await_first(self, reporter: Reporter) -> StreamDescription | None:
        """Wait for the stream that the settings name; None if told to stop."""
        query, limit = StreamQuery(self._settings.stream), self._settings.timeout
        deadline = None if limit is None else time.monotonic() + limit
        log.info("waiting for the stream %r", query.text)
        finder = StreamFinder(query.predicate)
        while not self._stop.wait(_PATIENCE_S):
            if deadline is not None and time.monotonic() > deadline:
                raise StreamError(
                    f"no LSL stream {query.text!r} within {limit:g} s; "
                    "'rtbci streams' lists those on the network"
                )
            reporter.attend("stale", f"waiting for the stream {query.text!r}")
            if finder.look():
                time.sleep(_LOOK_AROUND_S)
                found = finder.look()
                stream = describe(choose(query, found)) if found else None
                if stream is not None:
                    return self._complete(stream)
        return None

    def _complete(self, stream: StreamDescription) -> StreamDescription:
        """Add what a person has said to what the stream says of itself."""
        if self._settings.channels:
            stream = stream.with_channels(self._settings.channels)
        stream.check_usable()
        return stream

    def _fit(self, stream: StreamDescription) -> Recogniser:
        """Fit the model to the stream and get everything compiled before the first sample."""
        try:
            recogniser = Recogniser(
                self._model,
                stream.sfreq,
                stream.channels,
                self._settings.unit or stream.units,
                self._settings.bad_channels,
            )
        except RtbciError as error:
            raise type(error)(f"stream {stream.name!r}: {error}") from None
        recogniser.warm_up()
        if recogniser.path.interpolated:
            log.warning("interpolating %s", ", ".join(recogniser.path.interpolated))
        return recogniser

    def _serve(self, stream: StreamDescription, recogniser: Recogniser, reporter: Reporter) -> None:
        """Predict until the stream is lost."""
        self._epochs += 1
        try:
            with Inlet(stream, recogniser.path.hop) as inlet:
                epoch = Epoch(inlet, recogniser)
                log.info("connected to %r (%g Hz)", stream.name, stream.sfreq)
                reporter.tell("warming-up", f"connected to {stream.name!r}", **self._facts(epoch))
                self._predict(epoch, reporter, stream)
        except StreamLostError as lost:
            log.warning("%s", lost)
            reporter.tell("stale", str(lost))

    def _predict(self, epoch: Epoch, reporter: Reporter, stream: StreamDescription) -> None:
        from mne_lsl.lsl import local_clock

        state: State = "warming-up"
        heard, received = time.monotonic(), 0
        search: StreamFinder | None = None
        while not self._stop.is_set():
            for recognition in epoch.pull(_PATIENCE_S):
                state = reporter.predict(recognition, local_clock()).state
            now = time.monotonic()
            if epoch.samples > received:
                heard, received, search = now, epoch.samples, None
            silent = now - heard
            if silent < _STALE_S:
                reporter.attend(state, f"listening to {stream.name!r}", **self._facts(epoch))
                continue
            said = f"no samples from {stream.name!r} for {silent:.1f} s"
            reporter.attend("stale", said, **self._facts(epoch))
            # LSL does not always tell that a stream has gone, so look whether it is still there.
            search = search or StreamFinder(StreamQuery(f"name={stream.name}").predicate)
            if silent > _GONE_S and stream.uid not in {info.uid() for info in search.look()}:
                raise StreamLostError(f"stream {stream.name!r} has gone")

    def _facts(self, epoch: Epoch) -> dict[str, float | int | None]:
        return {
            "epoch": self._epochs,
            "samples": epoch.samples,
            "gap_ms": epoch.gaps.total_ms,
            "sfreq": 1 / epoch.gaps.step,
        }

    def _await_return(
        self, before: StreamDescription, reporter: Reporter
    ) -> StreamDescription | None:
        """Wait for the device to come back as it was; refuse it, once, if it has changed.

        None if told to stop.
        """
        refused: set[str] = set()
        said = f"waiting for {before.name!r} to return"
        finder = StreamFinder(same_device(before, StreamQuery(self._settings.stream)))
        while not self._stop.wait(_PATIENCE_S):
            reporter.attend("stale", said)
            for info in finder.look():
                stream = None if info.uid() in refused else describe(info)
                if stream is None:
                    continue
                try:
                    stream = self._complete(stream)
                    _check_unchanged(before, stream)
                except StreamError as error:
                    refused.add(info.uid())
                    said = f"refusing {info.name()!r}: {error}"
                    log.error("%s", said)
                    reporter.tell("stale", said)
                else:
                    return stream
        return None


def _prepare(model: Model) -> None:
    """Use one thread: more of them cost more than they give for one small map at a time."""
    import torch

    torch.set_num_threads(1)
    log.info("model %s: %s", model.name, ", ".join(model.recipe.classes))


def _check_unchanged(before: StreamDescription, after: StreamDescription) -> None:
    """Refuse a stream that has come back as another.

    Raises
    ------
    StreamError
        If its rate, channels, units or sample type differ.
    """
    if after.sfreq != before.sfreq:
        raise StreamError(f"it returned at {after.sfreq:g} Hz instead of {before.sfreq:g} Hz")
    if after.n_channels != before.n_channels:
        raise StreamError(
            f"it returned with {after.n_channels} channels instead of {before.n_channels}"
        )
    if after.channels != before.channels:
        raise StreamError("it returned with other channels: " + ", ".join(after.channels))
    if after.signature != before.signature:
        raise StreamError("it returned with other units or another sample type")
