"""Electrode grids: a DE map's channels laid out as a picture, and back.

The three layouts are the ones that the SEED literature uses: 9x9 (ESC-GAN), 8x9 (4D-CRNN, Shen et
al. 2020, doi 10.1007/s11571-020-09634-1) and the sparse 19x19 of 4D-aNN (Xiao et al. 2022,
doi 10.1007/s11571-021-09751-5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import ChannelError
from rtbci.montage.names import canonical_name

_ROWS_OF_NINE = (
    "F7 F5 F3 F1 FZ F2 F4 F6 F8",
    "FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8",
    "T7 C5 C3 C1 CZ C2 C4 C6 T8",
    "TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8",
    "P7 P5 P3 P1 PZ P2 P4 P6 P8",
)
_PO_ROW = "PO7 PO5 PO3 POZ PO4 PO6 PO8"
_OCCIPITAL_ROW = "CB1 O1 OZ O2 CB2"
_FRONTAL_ROW = "AF3 FP1 FPZ FP2 AF4"

# Each row: its electrodes, the row, the first column, the step between columns.
_LAYOUTS: dict[str, tuple[tuple[int, int], list[tuple[str, int, int, int]]]] = {
    "9x9": (
        (9, 9),
        [
            ("FP1 FPZ FP2", 0, 3, 1),
            ("AF3 AF4", 1, 3, 2),
            *((names, 2 + k, 0, 1) for k, names in enumerate(_ROWS_OF_NINE)),
            (_PO_ROW, 7, 1, 1),
            (_OCCIPITAL_ROW, 8, 2, 1),
        ],
    ),
    "8x9": (
        (8, 9),
        [
            (_FRONTAL_ROW, 0, 2, 1),
            *((names, 1 + k, 0, 1) for k, names in enumerate(_ROWS_OF_NINE)),
            (_PO_ROW, 6, 1, 1),
            (_OCCIPITAL_ROW, 7, 2, 1),
        ],
    ),
    "19x19": (
        (19, 19),
        [
            (_FRONTAL_ROW, 2, 5, 2),
            *((names, 4 + 2 * k, 1, 2) for k, names in enumerate(_ROWS_OF_NINE)),
            (_PO_ROW, 14, 3, 2),
            (_OCCIPITAL_ROW, 16, 5, 2),
        ],
    ),
}

GRID_NAMES: tuple[str, ...] = tuple(_LAYOUTS)


@cache
def _cells(layout: str) -> dict[str, tuple[int, int]]:
    return {
        name: (row, first + step * k)
        for names, row, first, step in _LAYOUTS[layout][1]
        for k, name in enumerate(names.split())
    }


@dataclass(frozen=True)
class Grid:
    """Where a montage's channels lie on a picture.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    flat : array of int, shape (channels,)
        Each channel's cell in the flattened picture.
    """

    shape: tuple[int, int]
    flat: NDArray[np.intp]

    @classmethod
    def of(cls, layout: str, channels: Sequence[str]) -> Grid:
        """Lay ``channels`` out on the grid called ``layout`` (one of ``GRID_NAMES``).

        Raises
        ------
        ChannelError
            If the layout is unknown, or lacks a cell for one of the channels.
        """
        if layout not in _LAYOUTS:
            raise ChannelError(f"no grid {layout!r}; there are {', '.join(GRID_NAMES)}")
        shape, cells = _LAYOUTS[layout][0], _cells(layout)
        names = [canonical_name(name) for name in channels]
        homeless = [name for name in names if name not in cells]
        if homeless:
            raise ChannelError(f"grid {layout} has no cell for {', '.join(homeless)}")
        flat = np.array([cells[name][0] * shape[1] + cells[name][1] for name in names], np.intp)
        return cls(shape, flat)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where an electrode is, shape (rows, columns)."""
        mask = np.zeros(self.shape[0] * self.shape[1], bool)
        mask[self.flat] = True
        return mask.reshape(self.shape)

    def to_grid(self, maps: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn maps (..., channels) into pictures (..., rows, columns), zero off the electrodes."""
        pictures = np.zeros((*maps.shape[:-1], self.shape[0] * self.shape[1]), np.float32)
        pictures[..., self.flat] = maps
        return pictures.reshape(*maps.shape[:-1], *self.shape)

    def from_grid(self, pictures: NDArray[np.floating]) -> NDArray[np.floating]:
        """Turn pictures (..., rows, columns) back into maps (..., channels)."""
        return pictures.reshape(*pictures.shape[:-2], -1)[..., self.flat]
