"""Predictions as a typed, blocking or asynchronous iterator."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Self

import zmq
import zmq.asyncio

from rtbci.errors import PublishError, ReceiveTimeoutError
from rtbci.publish.wire import (
    DEFAULT_ADDRESS,
    MODEL_TOPIC,
    PREDICTION_TOPIC,
    STATUS_TOPIC,
    Prediction,
    Status,
    check_address,
    decode,
    member_topic,
)

_QUEUE_LENGTH = 50_000


def subscribe(
    address: str = DEFAULT_ADDRESS,
    stream: str | None = None,
    timeout: float | None = None,
    model: str | None = None,
) -> Subscription:
    """Subscribe to the predictions of a live system.

    Parameters
    ----------
    address : str
        Where it publishes. If nobody does, receiving waits until somebody does.
    stream : str or None
        Only the predictions of this EEG stream; None: of all streams.
    timeout : float or None
        Seconds without a prediction after which receiving fails; None: wait for ever.
    model : str or None
        Only what this model predicts by itself, beside others or alone; None: what the live system
        says, which of several models is their average.

    Returns
    -------
    Subscription
        Iterate over it, with ``for`` or ``async for``.

    Raises
    ------
    PublishError
        If the address is malformed.

    Examples
    --------
    >>> for prediction in subscribe(timeout=10):  # doctest: +SKIP
    ...     print(prediction.label, prediction.probabilities)
    """
    return Subscription(address, stream, timeout, model)


class Subscription:
    """An open subscription; see :func:`subscribe`. Use it from one thread.

    Attributes
    ----------
    last_status : Status or None
        The newest status that has come in so far; kept up to date while receiving.
    received : int
        Predictions received.
    lost : int
        Predictions that were published but never arrived, by the gaps in their ``seq``. A publisher
        that starts again at 0 has lost nothing.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        stream: str | None = None,
        timeout: float | None = None,
        model: str | None = None,
    ) -> None:
        check_address(address)
        self.last_status: Status | None = None
        self.received = 0
        self.lost = 0
        self._address = address
        self._stream = stream
        self._timeout = timeout
        self._model = model
        self._last_seq: dict[str, int] = {}
        self._async_socket: zmq.asyncio.Socket | None = None
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _QUEUE_LENGTH)
        self._socket.setsockopt(zmq.LINGER, 0)
        # Notices a publisher whose machine vanished without a word, and connects again.
        self._socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 10)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 5)
        self._topics = _topics(stream, model)
        for topic in self._topics:
            self._socket.setsockopt(zmq.SUBSCRIBE, topic)
        try:
            self._socket.connect(address)
        except zmq.ZMQError:
            self.close()
            raise PublishError(
                f"cannot subscribe to {address!r}: that is no ZeroMQ address; "
                f"write it like {DEFAULT_ADDRESS}"
            ) from None

    def receive(self, timeout: float | None = None) -> Prediction:
        """Wait for the next prediction.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait at most; None: as long as the subscription's own timeout says.

        Returns
        -------
        Prediction
            The next prediction in the order of publishing.

        Raises
        ------
        ReceiveTimeoutError
            If none arrived in that time.
        PublishError
            If a message is not an rtbci message of version 1, or the subscription is closed.
        """
        deadline = self._deadline(timeout)
        while not isinstance(message := self._take(), Prediction):
            if message is None:
                self._socket.poll(self._remaining_ms(deadline))
        return message

    async def receive_async(self, timeout: float | None = None) -> Prediction:
        """Wait for the next prediction without blocking the event loop; see :meth:`receive`.

        Cancelling loses no prediction: a message is taken only when it can be returned.
        """
        if self._async_socket is None:
            self._async_socket = zmq.asyncio.Socket.from_socket(self._socket)
        # Others on the loop get their turn even while a backlog is worked off.
        await asyncio.sleep(0)
        deadline = self._deadline(timeout)
        while not isinstance(message := self._take(), Prediction):
            if message is None:
                await self._async_socket.poll(self._remaining_ms(deadline))
        return message

    def messages(self, timeout: float | None = None) -> Iterator[Prediction | Status]:
        """Iterate over predictions and statuses alike, in the order of publishing.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait for either at most; None: as long as the subscription's own timeout.

        Yields
        ------
        Prediction or Status
            The next message. Fails as :meth:`receive` does.
        """
        while True:
            deadline = self._deadline(timeout)
            while (message := self._take()) is None:
                self._socket.poll(self._remaining_ms(deadline))
            yield message

    def close(self) -> None:
        """Close the socket."""
        if self._async_socket is not None:
            self._async_socket.close()
        self._socket.close()

    def __iter__(self) -> Iterator[Prediction]:
        while True:
            yield self.receive()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Prediction:
        return await self.receive_async()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> Prediction | Status | None:
        """Return the next message that is already here, if any, and keep the counts."""
        if self._socket.closed:
            raise PublishError(f"the subscription to {self._address} is closed; subscribe again")
        while True:
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            # ZeroMQ matches prefixes: the topic of "eeg" lets that of "eeg2" through.
            if self._stream is not None and frames[0] not in self._topics:
                continue
            message = decode(frames)
            if isinstance(message, Status):
                self.last_status = message
                return message
            if self._model in (None, message.model):
                self._count(message)
                return message

    def _count(self, prediction: Prediction) -> None:
        self.received += 1
        last = self._last_seq.get(prediction.stream)
        if last is not None and prediction.seq > last:
            self.lost += prediction.seq - last - 1
        self._last_seq[prediction.stream] = prediction.seq

    def _deadline(self, timeout: float | None) -> float:
        seconds = self._timeout if timeout is None else timeout
        return math.inf if seconds is None else time.monotonic() + seconds

    def _remaining_ms(self, deadline: float) -> int | None:
        """Return how long to wait yet, for ZeroMQ, or fail if the time is over."""
        if deadline == math.inf:
            return None
        seconds = deadline - time.monotonic()
        if seconds > 0:
            return math.ceil(1000 * seconds)
        raise ReceiveTimeoutError(f"{self._missed()} from {self._address} in time; {self._why()}")

    def _missed(self) -> str:
        of = "" if self._stream is None else f" of {self._stream!r}"
        by = "" if self._model is None else f" by the model {self._model!r}"
        return f"no prediction{of}{by}"

    def _why(self) -> str:
        status = self.last_status
        if status is None:
            return "is `rtbci live` running and publishing there?"
        runs = "" if self._model is None else f", runs {status.model!r}"
        return f"the live system is there{runs} and says: {status.state} {status.message}".rstrip()


def _topics(stream: str | None, model: str | None) -> list[bytes]:
    """Return what to subscribe to; ZeroMQ takes each for the beginning of a topic."""
    topics = [PREDICTION_TOPIC + (stream or ""), STATUS_TOPIC + (stream or "")]
    if model is not None:
        topics.append(MODEL_TOPIC if stream is None else member_topic(stream, model))
    return [topic.encode() for topic in topics]
