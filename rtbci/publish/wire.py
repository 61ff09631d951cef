"""Messages on the wire: one topic frame, then one UTF-8 JSON object.

The models below are the format; :func:`json_schema` derives the JSON Schema that the package ships
from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rtbci.errors import PublishError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5556"
PREDICTION_TOPIC = "prediction/"
STATUS_TOPIC = "status/"

State = Literal["warming-up", "ok", "degraded", "stale"]
"""``warming-up``: filters are still settling; ``degraded``: ``quality`` says why; ``stale``: the
stream has stopped or is not there yet."""


class _Message(BaseModel):
    # A newer program may add keys: a reader of version 1 lets them pass.
    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    stream: str


class Quality(BaseModel):
    """What may make a prediction less trustworthy.

    Attributes
    ----------
    bad_channels : tuple of str
        Channels with samples that are no numbers, or without any signal, in this window.
    interpolated : tuple of str
        Channels that the stream lacks, or that were named bad, filled in from their neighbours.
    gap_ms : float
        Milliseconds of samples lost within this window.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    bad_channels: tuple[str, ...] = ()
    interpolated: tuple[str, ...] = ()
    gap_ms: Annotated[float, Field(ge=0)] = 0.0


class Prediction(_Message):
    """One prediction: topic ``prediction/<stream>``.

    Attributes
    ----------
    seq : int
        Counts this publisher's predictions without gaps from 0.
    label : str
        The most probable class.
    probabilities : dict of str to float
        Each class and its probability, in the model's class order.
    lsl_time : float
        LSL time of the last sample used, seconds of this machine's ``local_clock()``.
    unix_time : float
        The same moment in seconds since 1970 (UTC).
    latency_ms : float
        From ``lsl_time`` to the moment of publishing, milliseconds.
    quality : Quality
        What may make the prediction less trustworthy.
    state : State
        ``ok``, or what is the matter.
    model : str
        Name of the model that predicts.
    """

    seq: Annotated[int, Field(ge=0)]
    label: str
    probabilities: dict[str, Annotated[float, Field(ge=0, le=1)]]
    lsl_time: float
    unix_time: float
    latency_ms: float
    quality: Quality = Quality()
    state: State = "ok"
    model: str


class Status(_Message):
    """How the live system is doing, each second: topic ``status/<stream>``.

    Attributes
    ----------
    state : State
        State of the stream.
    message : str
        One line for a person.
    unix_time : float
        When this was said, seconds since 1970 (UTC).
    predictions : int
        Predictions published so far; the next one has this ``seq``.
    epoch : int
        Counts (re)connections to the stream, from 1; 0 before the first.
    samples : int
        Samples received in this epoch.
    gap_ms : float
        Milliseconds of samples lost in this epoch.
    sfreq : float or None
        The stream's sampling rate in hertz, once known.
    model : str
        Name of the model that predicts.
    classes : tuple of str
        The model's classes in order.
    """

    state: State
    message: str = ""
    unix_time: float
    predictions: Annotated[int, Field(ge=0)] = 0
    epoch: Annotated[int, Field(ge=0)] = 0
    samples: Annotated[int, Field(ge=0)] = 0
    gap_ms: Annotated[float, Field(ge=0)] = 0.0
    sfreq: float | None = None
    model: str
    classes: tuple[str, ...]


def encode(message: Prediction | Status) -> list[bytes]:
    """Return a message's frames: topic and JSON."""
    topic = PREDICTION_TOPIC if isinstance(message, Prediction) else STATUS_TOPIC
    return [(topic + message.stream).encode(), message.model_dump_json().encode()]


def decode(frames: list[bytes]) -> Prediction | Status:
    """Read a message from its frames.

    Raises
    ------
    PublishError
        If the frames are not an rtbci message of version 1.
    """
    if len(frames) != 2:
        raise PublishError(f"a message has a topic and one JSON frame, not {len(frames)} frames")
    topic = frames[0].decode("utf-8", "replace")
    if not topic.startswith((PREDICTION_TOPIC, STATUS_TOPIC)):
        raise PublishError(f"topic {topic!r} is neither a prediction nor a status")
    kind = Prediction if topic.startswith(PREDICTION_TOPIC) else Status
    try:
        return kind.model_validate_json(frames[1])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise PublishError(
            f"message on {topic!r} is not version 1: {where}: {first['msg']}"
        ) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of all messages, as the package ships it in ``schema.json``."""
    schema = TypeAdapter(Prediction | Status).json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rtbci messages, version 1",
        **schema,
    }
