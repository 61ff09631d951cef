"""The live loop: wait for the stream, predict each hop, survive its going and coming."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Sequence
from threading import Event

from rtbci.errors import StreamError
from rtbci.live.epoch import Epoch
from rtbci.live.models import fit_models, joint_name, load_models, person_for
from rtbci.live.reporter import Reporter
from rtbci.live.settings import LiveSettings
from rtbci.live.waiting import PATIENCE_S, await_stream, completed
from rtbci.model.file import Model
from rtbci.model.recogniser import Recogniser
from rtbci.publish.lsl_outlet import PredictionOutlet
from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import State
from rtbci.stream.description import StreamDescription
from rtbci.stream.discovery import StreamFinder, StreamQuery, describe, same_device
from rtbci.stream.inlet import Inlet, StreamLostError

log = logging.getLogger(__name__)

_GONE_S = 4.0  # silence after which a stream that nobody announces has gone
_STALE_S = 0.7  # silence after which a stream counts as stopped


class LiveSystem:
    """Runs one model, or several side by side, on one stream until it is told to stop.

    Parameters
    ----------
    settings : LiveSettings
        Which models, stream and address.

    Raises
    ------
    ModelFileError
        If a model file cannot be used.
    PersonFileError
        If a model needs its wearer's calibration, and there is none that was made for it.
    ConfigError
        If the models cannot predict side by side.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._models = load_models(settings.model)
        # Better refused now than when the stream has been found.
        self._persons = [person_for(model, settings.person) for model in self._models]
        self._epochs = 0
        self._stop = Event()

    def run(self, stop: Event) -> None:
        """Serve until ``stop`` is set.

        Raises
        ------
        StreamError, ChannelError, UnitError, RecipeError
            If the first stream is not found in time, or does not fit the models.
        PublishError
            If the address cannot be used.
        """
        _prepare(self._models)
        self._stop = stop
        settings = self._settings
        with Publisher(settings.address) as publisher:
            reporter = Reporter(publisher, self._models, settings.stream, settings.abstain_below)
            log.info("publishing on %s", publisher.address)
            stream = self._await_first(reporter)
            if stream is None:
                return
            reporter.rename(stream.name)
            recognisers = fit_models(self._models, self._persons, stream, settings)
            if settings.lsl_out:
                reporter.outlet = PredictionOutlet(
                    stream.name,
                    stream.source_id,
                    self._models[0].recipe.classes,
                    joint_name(self._models),
                )
            gc.collect()
            gc.freeze()  # what lives now lives for ever: the collector need not look at it again
            while stream is not None:
                self._serve(stream, recognisers, reporter)
                stream = self._await_return(stream, reporter)

    def _await_first(self, reporter: Reporter) -> StreamDescription | None:
        """Wait for the stream that the settings name; None if told to stop."""
        text = self._settings.stream

        def attend() -> None:
            reporter.attend("stale", f"waiting for the stream {text!r}")

        stream = await_stream(text, self._settings.timeout, self._stop, attend)
        return None if stream is None else completed(stream, self._settings.channels)

    def _serve(
        self, stream: StreamDescription, recognisers: Sequence[Recogniser], reporter: Reporter
    ) -> None:
        """Predict until the stream is lost."""
        self._epochs += 1
        try:
            with Inlet(stream, recognisers[0].path.hop) as inlet:
                epoch = Epoch(inlet, recognisers)
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
            for found in epoch.pull(PATIENCE_S):
                if (prediction := reporter.predict(found, local_clock())) is not None:
                    state = prediction.state
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
        while not self._stop.wait(PATIENCE_S):
            reporter.attend("stale", said)
            for info in finder.look():
                stream = None if info.uid() in refused else describe(info)
                if stream is None:
                    continue
                try:
                    stream = completed(stream, self._settings.channels)
                    _check_unchanged(before, stream)
                except StreamError as error:
                    refused.add(info.uid())
                    said = f"refusing {info.name()!r}: {error}"
                    log.error("%s", said)
                    reporter.tell("stale", said)
                else:
                    return stream
        return None


def _prepare(models: Sequence[Model]) -> None:
    """Use one thread: more of them cost more than they give for one small map at a time."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
    for model in models:
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
