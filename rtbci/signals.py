"""Ctrl-C and SIGTERM: never lost, and for a loop a wish that it sees, not an exception."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Timer, main_thread

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_S = 0.05


def repeat_dropped_interrupts() -> None:
    """Send Ctrl-C again, a moment later, where Python had to drop it.

    An exception cannot leave ``__del__`` or a callback from C (such as those that look through
    the loaded libraries for their threads): the command would go on as if nobody had stopped it.
    """
    usual = sys.unraisablehook

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            usual(dropped)
            return
        timer = Timer(_AGAIN_S, _interrupt_main_thread)
        timer.daemon = True
        timer.start()

    sys.unraisablehook = again


def _interrupt_main_thread() -> None:
    thread = main_thread().ident
    if thread is not None and hasattr(signal, "pthread_kill"):  # wakes it from any waiting
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """Yield an event that Ctrl-C and SIGTERM set.

    A loop so ends between two of its rounds, not in the midst of anything. A second signal does
    what it does otherwise, should the loop not get to see the first.
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
