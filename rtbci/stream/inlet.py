"""Pulling samples: blocking, exactly as many as are needed, stamps on this machine's clock."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import StreamError
from rtbci.stream.description import StreamDescription

_BUFFER_S = 360
_ANSWER_S = 5.0
_LOOK_S = 1.0
_LOOKS = 3


class StreamLostError(StreamError):
    """The stream has gone; it has to be found again."""


class Inlet:
    """An open connection to one stream.

    It does not recover by itself: a stream that is lost says so, because what comes back may have
    lost samples or be another device.

    Parameters
    ----------
    description : StreamDescription
        The stream.
    hop : int
        How many samples will mostly be asked for.

    Raises
    ------
    StreamLostError
        If the stream has gone meanwhile.
    """

    def __init__(self, description: StreamDescription, hop: int) -> None:
        from mne_lsl.lsl import StreamInlet

        sinfo = _resolve(description)
        self._hop = hop
        self._inlet: Any = StreamInlet(
            sinfo, max_buffered=_BUFFER_S, recover=False, processing_flags=["clocksync"]
        )
        # Asked for before the first pull, which opens the stream: it takes a quarter of a second,
        # in which samples would queue up. (So would opening explicitly, which waits half a second.)
        try:
            self._inlet.time_correction(timeout=_ANSWER_S)
        except (RuntimeError, TimeoutError):
            self.close()
            raise StreamLostError(f"stream {description.name!r} does not answer") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._inlet = None  # mne_lsl closes the stream with its last reference

    def pull(
        self, n_samples: int, timeout: float
    ) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
        """Wait until samples are there, at most ``timeout`` seconds.

        Parameters
        ----------
        n_samples : int
            How many are wanted. Fewer may come, none after a timeout.
        timeout : float
            Seconds.

        Returns
        -------
        samples : array, shape (samples, channels)
            In the stream's own type and unit; valid until the next pull.
        stamps : array, shape (samples,)
            LSL times on this machine's clock, seconds.

        Raises
        ------
        StreamLostError
            If the stream has ended.
        """
        # mne_lsl keeps a buffer for each size that was ever asked for, and after a timeout any
        # remainder of a hop may be needed: asking for it in powers of two keeps the buffers few.
        size = n_samples if n_samples == self._hop else 1 << (n_samples.bit_length() - 1)
        try:
            samples, stamps = self._inlet.pull_chunk(timeout=timeout, max_samples=size)
        except RuntimeError:
            raise StreamLostError("the stream has ended") from None
        return samples, stamps


def _resolve(description: StreamDescription) -> Any:
    """Find a stream again by its uid: mne_lsl has to see it with its own eyes.

    Raises
    ------
    StreamLostError
        If it is not there any more.
    """
    from mne_lsl.lsl import resolve_streams

    # By source id the answer comes at once. But two outlets may share it, and liblsl does not
    # quote what it is asked: then only a look at all streams, which takes its time, will do.
    by_source = {"source_id": description.source_id}
    looks = [by_source] if description.source_id and "'" not in description.source_id else []
    for properties in (*looks, *({},) * _LOOKS):
        for info in resolve_streams(_LOOK_S, **properties):
            if info.uid == description.uid:
                return info
    raise StreamLostError(f"stream {description.name!r} has gone before it could be opened")
