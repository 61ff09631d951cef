"""The client, against real publishers."""

from __future__ import annotations

import asyncio

import pytest
import zmq

from rtbci.errors import PublishError, ReceiveTimeoutError
from rtbci.publish.client import Subscription, subscribe
from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import Prediction, Status

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def publisher():
    with Publisher("tcp://127.0.0.1:*") as opened:
        yield opened


@pytest.fixture
def join(messages):
    """Subscribe and return when the subscription has reached the publisher."""
    opened = []

    def open_subscription(publisher: Publisher, **options) -> Subscription:
        subscription = subscribe(publisher.address, **options)
        opened.append(subscription)
        stream = options.get("stream") or "eeg"
        publisher.publish(messages.status(stream=stream))
        while subscription.last_status is None:
            publisher.greet()
            with pytest.raises(ReceiveTimeoutError):
                subscription.receive(timeout=0.02)
        # The first status may come twice, as published and as greeting: read on past both.
        publisher.publish(messages.status(stream=stream, message="joined"))
        for message in subscription.messages(timeout=10):
            if message.message == "joined":
                break
        return subscription

    yield open_subscription
    for subscription in opened:
        subscription.close()


def test_for_loop_yields_predictions_only(publisher, join, messages):
    subscription = join(publisher)
    publisher.publish(messages.prediction(0))
    publisher.publish(messages.status(message="between"))
    publisher.publish(messages.prediction(1))
    heard = []
    for prediction in subscription:
        heard.append(prediction)
        if len(heard) == 2:
            break
    assert heard == [messages.prediction(0), messages.prediction(1)]
    assert subscription.last_status == messages.status(message="between")
    assert (subscription.received, subscription.lost) == (2, 0)


def test_messages_yields_both_kinds_in_order(publisher, join, messages):
    subscription = join(publisher)
    publisher.publish(messages.prediction(0))
    publisher.publish(messages.status())
    both = subscription.messages(timeout=10)
    assert isinstance(next(both), Prediction)
    assert isinstance(next(both), Status)


def test_stream_whose_name_only_begins_alike_is_left_out(publisher, join, messages):
    subscription = join(publisher, stream="eeg")
    publisher.publish(messages.status(stream="eeg2", message="another's"))
    publisher.publish(messages.prediction(0, stream="eeg2"))
    publisher.publish(messages.prediction(5, stream="eeg"))
    assert subscription.receive(timeout=10).stream == "eeg"
    assert subscription.last_status.stream == "eeg"
    assert subscription.received == 1


@pytest.mark.parametrize("stream", [None, "eeg"])
def test_one_of_several_models_is_heard_by_itself(publisher, join, messages, stream):
    own = join(publisher, stream=stream, model="cnn")
    all_together = join(publisher, stream=stream)
    for seq in range(3):
        publisher.publish(messages.prediction(seq, model="cnn+graph"))
        for model, later in (("cnn", 5), ("graph", 0), ("cnn2", 9)):
            publisher.publish(messages.prediction(seq + later, model=model), member=True)
    heard = [own.receive(timeout=10) for _ in range(3)]
    assert heard == [messages.prediction(5 + seq, model="cnn") for seq in range(3)]
    heard = [all_together.receive(timeout=10) for _ in range(3)]
    assert [(p.seq, p.model) for p in heard] == [(seq, "cnn+graph") for seq in range(3)]
    for subscription in (own, all_together):
        assert (subscription.received, subscription.lost) == (3, 0)
        with pytest.raises(ReceiveTimeoutError):
            subscription.receive(timeout=0.1)


def test_a_model_that_runs_alone_is_heard_by_its_name_as_well(publisher, join, messages):
    subscription = join(publisher, model="cnn")
    publisher.publish(messages.prediction(0, model="graph"))
    publisher.publish(messages.prediction(1, model="cnn"))
    assert subscription.receive(timeout=10).model == "cnn"
    assert (subscription.received, subscription.lost) == (1, 0)


def test_a_model_that_does_not_run_is_missed_by_name(publisher, join, messages):
    subscription = join(publisher, model="mlp")
    publisher.publish(messages.status(model="cnn+graph"))
    with pytest.raises(ReceiveTimeoutError, match=r"by the model 'mlp'.*runs 'cnn\+graph'"):
        subscription.receive(timeout=0.2)


def test_gaps_in_seq_are_counted_per_stream(publisher, join, messages):
    subscription = join(publisher)
    for stream, seq in [("a", 3), ("b", 10), ("a", 4), ("a", 7), ("b", 11), ("b", 13)]:
        publisher.publish(messages.prediction(seq, stream=stream))
    for _ in range(6):
        subscription.receive(timeout=10)
    # 5 and 6 of a, 12 of b; what was published before joining is no loss.
    assert subscription.lost == 3
    assert subscription.received == 6


def test_restarted_publisher_is_found_again_and_has_lost_nothing(join, messages):
    with Publisher("tcp://127.0.0.1:*") as first:
        subscription = join(first)
        address = first.address
        for seq in range(3):
            first.publish(messages.prediction(seq))
            subscription.receive(timeout=10)
    with Publisher(address) as second:
        second.publish(messages.status(message="again"))
        while subscription.last_status.message != "again":
            second.greet()
            with pytest.raises(ReceiveTimeoutError):
                subscription.receive(timeout=0.05)
        for seq in range(2):
            second.publish(messages.prediction(seq))
        assert [subscription.receive(timeout=10).seq for _ in range(2)] == [0, 1]
    assert (subscription.received, subscription.lost) == (5, 0)


def test_timeout_says_where_and_what_to_do():
    with subscribe("tcp://127.0.0.1:1", stream="eeg", timeout=0.05) as subscription:
        with pytest.raises(ReceiveTimeoutError) as caught:
            next(iter(subscription))
        line = str(caught.value)
        assert "tcp://127.0.0.1:1" in line
        assert "'eeg'" in line
        assert "rtbci live" in line
        assert "\n" not in line


def test_statuses_do_not_hold_off_the_timeout_but_are_told(publisher, join, messages):
    subscription = join(publisher)
    publisher.publish(messages.status(state="stale", message="no samples since 12:00"))
    with pytest.raises(ReceiveTimeoutError, match="stale no samples since 12:00"):
        subscription.receive(timeout=0.2)


def test_subscription_before_any_publisher_waits_for_it(messages):
    with Publisher("tcp://127.0.0.1:*") as reserve:
        address = reserve.address
    with subscribe(address, timeout=0.05) as subscription:
        with pytest.raises(ReceiveTimeoutError):
            subscription.receive()
        with Publisher(address) as publisher:
            publisher.publish(messages.status())
            while subscription.last_status is None:
                publisher.greet()
                with pytest.raises(ReceiveTimeoutError):
                    subscription.receive()
            publisher.publish(messages.prediction(0))
            assert subscription.receive(timeout=10) == messages.prediction(0)


def test_message_of_another_version_is_one_line_and_the_next_is_read(messages):
    with zmq.Context() as context, context.socket(zmq.XPUB) as other:
        other.bind("tcp://127.0.0.1:*")
        with subscribe(other.get_string(zmq.LAST_ENDPOINT), timeout=10) as subscription:
            assert {other.recv(), other.recv()} == {b"\x01prediction/", b"\x01status/"}
            other.send_multipart([b"prediction/eeg", b'{"v": 2, "emotion": "joy"}'])
            other.send_multipart([b"prediction/eeg", b"{"])
            other.send_multipart(
                [b"prediction/eeg", messages.prediction().model_dump_json().encode()]
            )
            with pytest.raises(PublishError, match="not version 1: v: ") as caught:
                subscription.receive()
            assert "\n" not in str(caught.value)
            with pytest.raises(PublishError, match="JSON"):
                subscription.receive()
            assert subscription.receive() == messages.prediction()


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1", "tcp://*:5556"])
def test_malformed_address_is_one_line(address):
    with pytest.raises(PublishError) as caught:
        subscribe(address)
    assert repr(address) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_closed_subscription_says_so(publisher):
    with subscribe(publisher.address) as subscription:
        pass
    with pytest.raises(PublishError, match="closed"):
        subscription.receive()


async def test_async_for_yields_predictions(publisher, join, messages):
    async with join(publisher, timeout=10) as subscription:

        async def publish() -> None:
            for seq in range(50):
                publisher.publish(messages.prediction(seq))
                await asyncio.sleep(0.001)

        task = asyncio.create_task(publish())
        seqs = []
        async for prediction in subscription:
            seqs.append(prediction.seq)
            if len(seqs) == 50:
                break
        await task
    assert seqs == list(range(50))


async def test_async_timeout(publisher, join):
    subscription = join(publisher)
    with pytest.raises(ReceiveTimeoutError):
        await subscription.receive_async(timeout=0.05)


async def test_cancelled_receive_loses_nothing(publisher, join, messages):
    subscription = join(publisher)
    seqs = []
    published = 0
    while len(seqs) < 40:
        try:
            # Shorter than the way of a message now and then, so some are cancelled on arrival.
            prediction = await asyncio.wait_for(subscription.receive_async(), 0.0005)
        except TimeoutError:
            if published < 40:
                publisher.publish(messages.prediction(published))
                published += 1
        else:
            seqs.append(prediction.seq)
    assert seqs == list(range(40))
    assert subscription.lost == 0


async def test_backlog_does_not_hold_up_the_event_loop(publisher, join, messages):
    subscription = join(publisher)
    for seq in range(200):
        publisher.publish(messages.prediction(seq))
    turns = 0

    async def another_task() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(another_task())
    for _ in range(200):
        await subscription.receive_async(timeout=10)
    task.cancel()
    assert turns >= 200


def test_blocking_and_asynchronous_receiving_may_follow_each_other(publisher, join, messages):
    subscription = join(publisher)
    for seq in range(4):
        publisher.publish(messages.prediction(seq))
    seqs = [subscription.receive(timeout=10).seq]
    seqs.append(asyncio.run(subscription.receive_async(timeout=10)).seq)
    seqs.append(asyncio.run(subscription.receive_async(timeout=10)).seq)
    seqs.append(subscription.receive(timeout=10).seq)
    assert seqs == [0, 1, 2, 3]
