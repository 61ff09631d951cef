"""Waiting for a stream to appear."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event

from rtbci.errors import StreamError
from rtbci.stream.description import StreamDescription
from rtbci.stream.discovery import StreamFinder, StreamQuery, choose, describe

log = logging.getLogger(__name__)

PATIENCE_S = 0.1
"""The longest wait in which nobody is attended to."""

_LOOK_AROUND_S = 0.6  # how long to look for a second match, once there is a first


def await_stream(
    text: str, limit_s: float | None, stop: Event, attend: Callable[[], None]
) -> StreamDescription | None:
    """Wait for the stream that a person has named.

    Parameters
    ----------
    text : str
        ``name=...``, ``type=...``, ``source_id=...``, or bare: any of the three.
    limit_s : float or None
        The longest wait; None is for ever.
    stop : Event
        Ends the wait.
    attend : callable
        Called ten times a second.

    Returns
    -------
    StreamDescription or None
        None if told to stop.

    Raises
    ------
    StreamError
        If there is none in time, or more than one.
    """
    query = StreamQuery(text)
    deadline = None if limit_s is None else time.monotonic() + limit_s
    log.info("waiting for the stream %r", query.text)
    finder = StreamFinder(query.predicate)
    while not stop.wait(PATIENCE_S):
        if deadline is not None and time.monotonic() > deadline:
            raise StreamError(
                f"no LSL stream {query.text!r} within {limit_s:g} s; "
                "'rtbci streams' lists those on the network"
            )
        attend()
        if finder.look():
            time.sleep(_LOOK_AROUND_S)
            found = finder.look()
            stream = describe(choose(query, found)) if found else None
            if stream is not None:
                return stream
    return None


def completed(stream: StreamDescription, channels: tuple[str, ...]) -> StreamDescription:
    """Add what a person has said to what the stream says of itself.

    Raises
    ------
    StreamError
        If the stream still does not say enough.
    """
    if channels:
        stream = stream.with_channels(channels)
    stream.check_usable()
    return stream
