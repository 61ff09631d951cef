"""Telling the world: predictions with their numbers, and a status each second."""

from __future__ import annotations

import time

from rtbci.live.epoch import Recognition
from rtbci.model.file import Model
from rtbci.publish.lsl_outlet import PredictionOutlet
from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import Prediction, State, Status

STATUS_EVERY_S = 1.0


class Reporter:
    """Publishes for one live system.

    Parameters
    ----------
    publisher : Publisher
        The ZeroMQ side.
    model : Model
        What predicts.
    stream : str
        What the stream is called until its name is known.

    Attributes
    ----------
    stream : str
        Name in topics and messages.
    outlet : PredictionOutlet or None
        Where predictions go out over LSL as well.
    """

    def __init__(self, publisher: Publisher, model: Model, stream: str) -> None:
        self.stream = stream
        self.outlet: PredictionOutlet | None = None
        self._publisher = publisher
        self._model = model
        self._predictions = 0
        self._status = Status(
            stream=stream,
            state="stale",
            unix_time=time.time(),
            model=model.name,
            classes=model.recipe.classes,
        )
        self._said = 0.0

    def rename(self, stream: str) -> None:
        """Go on under the stream's own name; what was said under another one no longer holds."""
        self._publisher.forget(self.stream)
        self.stream = stream

    def predict(self, recognition: Recognition, now: float) -> Prediction:
        """Publish one prediction; ``now`` is LSL's local clock."""
        chosen = int(recognition.probabilities.argmax())
        classes = self._model.recipe.classes
        age = now - recognition.lsl_time
        prediction = Prediction(
            stream=self.stream,
            seq=self._predictions,
            label=classes[chosen],
            probabilities=dict(zip(classes, recognition.probabilities.tolist(), strict=True)),
            lsl_time=recognition.lsl_time,
            unix_time=time.time() - age,
            latency_ms=1e3 * age,
            quality=recognition.quality,
            state=recognition.state,
            model=self._model.name,
        )
        self._publisher.publish(prediction)
        if self.outlet is not None:
            self.outlet.push(prediction)
        self._predictions += 1
        return prediction

    def tell(self, state: State, message: str, **facts: float | int | None) -> None:
        """Publish a status at once."""
        self._status = self._status.model_copy(
            update={
                "stream": self.stream,
                "state": state,
                "message": message,
                "unix_time": time.time(),
                "predictions": self._predictions,
                **facts,
            }
        )
        self._publisher.publish(self._status)
        self._said = time.monotonic()

    def attend(self, state: State, message: str, **facts: float | int | None) -> None:
        """Greet new subscribers, and publish a status if one is due or the state has changed."""
        self._publisher.greet()
        due = time.monotonic() - self._said >= STATUS_EVERY_S
        if due or state != self._status.state:
            self.tell(state, message, **facts)
