"""Messages on the wire: one topic frame, then one UTF-8 JSON object.

The models below are the format; :func:`json_schema` derives the JSON Schema that the package ships
from them. After a change, write it again with ``python -m rtbci.publish.wire``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from rtbci.errors import PublishError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5556"
PREDICTION_TOPIC = "prediction/"
MODEL_TOPIC = "model/"
STATUS_TOPIC = "status/"
SCHEMA_FILE = Path(__file__).with_name("schema.json")

State = Literal["warming-up", "ok", "degraded", "stale"]
"""``warming-up``: filters are still settling; ``degraded``: ``quality`` says why; ``stale``: the
stream has stopped or is not there yet."""


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        # A newer program may add keys: a reader of version 1 lets them pass.
        extra="ignore",
        # JSON has no NaN: it would arrive as null, which no reader expects.
        allow_inf_nan=False,
        # What is written always has every key, so the schema may promise them.
        json_schema_serialization_defaults_required=True,
        use_attribute_docstrings=True,
    )


class _Message(_Part):
    v: Literal[1] = 1
    """Version of the format."""
    stream: str
    """Name of the EEG stream in LSL."""


class Quality(_Part):
    """What may make a prediction less trustworthy."""

    bad_channels: tuple[str, ...] = ()
    """Channels with samples that are no numbers, or without any signal, in this window."""
    interpolated: tuple[str, ...] = ()
    """Channels that the stream lacks, or that were named bad, filled in from their neighbours."""
    gap_ms: Annotated[float, Field(ge=0)] = 0.0
    """Milliseconds of samples lost within this window."""


class Prediction(_Message):
    """One prediction: topic ``prediction/<stream>``.

    Where several models predict side by side, that is their average, and what each says by itself
    has the topic ``model/<stream>/<model>``.
    """

    seq: Annotated[int, Field(ge=0)]
    """Counts the predictions of this topic without gaps from 0."""
    label: str
    """The most probable class, also where ``abstained``."""
    probabilities: dict[str, Annotated[float, Field(ge=0, le=1)]]
    """Each class and its probability, in the model's class order: the network's posterior under
    equal class priors (those of its data, if it was trained so), calibrated by the model's
    temperature, then smoothed as its recipe says. They sum to 1. Of several models, the mean of
    theirs."""
    abstained: bool = False
    """Whether the greatest of ``probabilities`` lies below the model's threshold: better not to act
    on the label. Of several models, the greatest of their thresholds counts."""
    lsl_time: float
    """LSL time of the last sample used, seconds of this machine's ``local_clock()``."""
    unix_time: float
    """The same moment in seconds since 1970 (UTC)."""
    latency_ms: float
    """From ``lsl_time`` to the moment of publishing, milliseconds."""
    quality: Quality = Quality()
    """What may make the prediction less trustworthy."""
    state: State = "ok"
    """Of the signal that was looked at, whatever the probabilities are. ``warming-up``: the filters
    had not settled when it began; else ``degraded``: it has bad channels or a gap, see ``quality``;
    else ``ok``. Of several models, the worst of theirs in this order. Never ``stale``."""
    model: str
    """Name of the model that predicts; of several, their names with ``+`` between them."""


class Status(_Message):
    """How the live system is doing, each second: topic ``status/<stream>``."""

    state: State
    """As in a prediction; ``stale``: the stream has stopped or is not there yet."""
    message: str = ""
    """One line for a person."""
    unix_time: float
    """When this was said, seconds since 1970 (UTC)."""
    predictions: Annotated[int, Field(ge=0)] = 0
    """Predictions published so far on ``prediction/<stream>``; the next one has this ``seq``."""
    epoch: Annotated[int, Field(ge=0)] = 0
    """Counts (re)connections to the stream, from 1; 0 before the first."""
    samples: Annotated[int, Field(ge=0)] = 0
    """Samples received in this epoch."""
    gap_ms: Annotated[float, Field(ge=0)] = 0.0
    """Milliseconds of samples lost in this epoch."""
    sfreq: float | None = None
    """The stream's sampling rate in hertz, once known."""
    model: str
    """Name of the model that predicts; of several, their names with ``+`` between them."""
    classes: tuple[str, ...]
    """The model's classes in order."""


def check_address(address: str) -> None:
    """Refuse a TCP address whose port ZeroMQ would misread.

    Parameters
    ----------
    address : str
        A ZeroMQ address; only those of TCP are looked at.

    Raises
    ------
    PublishError
        If its port is no number from 0 to 65535, and not ``*``. ZeroMQ itself would take such a
        number modulo 65536, and ignore what follows the digits.
    """
    if not address.startswith("tcp://"):
        return
    port = address.rpartition(":")[2]
    if port != "*" and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise PublishError(
            f"address {address!r} has no port from 0 to 65535; write it like {DEFAULT_ADDRESS}"
        )


def encode(message: Prediction | Status, *, member: bool = False) -> list[bytes]:
    """Return a message's frames: topic and JSON.

    Parameters
    ----------
    message : Prediction or Status
        What to send.
    member : bool
        Whether it is what one of several models predicts by itself.
    """
    if isinstance(message, Status):
        topic = STATUS_TOPIC + message.stream
    elif member:
        topic = member_topic(message.stream, message.model)
    else:
        topic = PREDICTION_TOPIC + message.stream
    return [topic.encode(), message.model_dump_json().encode()]


def member_topic(stream: str, model: str) -> str:
    """Return the topic of what one of several models predicts by itself."""
    return f"{MODEL_TOPIC}{stream}/{model}"


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
    if not topic.startswith((PREDICTION_TOPIC, MODEL_TOPIC, STATUS_TOPIC)):
        raise PublishError(f"topic {topic!r} is neither a prediction nor a status")
    kind = Status if topic.startswith(STATUS_TOPIC) else Prediction
    try:
        message = kind.model_validate_json(frames[1])
    except ValidationError as error:
        # A wrong version explains all else that is wrong, so it is named first.
        first = min(error.errors(), key=lambda one: one["loc"] != ("v",))
        where = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise PublishError(
            f"message on {topic!r} is not version 1: {where}: {first['msg']}"
        ) from None
    if "v" not in message.model_fields_set:
        raise PublishError(f"message on {topic!r} is not version 1: v: it does not say its version")
    return message


class _Untitled(GenerateJsonSchema):
    # "Lsl Time" for "lsl_time" tells a reader nothing.
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of all messages, as the package ships it in ``schema.json``."""
    schema = TypeAdapter(Prediction | Status).json_schema(
        mode="serialization", schema_generator=_Untitled
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rtbci messages, version 1",
        **schema,
    }


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
