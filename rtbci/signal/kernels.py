"""The inner loops, compiled by numba: no Python, no GIL, no allocation.

What makes features bit-identical however the samples are cut into chunks: every number depends on
the samples before it and on its own index since the start, never on where a chunk ends.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtbci.signal.compiled import compiled
from rtbci.signal.state import TILE, Plan, State, Wiring

LIMIT_UV = 1e12
"""Beyond a million volts a sample is no voltage; it is treated like NaN."""

_FLUSH = 1e-60
_HALF_LOG_2PIE = 0.5 * math.log(2 * math.pi * math.e)


@compiled
def _wire(chunk: Any, wiring: Wiring, state: State, x: NDArray[np.float64]) -> None:
    """Bring a piece of a chunk to the recipe's channels, in microvolts, offset removed."""
    channels = x.shape[1]
    first = state.counters[0]
    for i in range(x.shape[0]):
        for c in range(channels):
            source = wiring.pick[c]
            if source < 0:
                continue
            value = np.float64(chunk[i, source]) * wiring.scale[c]
            if abs(value) <= LIMIT_UV:  # false for NaN
                state.held[c] = value
                if not state.started[c]:
                    state.started[c] = True
                    state.offset[c] = value
            else:
                value = state.held[c]
                state.last_bad[c] = first + i
            x[i, c] = value - state.offset[c]
        for m in range(wiring.missing.shape[0]):
            acc = 0.0
            for c in range(channels):
                if wiring.pick[c] >= 0:
                    acc += wiring.weights[m, c] * x[i, c]
            x[i, wiring.missing[m]] = acc
        if wiring.average:
            acc = 0.0
            for c in range(channels):
                acc += x[i, c]
            acc /= channels
            for c in range(channels):
                x[i, c] -= acc


@compiled
def _biquad(x: NDArray[np.float64], row: NDArray[np.float64], z: NDArray[np.float64]) -> None:
    """Filter in place with one second-order section, transposed direct form II."""
    b0, b1, b2, a1, a2 = row[0], row[1], row[2], row[3], row[4]
    z0, z1 = z[0], z[1]
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            value = x[i, c]
            out = b0 * value + z0[c]
            z0[c] = b1 * value - a1 * out + z1[c]
            z1[c] = b2 * value - a2 * out
            x[i, c] = out


@compiled
def _resonator(x: NDArray[np.float64], a1: float, a2: float, z: NDArray[np.float64]) -> None:
    """Filter in place with one resonator: a biquad whose numerator is 1, 0, -1."""
    z0, z1 = z[0], z[1]
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            value = x[i, c]
            out = value + z0[c]
            z0[c] = z1[c] - a1 * out
            z1[c] = -value - a2 * out
            x[i, c] = out


@compiled
def _band_pass(
    x: NDArray[np.float64],
    gain: float,
    poles: NDArray[np.float64],
    z: NDArray[np.float64],
    y: NDArray[np.float64],
) -> None:
    """Filter into ``y`` with one band's resonators."""
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            y[i, c] = gain * x[i, c]
    for s in range(poles.shape[0]):
        _resonator(y, poles[s, 0], poles[s, 1], z[s])


@compiled
def _accumulate(
    y: NDArray[np.float64],
    fresh: bool,
    shift: NDArray[np.float64],
    total: NDArray[np.float64],
    square: NDArray[np.float64],
) -> None:
    """Add samples to the current block's sums, as differences from the block's first value."""
    if fresh:
        for c in range(y.shape[1]):
            shift[c] = y[0, c]
            total[c] = 0.0
            square[c] = 0.0
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            difference = y[i, c] - shift[c]
            total[c] += difference
            square[c] += difference * difference


@compiled
def _close_block(plan: Plan, state: State) -> None:
    """Turn the block's sums into moments and merge them into the head of the run."""
    n = plan.block
    k = state.counters[2]
    bands, channels = state.shift.shape
    for b in range(bands):
        for c in range(channels):
            total = state.total[b, c]
            mean = state.shift[b, c] + total / n
            square = max(state.square[b, c] - total * (total / n), 0.0)
            state.tail_mean[k, b, c] = mean
            state.tail_square[k, b, c] = square
            if k == 0:
                state.head_mean[b, c] = mean
                state.head_square[b, c] = square
            else:  # Chan, Golub & LeVeque 1979: moments of two parts make those of the whole
                difference = mean - state.head_mean[b, c]
                state.head_mean[b, c] += difference / (k + 1)
                state.head_square[b, c] += square + difference * difference * (n * k / (k + 1))


@compiled
def _emit(plan: Plan, state: State, out: NDArray[np.float64]) -> None:
    """Write the DE of the window that ends here."""
    n = plan.block
    head = state.counters[2] + 1
    tail = plan.blocks - head
    bands, channels = out.shape
    for b in range(bands):
        for c in range(channels):
            square = state.head_square[b, c]
            if tail > 0:
                difference = state.tail_mean[head, b, c] - state.head_mean[b, c]
                square += state.tail_square[head, b, c]
                square += difference * difference * (n * head * (tail / plan.blocks))
            variance = max(square / (n * plan.blocks), plan.floor)
            out[b, c] = _HALF_LOG_2PIE + 0.5 * math.log(variance)


@compiled
def _close_run(plan: Plan, state: State) -> None:
    """Turn the run's blocks into tails: each block's moments and those of all after it."""
    n = plan.block
    bands, channels = state.shift.shape
    for k in range(plan.blocks - 2, -1, -1):
        later = plan.blocks - 1 - k
        for b in range(bands):
            for c in range(channels):
                mean = state.tail_mean[k, b, c]
                difference = state.tail_mean[k + 1, b, c] - mean
                state.tail_mean[k, b, c] = mean + difference * (later / (later + 1))
                state.tail_square[k, b, c] += state.tail_square[
                    k + 1, b, c
                ] + difference * difference * (n * later / (later + 1))


@compiled
def _flush_tiny(z: NDArray[np.float64]) -> None:
    """Zero what has decayed to nothing: denormal numbers are a hundred times slower."""
    flat = z.reshape(-1)
    for k in range(flat.shape[0]):
        if abs(flat[k]) < _FLUSH:
            flat[k] = 0.0


@compiled
def filter_sections(
    x: NDArray[np.float64], sections: NDArray[np.float64], z: NDArray[np.float64], count: int
) -> None:
    """Filter in place with second-order sections in a row.

    Parameters
    ----------
    x : array, shape (samples, channels)
        The stream's next samples.
    sections : array, shape (sections, 5)
        b0, b1, b2, a1, a2 of each.
    z : array, shape (sections, 2, channels)
        Filter states; they are updated.
    count : int
        Samples before these.
    """
    done = 0
    while done < x.shape[0]:
        n = min(x.shape[0] - done, TILE - (count + done) % TILE)
        for k in range(sections.shape[0]):
            _biquad(x[done : done + n], sections[k], z[k])
        done += n
        if (count + done) % TILE == 0:
            _flush_tiny(z)


@compiled
def advance(
    chunk: Any,
    wiring: Wiring,
    plan: Plan,
    state: State,
    values: NDArray[np.float64],
    last: NDArray[np.int64],
    bad: NDArray[np.bool_],
) -> None:
    """Push a chunk through the path and write out each window that it completes.

    Parameters
    ----------
    chunk : array of float32 or float64, shape (samples, stream channels)
        Samples as they came off the wire.
    wiring, plan, state
        What to do; ``state`` is updated.
    values : array, shape (hops, features, bands, channels)
        Takes, as feature ``plan.de``, the DE of each window that ends within the chunk.
    last : array of int, shape (hops,)
        Takes the index of each window's last sample.
    bad : array of bool, shape (hops, channels)
        Takes which channels had samples in it that were no numbers.
    """
    window = plan.block * plan.blocks
    bands = plan.poles.shape[0]
    keep_wired, keep_filtered = state.wired.shape[0] > 0, state.filtered.shape[1] > 0
    done, hop = 0, 0
    while done < chunk.shape[0]:
        count, filled = state.counters[0], state.counters[1]
        n = min(chunk.shape[0] - done, plan.block - filled, TILE - count % TILE)
        x, y = state.samples[:n], state.band[:n]
        _wire(chunk[done : done + n], wiring, state, x)
        for k in range(plan.notch.shape[0]):
            _biquad(x, plan.notch[k], state.notch[k])
        if keep_wired:
            state.wired[done : done + n] = x
        for b in range(bands):
            _band_pass(x, plan.gain[b], plan.poles[b], state.bank[b], y)
            _accumulate(y, filled == 0, state.shift[b], state.total[b], state.square[b])
            if keep_filtered:
                state.filtered[b, done : done + n] = y
        count += n
        filled += n
        done += n
        state.counters[0] = count
        if count % TILE == 0:
            _flush_tiny(state.bank)
            _flush_tiny(state.notch)
        if filled == plan.block:
            filled = 0
            _close_block(plan, state)
            if count >= window and (count - window) % plan.hop == 0:
                if plan.de >= 0:
                    _emit(plan, state, values[hop, plan.de])
                last[hop] = count - 1
                for c in range(bad.shape[1]):
                    bad[hop, c] = state.last_bad[c] >= count - window
                hop += 1
            state.counters[2] += 1
            if state.counters[2] == plan.blocks:
                _close_run(plan, state)
                state.counters[2] = 0
        state.counters[1] = filled
