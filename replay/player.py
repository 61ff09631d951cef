"""Play a source as a headset would: one LSL chunk after the other, each when it is due."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import pylsl

from replay.outlets import open_eeg_outlet, open_marker_outlet, push
from replay.pacing import Schedule
from replay.prefetch import prefetched
from replay.sources import Source
from rtbci.errors import ReplayError

_CHUNK_S = 0.02  # what headset drivers send at a time
_AHEAD_S = 1.0  # how much is ready to be sent, seconds of real time
_POLL_S = 0.2  # how soon a stop is noticed while waiting for a consumer
_MARKER_GRACE_S = 0.5  # a recorder opens the marker stream just after the EEG


@dataclass(frozen=True)
class PlaySettings:
    """How a source is played.

    Attributes
    ----------
    name : str
        Name of the EEG stream; the marker stream is ``name-markers``.
    speed : float
        1 is real time, 20 is twenty times as fast.
    chunk : int, optional
        Samples in a chunk; 20 ms of real time without it.
    wait : bool
        Begin when the EEG stream has its first consumer, so that nothing is sent into the void.
    linger_s : float
        How long the streams stay open after the last sample, so that it arrives.

    Raises
    ------
    ReplayError
        If a value is out of range.
    """

    name: str
    speed: float = 1.0
    chunk: int | None = None
    wait: bool = True
    linger_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ReplayError("--name is empty; a stream needs a name")
        if not 0 < self.speed < float("inf"):
            raise ReplayError(f"--speed {self.speed:g} is not above 0")
        if self.chunk is not None and self.chunk < 1:
            raise ReplayError(f"--chunk {self.chunk} is not at least 1 sample")


def play(
    source: Source,
    settings: PlaySettings,
    stop: Event | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Play a source to its end, or until ``stop`` is set.

    Sample i is due, and stamped, at ``t0 + i / (sfreq * speed)``. A chunk is sent when its last
    sample is due. A replay that has fallen behind sends without pause until it has caught up; it
    drops nothing and changes no stamp.

    Parameters
    ----------
    source : Source
        What to play.
    settings : PlaySettings
        How.
    stop : threading.Event, optional
        Set it to end the replay.
    on_progress : callable, optional
        Called after each chunk with the number of samples sent so far.

    Returns
    -------
    int
        Samples sent.

    Raises
    ------
    ReplayError
        If LSL refuses to open a stream.
    """
    stop = stop or Event()
    rate = source.sfreq * settings.speed
    eeg = open_eeg_outlet(source, settings.name)
    markers = open_marker_outlet(source, settings.name)
    if settings.wait and not _wait_for_consumer(eeg, markers, stop):
        return 0
    schedule = Schedule(pylsl.local_clock(), rate)
    sent = 0
    chunk = settings.chunk or max(1, round(_CHUNK_S * rate))
    ahead = math.ceil(_AHEAD_S * rate / chunk)
    for block in prefetched(source.blocks(chunk), ahead):
        count = len(block.samples)
        if not schedule.wait_for(sent + count - 1, stop):
            break
        for marker in block.markers:
            markers.push_sample([marker.text], schedule.due(marker.sample))
        push(eeg, block.samples, schedule.stamps(sent, count).tolist())
        sent += count
        if on_progress is not None:
            on_progress(sent)
    if eeg.have_consumers() or markers.have_consumers():
        # Closing an outlet throws away what is still on its way, and LSL cannot say what is.
        time.sleep(settings.linger_s)
    return sent


def _wait_for_consumer(eeg: pylsl.StreamOutlet, markers: pylsl.StreamOutlet, stop: Event) -> bool:
    """Wait for the EEG's first consumer; False if ``stop`` came first."""
    while not eeg.wait_for_consumers(_POLL_S):
        if stop.is_set():
            return False
    markers.wait_for_consumers(_MARKER_GRACE_S)
    return True
