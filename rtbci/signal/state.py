"""What the compiled loops of the signal path work on: the wiring, the plan and the state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TILE = 64
"""Samples that go through all filters together: small enough to stay in the first-level cache."""


class Wiring(NamedTuple):
    """How the stream's channels become the recipe's.

    Attributes
    ----------
    pick : array of int, shape (channels,)
        Each channel's index in the stream, or -1 where it is interpolated.
    scale : array, shape (channels,)
        Microvolts per unit of the stream.
    missing : array of int, shape (interpolated,)
        Which channels are interpolated.
    weights : array, shape (interpolated, channels)
        Their weights over the recipe's channels.
    average : bool
        Whether the mean over channels is subtracted.
    """

    pick: NDArray[np.int64]
    scale: NDArray[np.float64]
    missing: NDArray[np.int64]
    weights: NDArray[np.float64]
    average: bool


class Plan(NamedTuple):
    """What is computed.

    Attributes
    ----------
    gain, poles, notch : arrays
        Coefficients, see ``FilterDesign``; without bands, nothing is filtered into any.
    block, blocks, hop : int
        Samples in a block, blocks in a window, samples from one window to the next.
    floor : float
        The least variance, square microvolts.
    de : int
        Which of a map's features is the DE, or -1 if none is.
    """

    gain: NDArray[np.float64]
    poles: NDArray[np.float64]
    notch: NDArray[np.float64]
    block: int
    blocks: int
    hop: int
    floor: float
    de: int


class State(NamedTuple):
    """Everything that is remembered from one sample to the next.

    A window's variance is built from blocks of ``block`` samples, ``blocks`` of them a window. Of
    the current run of ``blocks`` blocks ``head_*`` holds the moments of those seen so far, and
    ``tail_*[k]`` those of block k of the run before up to its end. A window is always one tail and
    the head, so nothing is ever subtracted and an artefact leaves without a trace.

    Attributes
    ----------
    counters : array of int, shape (3,)
        Samples so far, samples in the current block, blocks in the current run.
    started : array of bool, shape (channels,)
        Whether the channel has had a sample that is a number.
    offset : array, shape (channels,)
        That first sample, taken off all later ones: the filters then start as if the channel had
        stood there for ever.
    held : array, shape (channels,)
        The last sample that was a number: it stands in for those that are not.
    last_bad : array of int, shape (channels,)
        Index of the last sample that was no number.
    notch, bank : arrays, shape (notches, 2, channels) and (bands, sections, 2, channels)
        Filter states.
    shift, total, square : arrays, shape (bands, channels)
        The current block: its first value, and the sums of differences from it and their squares.
    head_mean, head_square : arrays, shape (bands, channels)
        Mean, and sum of squared deviations from it.
    tail_mean, tail_square : arrays, shape (blocks, bands, channels)
        The same.
    samples, band : arrays, shape (TILE, channels)
        Scratch.
    wired : array, shape (kept samples, channels)
        The last call's samples before the filter bank; of no length where nobody asks for them. A
        stage that comes last may work in them.
    filtered : array, shape (bands, kept samples, channels)
        The last call's samples of each band; likewise.
    """

    counters: NDArray[np.int64]
    started: NDArray[np.bool_]
    offset: NDArray[np.float64]
    held: NDArray[np.float64]
    last_bad: NDArray[np.int64]
    notch: NDArray[np.float64]
    bank: NDArray[np.float64]
    shift: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    head_mean: NDArray[np.float64]
    head_square: NDArray[np.float64]
    tail_mean: NDArray[np.float64]
    tail_square: NDArray[np.float64]
    samples: NDArray[np.float64]
    band: NDArray[np.float64]
    wired: NDArray[np.float64]
    filtered: NDArray[np.float64]


def initial_state(plan: Plan, channels: int, wired: int = 0, filtered: int = 0) -> State:
    """Return the state before the first sample.

    Parameters
    ----------
    plan : Plan
        What is computed.
    channels : int
        Number of the recipe's channels.
    wired, filtered : int
        How many samples ``State.wired`` and ``State.filtered`` keep: none, or as many as one call
        of :func:`advance` may be given.
    """
    bands, sections = plan.poles.shape[:2]
    return State(
        counters=np.zeros(3, np.int64),
        started=np.zeros(channels, np.bool_),
        offset=np.zeros(channels),
        held=np.zeros(channels),
        last_bad=np.full(channels, np.iinfo(np.int64).min // 2),
        notch=np.zeros((len(plan.notch), 2, channels)),
        bank=np.zeros((bands, sections, 2, channels)),
        shift=np.zeros((bands, channels)),
        total=np.zeros((bands, channels)),
        square=np.zeros((bands, channels)),
        head_mean=np.zeros((bands, channels)),
        head_square=np.zeros((bands, channels)),
        tail_mean=np.zeros((plan.blocks, bands, channels)),
        tail_square=np.zeros((plan.blocks, bands, channels)),
        samples=np.zeros((TILE, channels)),
        band=np.zeros((TILE, channels)),
        wired=np.zeros((wired, channels)),
        filtered=np.zeros((bands, filtered, channels)),
    )
