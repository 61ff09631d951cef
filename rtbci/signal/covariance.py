"""Covariance of the channels in each band over the window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecipeError
from rtbci.signal.compiled import compiled

_MOST_BYTES = 1e9

_LANES = 8
"""Numbers that the processor works on at once: rows of a matrix begin at a multiple of it."""

# Where in `_State.counters` each number is.
_INDEX, _FILLED, _WINDOWS, _FLIPPED, _HEAD_N = range(5)


class _State(NamedTuple):
    """What is remembered from one sample to the next.

    As in :class:`~rtbci.signal.state.State` a window is merged from blocks and is always one tail
    and the head. Here the blocks are the longest that allow it, for a matrix each is much to keep:
    they end where a window begins or ends, one or two to a hop. Of every symmetric matrix only the
    upper triangle is of use.

    Attributes
    ----------
    counters : array of int, shape (5,)
        The current block's index since the start and its samples so far, windows so far, the first
        block that belongs to the head, samples in the head.
    shift, total, product : arrays, shapes (bands, channels) twice, (bands, channels, channels)
        The current block: its first sample, and the sums of differences from it and of their
        products.
    head_mean, head_product : arrays, shapes (bands, channels) and (bands, channels, channels)
        Mean, and sum of products of deviations from it, of the blocks in the head.
    tail_n, tail_mean, tail_product : arrays, shapes (blocks,), (blocks, bands, channels), ...
        The same and the number of samples, of each block in the head, and of each block before it
        together with all between it and the head; block k is at k modulo blocks.
    """

    counters: NDArray[np.int64]
    shift: NDArray[np.float64]
    total: NDArray[np.float64]
    product: NDArray[np.float64]
    head_mean: NDArray[np.float64]
    head_product: NDArray[np.float64]
    tail_n: NDArray[np.int64]
    tail_mean: NDArray[np.float64]
    tail_product: NDArray[np.float64]


class Covariances:
    """Covariance of the channels in each band over each window.

    What Riemannian classifiers work on (Barachant et al. 2012, doi 10.1109/TBME.2011.2172210),
    divided by the number of samples, so that its diagonal is the variance behind the DE. Block sums
    are merged by Chan, Golub & LeVeque's rule for products of deviations, so nothing is ever
    subtracted from a sum and an artefact leaves without a trace.

    Parameters
    ----------
    bands, channels : int
        Shape of the band signals.
    window, hop : int
        Lengths in samples.

    Raises
    ------
    RecipeError
        If the blocks of a window would take more than a gigabyte.
    """

    def __init__(self, bands: int, channels: int, window: int, hop: int) -> None:
        # A window begins at a multiple of the hop and ends `rest` after one.
        hops, rest = divmod(window, hop)
        self._lengths = np.array([rest, hop - rest] if rest else [hop], np.int64)
        blocks = hops * len(self._lengths) + (rest > 0)
        size = 8.0 * blocks * bands * channels**2
        if size > _MOST_BYTES:
            raise RecipeError(
                f"covariances of {channels} channels over a window of {window} samples each {hop} "
                f"samples take {size / 1e9:.1f} GB, more than {_MOST_BYTES / 1e9:g}; use a longer "
                "hop, a shorter window, or fewer channels or bands"
            )
        self._state = _State(
            counters=np.zeros(5, np.int64),
            shift=np.zeros((bands, channels)),
            total=np.zeros((bands, channels)),
            product=np.zeros((bands, channels, channels)),
            head_mean=np.zeros((bands, channels)),
            head_product=np.zeros((bands, channels, channels)),
            tail_n=np.zeros(blocks, np.int64),
            tail_mean=np.zeros((blocks, bands, channels)),
            tail_product=np.zeros((blocks, bands, channels, channels)),
        )

    def take(self, filtered: NDArray[np.float64], count: int, out: NDArray[np.float64]) -> None:
        """Take the next samples and write the covariances of the windows that they complete.

        Parameters
        ----------
        filtered : array, shape (bands, at least count, channels)
            Band-filtered samples, microvolts; what it holds afterwards is of no use.
        count : int
            How many of them there are.
        out : array, shape (hops, bands, channels, channels)
            Takes the covariances, square microvolts.
        """
        _take(filtered, count, self._lengths, self._state, out)


@compiled
def _accumulate(
    y: NDArray[np.float64],
    fresh: bool,
    shift: NDArray[np.float64],
    total: NDArray[np.float64],
    product: NDArray[np.float64],
) -> None:
    """Add samples to the current block's sums; turns them into differences from its first."""
    samples, channels = y.shape
    if fresh:
        for c in range(channels):
            shift[c] = y[0, c]
        total[:] = 0.0
        product[:] = 0.0
    for s in range(samples):
        for c in range(channels):
            y[s, c] -= shift[c]
            total[c] += y[s, c]
    whole = samples - samples % 4
    for i in range(channels):
        start = i - i % _LANES
        row = product[i, start:]
        # Four samples at once, each added in its turn: the sum is the same however they come.
        for s in range(0, whole, 4):
            a0, a1, a2, a3 = y[s, i], y[s + 1, i], y[s + 2, i], y[s + 3, i]
            y0, y1, y2, y3 = y[s, start:], y[s + 1, start:], y[s + 2, start:], y[s + 3, start:]
            for j in range(row.shape[0]):
                acc = row[j] + a0 * y0[j]
                acc += a1 * y1[j]
                acc += a2 * y2[j]
                row[j] = acc + a3 * y3[j]
        for s in range(whole, samples):
            a0, y0 = y[s, i], y[s, start:]
            for j in range(row.shape[0]):
                row[j] += a0 * y0[j]


@compiled
def _moments(
    n: int, state: _State, mean: NDArray[np.float64], product: NDArray[np.float64]
) -> None:
    """Turn the current block's sums into its mean and its products of deviations."""
    bands, channels = mean.shape
    for b in range(bands):
        for i in range(channels):
            start = i - i % _LANES
            part = state.total[b, i] / n
            mean[b, i] = state.shift[b, i] + part
            row, sums, total = (
                product[b, i, start:],
                state.product[b, i, start:],
                state.total[b, start:],
            )
            for j in range(row.shape[0]):
                row[j] = sums[j] - part * total[j]
            product[b, i, i] = max(product[b, i, i], 0.0)


@compiled
def _merge(
    n: int,
    mean: NDArray[np.float64],
    product: NDArray[np.float64],
    other_n: int,
    other_mean: NDArray[np.float64],
    other_product: NDArray[np.float64],
) -> None:
    """Add another part's moments to those of a part of n samples.

    Chan, Golub & LeVeque 1979, their rule for sums of squares with the product of two channels'
    differences in the place of a square.
    """
    bands, channels = mean.shape
    share = other_n / (n + other_n)
    for b in range(bands):
        for i in range(channels):
            start = i - i % _LANES
            weighted = (other_mean[b, i] - mean[b, i]) * (n * share)
            row, other = product[b, i, start:], other_product[b, i, start:]
            here, there = mean[b, start:], other_mean[b, start:]
            for j in range(row.shape[0]):
                row[j] += other[j] + (there[j] - here[j]) * weighted
        for i in range(channels):
            mean[b, i] += (other_mean[b, i] - mean[b, i]) * share


@compiled
def _add_to_head(n: int, slot: int, state: _State) -> None:
    """Merge the block that has just ended, kept at ``slot``, into the head."""
    _moments(n, state, state.tail_mean[slot], state.tail_product[slot])
    state.tail_n[slot] = n
    if state.counters[_HEAD_N] == 0:
        state.head_mean[:] = state.tail_mean[slot]
        state.head_product[:] = state.tail_product[slot]
    else:
        _merge(
            state.counters[_HEAD_N],
            state.head_mean,
            state.head_product,
            n,
            state.tail_mean[slot],
            state.tail_product[slot],
        )
    state.counters[_HEAD_N] += n


@compiled
def _emit(first: int, state: _State, out: NDArray[np.float64]) -> None:
    """Write the covariance of the window that begins with block ``first`` and ends here."""
    head = state.counters[_HEAD_N]
    slot = first % state.tail_n.shape[0]
    tail = state.tail_n[slot] if first < state.counters[_FLIPPED] else 0
    n = head + tail
    weight = head * (tail / n)
    bands, channels, _ = out.shape
    for b in range(bands):
        for i in range(channels):
            start = i - i % _LANES
            row, head_row = out[b, i, start:], state.head_product[b, i, start:]
            if tail:
                weighted = (state.tail_mean[slot, b, i] - state.head_mean[b, i]) * weight
                tail_row = state.tail_product[slot, b, i, start:]
                here, there = state.head_mean[b, start:], state.tail_mean[slot, b, start:]
                for j in range(row.shape[0]):
                    product = head_row[j] + tail_row[j] + (there[j] - here[j]) * weighted
                    row[j] = product / n
            else:
                for j in range(row.shape[0]):
                    row[j] = head_row[j] / n
        for i in range(1, channels):
            for j in range(i):
                out[b, i, j] = out[b, j, i]


@compiled
def _flip(first: int, state: _State) -> None:
    """Turn the head's blocks, from ``first`` on, into tails and begin a new head."""
    blocks = state.tail_n.shape[0]
    index = state.counters[_INDEX]
    for k in range(index - 1, max(first, state.counters[_FLIPPED]) - 1, -1):
        here, later = k % blocks, (k + 1) % blocks
        _merge(
            state.tail_n[here],
            state.tail_mean[here],
            state.tail_product[here],
            state.tail_n[later],
            state.tail_mean[later],
            state.tail_product[later],
        )
        state.tail_n[here] += state.tail_n[later]
    state.counters[_FLIPPED] = index + 1
    state.counters[_HEAD_N] = 0


@compiled
def _take(
    filtered: NDArray[np.float64],
    count: int,
    lengths: NDArray[np.int64],
    state: _State,
    out: NDArray[np.float64],
) -> None:
    counters = state.counters
    per_hop, blocks = lengths.shape[0], state.tail_n.shape[0]
    done, hop = 0, 0
    while done < count:
        index, filled = counters[_INDEX], counters[_FILLED]
        first = per_hop * counters[_WINDOWS]  # the next window's first block
        length = lengths[index % per_hop]
        n = min(count - done, length - filled)
        if index >= first:  # else it lies between two windows
            for b in range(filtered.shape[0]):
                _accumulate(
                    filtered[b, done : done + n],
                    filled == 0,
                    state.shift[b],
                    state.total[b],
                    state.product[b],
                )
        done += n
        counters[_FILLED] = filled + n
        if filled + n < length:
            break
        if index >= first:
            _add_to_head(length, index % blocks, state)
        if index == first + blocks - 1:
            _emit(first, state, out[hop])
            hop += 1
            counters[_WINDOWS] += 1
            if first + per_hop > counters[_FLIPPED]:
                _flip(first + per_hop, state)
        counters[_INDEX] = index + 1
        counters[_FILLED] = 0
