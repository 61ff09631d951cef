"""The publisher, heard by plain ZeroMQ sockets and by a client in another process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
import zmq

from rtbci.errors import PublishError
from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import Prediction, decode

pytestmark = pytest.mark.timeout(60)

ANY_PORT = "tcp://127.0.0.1:*"


@pytest.fixture
def publisher():
    with Publisher(ANY_PORT) as opened:
        yield opened


@pytest.fixture
def connect():
    """Connect plain ZeroMQ sockets, as a program without rtbci would."""
    with zmq.Context() as context:

        def open_socket(
            address: str, topic: bytes = b"", kind: int = zmq.SUB, receive_queue: int = 0
        ) -> zmq.Socket:
            socket = context.socket(kind)
            socket.linger = 0
            socket.rcvhwm = receive_queue  # 0: without bound
            if kind == zmq.SUB:
                socket.subscribe(topic)
            socket.connect(address)
            if kind == zmq.XSUB:
                socket.send(b"\x01" + topic)
            return socket

        yield open_socket
        context.destroy(linger=0)


def greet_until_heard(publisher: Publisher, socket: zmq.Socket) -> list[bytes]:
    while not socket.poll(20):
        publisher.greet()
    return socket.recv_multipart()


@pytest.mark.parametrize("kind", [zmq.SUB, zmq.XSUB])
def test_late_subscriber_gets_the_last_status_at_once(publisher, connect, messages, kind):
    publisher.publish(messages.status(message="first"))
    publisher.publish(messages.status(message="last"))
    late = connect(publisher.address, kind=kind)
    assert decode(greet_until_heard(publisher, late)) == messages.status(message="last")


def test_second_subscriber_to_the_same_topic_is_greeted_too(publisher, connect, messages):
    publisher.publish(messages.status())
    first = connect(publisher.address, b"status/")
    greet_until_heard(publisher, first)
    second = connect(publisher.address, b"status/")
    assert decode(greet_until_heard(publisher, second)) == messages.status()


def test_greeting_is_only_for_the_stream_asked_for(publisher, connect, messages):
    publisher.publish(messages.status(stream="one"))
    publisher.publish(messages.status(stream="two"))
    # A bystander that hears everything shows what the second subscription makes the publisher send.
    bystander = connect(publisher.address)
    heard = {
        decode(greet_until_heard(publisher, bystander)).stream,
        decode(bystander.recv_multipart()).stream,
    }
    assert heard == {"one", "two"}
    late = connect(publisher.address, b"status/two")
    assert decode(greet_until_heard(publisher, late)).stream == "two"
    publisher.publish(messages.prediction(stream="end"))
    assert [decode(bystander.recv_multipart()).stream for _ in range(2)] == ["two", "end"]


def test_nobody_is_told_of_a_forgotten_stream(publisher, connect, messages):
    publisher.publish(messages.status(stream="type=EEG", state="stale"))
    publisher.forget("type=EEG")
    publisher.forget("never there")
    publisher.publish(messages.status(stream="eeg"))
    late = connect(publisher.address)
    assert decode(greet_until_heard(publisher, late)).stream == "eeg"
    publisher.publish(messages.prediction())
    assert late.recv_multipart()[0] == b"prediction/eeg"


def test_nobody_is_greeted_twice(publisher, connect, messages):
    publisher.publish(messages.status())
    socket = connect(publisher.address)
    greet_until_heard(publisher, socket)
    publisher.greet()
    publisher.publish(messages.prediction())
    assert socket.recv_multipart()[0] == b"prediction/eeg"


def test_leaving_is_not_taken_for_coming(publisher, connect, messages):
    publisher.publish(messages.status())
    bystander = connect(publisher.address)
    greet_until_heard(publisher, bystander)
    other = connect(publisher.address, b"status/eeg")
    greet_until_heard(publisher, other)
    greet_until_heard(publisher, bystander)
    # Subscriptions keep their order, so once the second is in force the first has been given up.
    other.unsubscribe(b"status/eeg")
    other.subscribe(b"prediction/eeg")
    while not other.poll(20):
        publisher.publish(messages.prediction())
        publisher.greet()
    publisher.publish(messages.prediction(label="end"))
    heard = []
    while not heard or heard[-1].label != "end":
        heard.append(decode(bystander.recv_multipart()))
        assert isinstance(heard[-1], Prediction)


def test_five_lines_of_plain_zeromq_receive_the_documented_keys(publisher, connect, messages):
    greeted = connect(publisher.address)
    publisher.publish(messages.status())
    greet_until_heard(publisher, greeted)
    publisher.publish(messages.prediction())
    topic, body = greeted.recv_multipart()
    prediction = json.loads(body)
    assert topic == b"prediction/eeg"
    assert prediction == {
        "v": 1,
        "stream": "eeg",
        "seq": 0,
        "label": "positive",
        "probabilities": {"negative": 0.125, "neutral": 0.25, "positive": 0.625},
        "abstained": False,
        "lsl_time": 1000.0,
        "unix_time": 1.7e9,
        "latency_ms": 12.5,
        "quality": {"bad_channels": [], "interpolated": [], "gap_ms": 0.0},
        "state": "ok",
        "model": "cnn",
    }


READER = """
import sys
from rtbci.publish.client import subscribe
from rtbci.publish.wire import Status

with subscribe(sys.argv[1], stream="eeg", timeout=30) as subscription:
    assert isinstance(next(subscription.messages()), Status)
    print("ready", flush=True)
    seqs = [subscription.receive().seq for _ in range(int(sys.argv[2]))]
    print(seqs == list(range(len(seqs))), subscription.received, subscription.lost)
"""


def test_another_process_receives_all_in_order(publisher, messages):
    n = 10_000
    publisher.publish(messages.status())
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, publisher.address, str(n)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with reader:
        # The reader's readiness comes through a pipe; the loop goes on greeting meanwhile.
        ready = zmq.Poller()
        ready.register(reader.stdout, zmq.POLLIN)
        while not ready.poll(20):
            publisher.greet()
        assert reader.stdout.readline() == "ready\n"
        for seq in range(n):
            publisher.publish(messages.prediction(seq))
        assert reader.stdout.readline() == f"True {n} 0\n"
    assert reader.returncode == 0


def read_all(socket: zmq.Socket, received: list[list[bytes]]) -> None:
    """Read until nothing has come for a while; no more, so that half a second is enough for all."""
    while socket.poll(2000):
        received.append(socket.recv_multipart())


def test_closing_sends_what_is_queued(connect, messages):
    n = 8000
    received: list[list[bytes]] = []
    with Publisher(ANY_PORT) as publisher:
        publisher.publish(messages.status())
        # A shorter queue would have to wake the reader more often than a busy machine can.
        socket = connect(publisher.address, receive_queue=1000)
        greet_until_heard(publisher, socket)
        # More than the system's own buffers hold, so the rest waits in the publisher's queue.
        for seq in range(n):
            publisher.publish(messages.prediction(seq, model="m" * 2000))
        reader = threading.Thread(target=read_all, args=(socket, received))
        reader.start()
    reader.join()
    assert [decode(frames).seq for frames in received] == list(range(n))


def test_subscriber_that_never_reads_blocks_neither_publishing_nor_closing(connect, messages):
    with Publisher(ANY_PORT) as publisher:
        publisher.publish(messages.status())
        stalled = connect(publisher.address, receive_queue=1)
        greet_until_heard(publisher, stalled)
        long = messages.prediction(model="m" * 2000)
        for _ in range(20_000):
            publisher.publish(long)


def test_port_in_use_is_one_line_that_says_what_to_do(publisher):
    with pytest.raises(PublishError) as caught:
        Publisher(publisher.address)
    line = str(caught.value)
    assert publisher.address in line
    assert "in use" in line
    assert "--address" in line
    assert "\n" not in line


@pytest.mark.parametrize("address", ["nonsense", "", "tcp://127.0.0.1:99999", "foo://127.0.0.1:1"])
def test_malformed_address_is_one_line(address):
    with pytest.raises(PublishError) as caught:
        Publisher(address)
    assert repr(address) in str(caught.value)
    assert "tcp://127.0.0.1:5556" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_port_is_free_again_after_closing(messages):
    with Publisher(ANY_PORT) as first:
        address = first.address
    with Publisher(address) as second:
        assert second.address == address
