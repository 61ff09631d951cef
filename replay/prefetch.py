"""Blocks made ahead of time, so that making one never delays the sending of another."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")

_PATIENCE_S = 0.1  # how soon the maker notices that nobody wants more


def prefetched(items: Iterable[T], ahead: int) -> Iterator[T]:
    """Iterate over ``items``, up to ``ahead`` of them made in advance by a thread of its own.

    An error in making an item is raised here when its turn comes. The thread ends with the
    iteration, also with one that is left early.
    """
    made: queue.Queue[T] = queue.Queue(maxsize=ahead)
    done, unwanted = Event(), Event()
    failure: list[BaseException] = []

    def make() -> None:
        try:
            for item in items:
                while not unwanted.is_set():
                    try:
                        made.put(item, timeout=_PATIENCE_S)
                        break
                    except queue.Full:
                        continue
                if unwanted.is_set():
                    return
        except BaseException as error:
            failure.append(error)
        finally:
            done.set()

    maker = Thread(target=make, name="prefetch", daemon=True)
    maker.start()
    try:
        while True:
            try:
                yield made.get(timeout=_PATIENCE_S)
            except queue.Empty:
                if not done.is_set():
                    continue
                if made.empty():
                    break
        if failure:
            raise failure[0]
    finally:
        unwanted.set()
        maker.join()
