"""Items made ahead of time: all of them, in order, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from replay.prefetch import prefetched


def makers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_every_item_comes_once_and_in_order(ahead: int) -> None:
    assert list(prefetched(range(50), ahead)) == list(range(50))
    assert list(prefetched([], ahead)) == []
    assert not makers()


def test_no_more_is_made_ahead_than_asked_for() -> None:
    made: list[int] = []
    fourth = threading.Event()

    def items() -> Iterator[int]:
        for k in range(50):
            made.append(k)
            if k == 3:
                fourth.set()
            yield k

    wanted = prefetched(items(), 2)
    assert next(wanted) == 0
    assert fourth.wait(10)  # two wait to be taken, one more is in the maker's hand
    assert not [k for k in made if k > 3]
    wanted.close()


def test_an_error_is_raised_when_its_turn_comes() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ZeroDivisionError("the third")

    taken: list[int] = []
    with pytest.raises(ZeroDivisionError, match="the third"):
        taken.extend(prefetched(items(), 10))
    assert taken == [1, 2]


def test_leaving_early_ends_the_maker() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    wanted = prefetched(endless(), 2)
    next(wanted)
    assert makers()
    wanted.close()
    assert not makers()
