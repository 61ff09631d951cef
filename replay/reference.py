"""Signals without end that generators edit: a recording in a circle, and the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording, recording_of
from replay.generated import SimulatorSource
from replay.script import Step
from replay.simulator.simulator import Simulator
from replay.sources import RecordingSource
from rtbci.errors import ReplayError

SIMULATOR = "simulator"
"""Name of a reference that is simulated."""

_FADE_S = 1.0
NEUTRAL = "neutral"


def recorded_reference(recording: Recording) -> RecordingSource:
    """Return a recording that goes round for ever, without a click where it begins again.

    Raises
    ------
    ReplayError
        If it is too short for that.
    RecordingError
        If the samples cannot be read.
    """
    fade = round(_FADE_S * recording.sfreq)
    if recording.n_samples < 3 * fade:
        raise ReplayError(
            f"{recording.name} lasts {recording.duration_s:g} s; a reference has to last "
            f"{3 * _FADE_S:g} s at least"
        )
    circle = recording_of(
        seamless(recording.read(), fade),
        recording.sfreq,
        recording.channels,
        name=recording.name,
        subject=recording.subject,
        session=recording.session,
    )
    return RecordingSource(circle, loop=True)


def simulated_reference(
    sfreq: float, channels: Sequence[str], seed: int, emotion: str = NEUTRAL
) -> SimulatorSource:
    """Return simulated EEG of one emotion for ever.

    Raises
    ------
    ReplayError
        If the simulator does not know the emotion.
    """
    simulator = Simulator(sfreq, channels, seed)
    if emotion not in simulator.emotions:
        raise ReplayError(
            f"the generator's calibration is of {emotion}, and the simulator knows "
            f"{', '.join(simulator.emotions)}: name a recording that begins so with --reference"
        )
    step = Step(simulator.emotions.index(emotion), 60.0)
    identity = f"simulator {seed} {sfreq} {','.join(channels)} {emotion}"
    return SimulatorSource(simulator, identity, (step,), loop=True)


def seamless(samples: NDArray[np.floating[Any]], fade: int) -> NDArray[np.float32]:
    """Return a signal whose end goes over into its beginning.

    The last samples are faded out while the first are faded in, each about its own line by the sine
    and cosine that keep the power of what is unrelated, and the lines themselves linearly.

    Parameters
    ----------
    samples : array, shape (channels, samples)
    fade : int
        How many samples that takes, at most half of them.

    Returns
    -------
    array, shape (channels, samples - fade)
        After its last sample comes its first.
    """
    x = samples.astype(np.float64)
    head, tail = x[:, :fade], x[:, -fade:]
    head_line, tail_line = _line(head), _line(tail)
    u = (np.arange(fade) + 0.5) / fade
    rise, fall = np.sin(np.pi / 2 * u), np.cos(np.pi / 2 * u)
    joined = (
        (1 - u) * tail_line + u * head_line + fall * (tail - tail_line) + rise * (head - head_line)
    )
    return np.concatenate([joined, x[:, fade:-fade]], axis=1).astype(np.float32)


def _line(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the straight lines nearest to signals (channels, samples), to what is finite."""
    t = np.linspace(-1, 1, x.shape[1])
    known = np.isfinite(x)
    values, count = np.where(known, x, 0), np.maximum(known.sum(axis=1, keepdims=True), 1)
    centre = (known * t).sum(axis=1, keepdims=True) / count
    mean = values.sum(axis=1, keepdims=True) / count
    apart = known * (t - centre)
    spread = np.maximum((apart**2).sum(axis=1, keepdims=True), 1e-12)
    slope = (apart * values).sum(axis=1, keepdims=True) / spread
    line: NDArray[np.float64] = mean + slope * (t - centre)
    return line
