"""What a stream says of itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

from rtbci.errors import StreamError


@dataclass(frozen=True)
class StreamDescription:
    """An LSL stream's description.

    Attributes
    ----------
    name, kind, source_id, hostname : str
        As the stream declares them; ``kind`` is LSL's ``type``.
    uid : str
        LSL's own identifier: a stream that is restarted has another one.
    sfreq : float
        Nominal sampling rate, hertz; 0 if irregular.
    n_channels : int
        Number of channels.
    channels : tuple of str
        Channel names; empty where the stream does not name all its channels.
    units : tuple of str
        One for each channel, empty strings where none is declared.
    numeric : bool
        Whether its samples are numbers.
    """

    name: str
    kind: str
    source_id: str
    hostname: str
    uid: str
    sfreq: float
    n_channels: int
    channels: tuple[str, ...]
    units: tuple[str, ...]
    numeric: bool

    @property
    def signature(self) -> tuple[object, ...]:
        """What must not change when the stream comes back."""
        return self.sfreq, self.n_channels, self.channels, self.units, self.numeric

    def check_usable(self) -> None:
        """Refuse what cannot be EEG.

        Raises
        ------
        StreamError
            If the stream carries text, has an irregular rate or does not name its channels.
        """
        if not self.numeric:
            raise StreamError(f"stream {self.name!r} carries text, not samples")
        if self.sfreq <= 0:
            raise StreamError(
                f"stream {self.name!r} has an irregular rate; EEG needs a fixed sampling rate"
            )
        if not self.channels:
            raise StreamError(
                f"stream {self.name!r} does not name its {self.n_channels} channels; "
                "name them in order with --channels"
            )

    def with_channels(self, channels: tuple[str, ...]) -> StreamDescription:
        """Return the description with channel names given by a person.

        Raises
        ------
        StreamError
            If there are more or fewer names than channels.
        """
        if len(channels) != self.n_channels:
            raise StreamError(
                f"{len(channels)} channel names were given, but stream {self.name!r} has "
                f"{self.n_channels} channels"
            )
        return replace(self, channels=channels)


def parse_description(info: Any) -> StreamDescription:
    """Read the description of a stream from ``pylsl.StreamInfo``, as complete as that is."""
    import pylsl

    n_channels = info.channel_count()
    try:
        root = ElementTree.fromstring(info.as_xml())
    except ElementTree.ParseError:  # LSL lets control characters through, XML has none
        root = ElementTree.Element("info")
    entries = root.findall("./desc/channels/channel")
    labels = [_text(entry, "label") or _text(entry, "name") for entry in entries]
    units = [_text(entry, "unit") for entry in entries]
    return StreamDescription(
        name=info.name(),
        kind=info.type(),
        source_id=info.source_id(),
        hostname=info.hostname(),
        uid=info.uid(),
        sfreq=info.nominal_srate(),
        n_channels=n_channels,
        channels=tuple(labels) if len(labels) == n_channels and all(labels) else (),
        units=tuple(units) if len(units) == n_channels else ("",) * n_channels,
        numeric=info.channel_format() != pylsl.cf_string,
    )


def _text(entry: ElementTree.Element, tag: str) -> str:
    return (entry.findtext(tag) or "").strip()
