"""A source's samples and markers, without a stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replay.sources import Marker, Source


def gather(
    source: Source, size: int, n_samples: int | None = None
) -> tuple[NDArray[np.float32], list[Marker]]:
    """Play a source in blocks of ``size``, to its end or so many samples of it."""
    samples, markers = [], []
    for block in source.blocks(size):
        assert block.samples.dtype == np.float32
        samples.append(block.samples)
        markers += block.markers
        if n_samples is not None and sum(map(len, samples)) >= n_samples:
            break
    return np.concatenate(samples)[:n_samples], markers
