"""Telling the world: predictions with their numbers, and a status each second."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rtbci.live.models import joint_name
from rtbci.live.recognition import Recognition, average
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
    models : sequence of Model
        What predicts. Of several, their average is what is said; each by itself goes out beside it.
    stream : str
        What the stream is called until its name is known.
    abstain_below : float or None
        Probability below which it is better not to act, instead of the models' own: of several
        models the greatest of theirs.

    Attributes
    ----------
    stream : str
        Name in topics and messages.
    outlet : PredictionOutlet or None
        Where predictions go out over LSL as well.
    """

    def __init__(
        self,
        publisher: Publisher,
        models: Sequence[Model],
        stream: str,
        abstain_below: float | None = None,
    ) -> None:
        self.stream = stream
        self.outlet: PredictionOutlet | None = None
        self._publisher = publisher
        self._joint = _Author(models, abstain_below)
        several = len(models) > 1
        self._members = [_Author([model], abstain_below) for model in models] if several else []
        self._status = Status(
            stream=stream,
            state="stale",
            unix_time=time.time(),
            model=self._joint.name,
            classes=self._joint.classes,
        )
        self._said = 0.0

    def rename(self, stream: str) -> None:
        """Go on under the stream's own name; what was said under another one no longer holds."""
        self._publisher.forget(self.stream)
        self.stream = stream

    def predict(self, found: Sequence[Recognition | None], now: float) -> Prediction | None:
        """Publish what was recognised at one sample.

        Parameters
        ----------
        found : sequence of Recognition or None
            Each model's; None where it has not begun yet.
        now : float
            LSL's local clock.

        Returns
        -------
        Prediction or None
            What is said of the sample; None until all models have begun.
        """
        unix_now = time.time()
        prediction = None
        begun = [recognition for recognition in found if recognition is not None]
        if len(begun) == len(found):
            prediction = self._joint.write(self.stream, average(begun), now, unix_now)
            self._publisher.publish(prediction)
            if self.outlet is not None:
                self.outlet.push(prediction)
        # One model is no member of several: what it says has been said.
        for author, recognition in zip(self._members, found, strict=False):
            if recognition is not None:
                own = author.write(self.stream, recognition, now, unix_now)
                self._publisher.publish(own, member=True)
        return prediction

    def tell(self, state: State, message: str, **facts: float | int | None) -> None:
        """Publish a status at once."""
        self._status = self._status.model_copy(
            update={
                "stream": self.stream,
                "state": state,
                "message": message,
                "unix_time": time.time(),
                "predictions": self._joint.predictions,
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


class _Author:
    """Who predicts, one model or several together, and how often so far."""

    def __init__(self, models: Sequence[Model], abstain_below: float | None) -> None:
        self.name = joint_name(models)
        self.classes = models[0].recipe.classes
        self.predictions = 0
        own = max(model.output.abstain_below for model in models)
        self._abstain_below = own if abstain_below is None else abstain_below

    def write(
        self, stream: str, recognition: Recognition, now: float, unix_now: float
    ) -> Prediction:
        """Return the next prediction; ``now`` is LSL's local clock, ``unix_now`` UTC's."""
        chosen = int(recognition.probabilities.argmax())
        age = now - recognition.lsl_time
        prediction = Prediction(
            stream=stream,
            seq=self.predictions,
            label=self.classes[chosen],
            probabilities=dict(zip(self.classes, recognition.probabilities.tolist(), strict=True)),
            abstained=bool(recognition.probabilities[chosen] < self._abstain_below),
            lsl_time=recognition.lsl_time,
            unix_time=unix_now - age,
            latency_ms=1e3 * age,
            quality=recognition.quality,
            state=recognition.state,
            model=self.name,
        )
        self.predictions += 1
        return prediction
