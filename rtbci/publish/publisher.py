"""The ZeroMQ end that predictions leave from.

An XPUB socket is a PUB socket that also hears who subscribes, so a subscriber that comes late gets
the last status at once instead of waiting for the next one. Any SUB or XSUB socket, in any
language, can listen.
"""

from __future__ import annotations

import errno
from typing import Self

import zmq

from rtbci.errors import PublishError
from rtbci.publish.wire import (
    DEFAULT_ADDRESS,
    STATUS_TOPIC,
    Prediction,
    Status,
    check_address,
    encode,
)

# A subscriber that stalls may fall this many messages behind (more than an hour at ten a second)
# before ZeroMQ drops what it cannot hold for it.
_QUEUE_LENGTH = 50_000
_LINGER_MS = 500
_SUBSCRIBE = b"\x01"

_MALFORMED = f"that is no ZeroMQ address; write it like {DEFAULT_ADDRESS}"
_ADVICE = {
    zmq.EINVAL: _MALFORMED,
    zmq.EPROTONOSUPPORT: _MALFORMED,
    zmq.EADDRINUSE: "the port is in use by another program; stop it or choose another port",
    zmq.EADDRNOTAVAIL: "this machine has no such network address; choose another",
    errno.ENODEV: "this machine has no such network address; choose another",
    errno.EACCES: "the system does not allow it; choose a port above 1023",
}


class Publisher:
    """Publishes predictions and statuses to whoever subscribes.

    Publishing never blocks: a subscriber that is too slow loses messages, nobody else does. Use it
    from one thread. Closing (or leaving the ``with`` block) sends what is still queued, for at most
    half a second.

    Parameters
    ----------
    address : str
        ZeroMQ address to bind to; port 0 takes any free port, see :attr:`address`.

    Raises
    ------
    PublishError
        If the address is malformed or its port is in use.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS) -> None:
        check_address(address)
        # A context of its own: ending it is what waits until the queue has been sent.
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)  # hear every subscription, not a topic's first
        self._socket.setsockopt(zmq.SNDHWM, _QUEUE_LENGTH)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        self._last_status: dict[bytes, list[bytes]] = {}
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            number = error.errno or 0
            advice = _ADVICE.get(number, zmq.strerror(number))
            raise PublishError(f"cannot publish on {address!r} (--address): {advice}") from None
        self._address = self._socket.get_string(zmq.LAST_ENDPOINT)

    @property
    def address(self) -> str:
        """The address in use, with its real port."""
        return self._address

    def publish(self, message: Prediction | Status, *, member: bool = False) -> None:
        """Send a message to all who subscribe to its topic now.

        Parameters
        ----------
        message : Prediction or Status
            What to send. The last status of each stream is also kept for :meth:`greet`.
        member : bool
            Whether it is what one of several models predicts by itself.
        """
        frames = encode(message, member=member)
        if isinstance(message, Status):
            self._last_status[frames[0]] = frames
        self._socket.send_multipart(frames)

    def forget(self, stream: str) -> None:
        """Drop a stream's last status: new subscribers are no longer told of it."""
        self._last_status.pop((STATUS_TOPIC + stream).encode(), None)

    def greet(self) -> None:
        """Send the last status to subscribers that have come since the last call.

        Never blocks; call it often, for instance each 100 ms. ZeroMQ cannot address one subscriber,
        so others on the same topic see that status again.
        """
        prefixes = self._new_subscriptions()
        for topic, frames in self._last_status.items():
            if any(topic.startswith(prefix) for prefix in prefixes):
                self._socket.send_multipart(frames)

    def close(self) -> None:
        """Send what is queued and close the socket."""
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_subscriptions(self) -> set[bytes]:
        prefixes: set[bytes] = set()
        while True:
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return prefixes
            # Unsubscriptions begin with 0, and an XSUB client may send messages of its own.
            if len(frames) == 1 and frames[0].startswith(_SUBSCRIBE):
                prefixes.add(frames[0][1:])
