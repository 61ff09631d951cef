"""What networks learn from: labelled windows, each made when a batch asks for it.

Windows overlap, and of maps a network may see several at once: made all at once they would take
many times the memory of what they are made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from rtbci.model.views import segment_rows
from rtbci.recipe import Recipe


class Examples(Protocol):
    """Inputs of a network, one for each window."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.intp]) -> Self:
        """Return some of them."""

    def batch(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return some of them as the array that a network is given, shape (rows, ...)."""


@dataclass(frozen=True)
class MapExamples:
    """Maps, each with those before it, as :class:`~rtbci.model.views.MapView` gives them live.

    Attributes
    ----------
    maps : array, shape (maps, planes, channels)
        Standardised.
    rows : array of int, shape (windows, segments)
        Which of them each window is made of, the newest last.
    """

    maps: NDArray[np.float32]
    rows: NDArray[np.intp]

    @classmethod
    def of(
        cls, maps: NDArray[np.floating], windows: NDArray[np.intp], recipe: Recipe
    ) -> MapExamples:
        """Take a recording's windows, and keep no map that they do not need.

        Parameters
        ----------
        maps : array, shape (hops, planes, channels)
            Of the whole recording, standardised.
        windows : array of int, shape (windows,)
            Indices of the newest map of each.
        recipe : Recipe
            How many maps a network sees, and how far apart they are.
        """
        needed, rows = np.unique(segment_rows(windows, recipe), return_inverse=True)
        return cls(maps[needed].astype(np.float32), rows.reshape(len(windows), recipe.segments))

    @classmethod
    def joined(cls, parts: Sequence[MapExamples]) -> MapExamples:
        """Put several recordings' one after the other."""
        offsets = np.cumsum([0, *(len(part.maps) for part in parts[:-1])])
        return cls(
            np.concatenate([part.maps for part in parts]),
            np.concatenate([part.rows + k for part, k in zip(parts, offsets, strict=True)]),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: NDArray[np.intp]) -> MapExamples:
        return MapExamples(self.maps, self.rows[rows])

    def batch(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return windows (rows, segments, planes, channels)."""
        return self.maps[self.rows[rows]]

    @classmethod
    def of_stacked(cls, maps: NDArray[np.float32], segments: int) -> MapExamples:
        """Take windows that :meth:`stacked` returned, or such as are made after those."""
        rows = np.arange(len(maps) * segments).reshape(len(maps), segments)
        planes, channels = maps.shape[1:]
        return cls(maps.reshape(-1, planes // segments, channels), rows)

    def stacked(self) -> NDArray[np.float32]:
        """Return all windows as maps with so many more planes: the oldest segment's come first.

        Returns
        -------
        array, shape (windows, segments * planes, channels)
            A shape that :attr:`~rtbci.recipe.Recipe.stacked_shape` tells.
        """
        whole = self.batch(np.arange(len(self)))
        windows, segments, planes, channels = whole.shape
        return whole.reshape(windows, segments * planes, channels)


@dataclass(frozen=True)
class SignalExamples:
    """Windows of the signal, as :class:`~rtbci.model.views.SignalView` gives them live.

    Attributes
    ----------
    points : array, shape (points, channels)
        Of all recordings, one after the other; microvolts.
    first : array of int, shape (windows,)
        Index of each window's first point.
    scale : array, shape (windows, channels)
        What each window's channels are divided by, microvolts.
    length : int
        Points of a window.
    """

    points: NDArray[np.float32]
    first: NDArray[np.intp]
    scale: NDArray[np.float32]
    length: int

    @classmethod
    def of(
        cls,
        points: NDArray[np.float32],
        first: NDArray[np.int64],
        scale: NDArray[np.float32],
        length: int,
    ) -> SignalExamples:
        """Take a recording's windows; before its first point lie zeros."""
        before = np.zeros((max(-int(first.min(initial=0)), 0), points.shape[1]), np.float32)
        known = np.concatenate([before, points])
        return cls(known, first.astype(np.intp) + len(before), scale, length)

    @classmethod
    def joined(cls, parts: Sequence[SignalExamples]) -> SignalExamples:
        """Put several recordings' one after the other."""
        offsets = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.first + k for part, k in zip(parts, offsets, strict=True)]),
            np.concatenate([part.scale for part in parts]),
            parts[0].length,
        )

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: NDArray[np.intp]) -> SignalExamples:
        return SignalExamples(self.points, self.first[rows], self.scale[rows], self.length)

    def batch(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return windows (rows, channels, points)."""
        index = self.first[rows][:, None] + np.arange(self.length)
        windows = self.points[index].transpose(0, 2, 1)
        return np.ascontiguousarray(windows / self.scale[rows][:, :, None])


@dataclass(frozen=True)
class Windows:
    """Labelled windows.

    Attributes
    ----------
    examples : Examples
        What the network sees.
    labels : array of int, shape (windows,)
        Class of each.
    """

    examples: Examples
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)
