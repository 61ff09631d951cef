"""Ctrl-C and SIGTERM as a wish that a loop sees, not as an exception in the midst of anything."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """Yield an event that Ctrl-C and SIGTERM set.

    Raised as an exception a signal may be swallowed: inside ``__del__`` Python drops it. A second
    signal does what it does otherwise, should the loop not get to see the first.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    stopped = Event()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(*_: object) -> None:
        restore()
        stopped.set()

    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        restore()
