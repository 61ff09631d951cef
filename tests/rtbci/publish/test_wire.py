"""The wire format: what people in other languages rely on."""

from __future__ import annotations

import json
import math

import jsonschema
import pytest
from pydantic import ValidationError

from rtbci.errors import PublishError
from rtbci.publish.wire import SCHEMA_FILE, check_address, decode, encode, json_schema

PREDICTION_KEYS = [
    "v",
    "stream",
    "seq",
    "label",
    "probabilities",
    "abstained",
    "lsl_time",
    "unix_time",
    "latency_ms",
    "quality",
    "state",
    "model",
]


@pytest.fixture(scope="module")
def shipped_schema():
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def test_shipped_schema_is_that_of_the_code(shipped_schema):
    assert shipped_schema == json_schema(), "write it again: python -m rtbci.publish.wire"


def test_schema_itself_is_valid_and_explains_every_key(shipped_schema):
    jsonschema.Draft202012Validator.check_schema(shipped_schema)
    for kind in shipped_schema["$defs"].values():
        for name, field in kind["properties"].items():
            assert field.get("description"), name


def test_messages_are_valid_by_an_independent_reader_of_the_schema(messages, shipped_schema):
    quality = {"bad_channels": ["FP1"], "interpolated": ["OZ"], "gap_ms": 3.5}
    for message in (
        messages.prediction(),
        messages.prediction(state="degraded", quality=quality),
        messages.prediction(label="a", probabilities={"a": 0.75, "b": 0.25}),
        messages.prediction(abstained=True, model="a+b"),
        messages.status(),
        messages.status(sfreq=250.0, message="two words", epoch=2, samples=12, gap_ms=4.0),
    ):
        jsonschema.validate(json.loads(encode(message)[1]), shipped_schema)


@pytest.mark.parametrize(
    ("key", "value"),
    [("seq", -1), ("state", "fine"), ("v", 2), ("probabilities", {"a": 1.5}), ("lsl_time", None)],
)
def test_schema_refuses_what_is_no_prediction(messages, shipped_schema, key, value):
    message = json.loads(encode(messages.prediction())[1])
    message[key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message, shipped_schema)


@pytest.mark.parametrize("key", PREDICTION_KEYS)
def test_schema_promises_every_key(messages, shipped_schema, key):
    message = json.loads(encode(messages.prediction())[1])
    del message[key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message, shipped_schema)


def test_prediction_has_the_documented_keys_in_order(messages):
    topic, body = encode(messages.prediction(stream="my eeg"))
    assert topic == b"prediction/my eeg"
    assert list(json.loads(body)) == PREDICTION_KEYS
    assert list(json.loads(body)["probabilities"]) == ["negative", "neutral", "positive"]


def test_messages_survive_the_wire(messages):
    for message in (
        messages.prediction(seq=7, label="ä", abstained=True),
        messages.status(sfreq=512.0),
    ):
        assert decode(encode(message)) == message


def test_one_of_several_models_has_a_topic_of_its_own(messages):
    own = messages.prediction(stream="my eeg", model="cnn v1")
    topic, body = encode(own, member=True)
    assert topic == b"model/my eeg/cnn v1"
    assert body == encode(own)[1]
    assert decode([topic, body]) == own


def test_a_program_from_before_abstaining_never_abstained(messages):
    topic, body = encode(messages.prediction(abstained=True))
    assert decode([topic, _without(body, "abstained")]) == messages.prediction()


def test_newer_keys_are_let_pass(messages):
    topic, body = encode(messages.prediction())
    assert decode([topic, body[:-1] + b', "new": 1}']) == messages.prediction()


def test_no_message_holds_nan(messages):
    with pytest.raises(ValidationError, match="finite"):
        messages.prediction(latency_ms=math.nan)


def _without(body: bytes, key: str) -> bytes:
    message = json.loads(body)
    del message[key]
    return json.dumps(message).encode()


def test_what_is_not_version_1_is_refused_in_one_line(messages):
    topic, body = encode(messages.prediction())
    newer = _without(body, "label").replace(b'"v": 1', b'"v": 2')
    for frames, reason in (
        ([topic, newer], "not version 1: v: "),
        ([topic, _without(body, "v")], "not version 1: v: "),
        ([topic, _without(body, "label")], "label: "),
        ([topic, b"\x80\x04pickle"], "JSON"),
        ([topic], "not 1 frames"),
        ([b"weather/eeg", body], "'weather/eeg'"),
    ):
        with pytest.raises(PublishError) as caught:
            decode(frames)
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("port", ["99999", "-1", "", "5 6", "5556\nx"])
def test_port_that_zeromq_would_misread_is_refused(port):
    with pytest.raises(PublishError, match="no port from 0 to 65535"):
        check_address(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://[::1]:5556", "ipc:///tmp/a"]
)
def test_proper_addresses_pass(address):
    check_address(address)
