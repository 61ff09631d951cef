"""Finding streams on the network and asking them what they are.

This uses ``pylsl``, whose inlet tells a stream's description without subscribing to its samples: a
device is looked at before it is told to send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rtbci.errors import StreamError
from rtbci.stream.description import StreamDescription, parse_description

_FIELDS = ("name", "type", "source_id")
_QUERY = re.compile(r"^(name|type|source_id)=(.+)$", re.DOTALL)
_FORGET_S = 1.5  # a stream that has not answered for so long is no longer there
_DESCRIBE_S = 2.0


@dataclass(frozen=True)
class StreamQuery:
    """Which stream is meant.

    Attributes
    ----------
    text : str
        ``name=...``, ``type=...``, ``source_id=...``, or bare: any of the three.
    """

    text: str

    @property
    def predicate(self) -> str:
        """LSL's XPath predicate for it."""
        matched = _QUERY.match(self.text)
        if matched:
            return f"{matched[1]}={_quoted(matched[2])}"
        return " or ".join(f"{field}={_quoted(self.text)}" for field in _FIELDS)


def same_device(description: StreamDescription, query: StreamQuery) -> str:
    """Return the predicate for a device that comes back: same source id, or same name.

    Who asked for a source id has told devices of one name apart, and gets no other one.
    """
    name, source_id = description.name, description.source_id
    if not source_id:
        return f"name={_quoted(name)}"
    by_source = f"source_id={_quoted(source_id)}"
    chosen = query.text in {f"source_id={source_id}", source_id} and source_id != name
    return by_source if chosen else f"{by_source} or name={_quoted(name)}"


class StreamFinder:
    """Looks for streams in the background for as long as it lives.

    Parameters
    ----------
    predicate : str
        LSL's XPath predicate.
    """

    def __init__(self, predicate: str) -> None:
        import pylsl

        self._resolver = pylsl.ContinuousResolver(pred=predicate, forget_after=_FORGET_S)

    def look(self) -> list[Any]:
        """Return the ``pylsl.StreamInfo`` of streams there now, without their descriptions."""
        return _distinct(self._resolver.results())


def choose(query: StreamQuery, found: list[Any]) -> Any:
    """Return the one stream that is meant; a stream's name comes before its type and source id.

    Raises
    ------
    StreamError
        If several streams match.
    """
    candidates = [info for info in found if info.name() == query.text] or found
    if len(candidates) > 1:
        listed = ", ".join(f"{info.name()!r} (source_id={info.source_id()})" for info in candidates)
        raise StreamError(
            f"{len(candidates)} streams match {query.text!r}: {listed}; "
            "choose one with --stream source_id=..."
        )
    return candidates[0]


def list_streams(timeout: float) -> list[StreamDescription]:
    """Describe all streams that answer within ``timeout`` seconds, sorted by name."""
    import pylsl

    described = [describe(info) for info in _distinct(pylsl.resolve_streams(timeout))]
    return sorted(
        (stream for stream in described if stream is not None),
        key=lambda stream: (stream.name, stream.source_id),
    )


def describe(info: Any) -> StreamDescription | None:
    """Ask a stream for its full description; None if it has gone meanwhile."""
    import pylsl

    inlet = pylsl.StreamInlet(info, max_buflen=1, recover=False)
    try:
        return parse_description(inlet.info(timeout=_DESCRIBE_S))
    except (TimeoutError, RuntimeError):  # of which pylsl's own errors are kinds
        return None


def _distinct(infos: Iterable[Any]) -> list[Any]:
    """Leave out what was found twice, over two network interfaces."""
    return list({info.uid(): info for info in infos}.values())


def _quoted(value: str) -> str:
    """Put a value into XPath quotes, which know no escape."""
    for quote in "'\"":
        if quote not in value:
            return f"{quote}{value}{quote}"
    raise StreamError(f"a stream called {value!r}, with both kinds of quotes, cannot be looked for")
