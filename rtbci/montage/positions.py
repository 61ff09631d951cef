"""Where electrodes are on the head."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import ChannelError
from rtbci.montage.names import canonical_name

# The cerebellar electrodes of the SEED cap are in no standard montage. They sit below and beside O1
# and O2, where the 10-5 system has PO9 and I1 (PO10 and I2) as their neighbours.
_CEREBELLAR = {"CB1": ("PO9", "I1"), "CB2": ("PO10", "I2")}


def _montage_name(mne: Any) -> str:
    """Return what this version of MNE calls the 10-5 system on the Colin 27 head."""
    names = mne.channels.get_builtin_montages()
    return "colin27_1005" if "colin27_1005" in names else "standard_1005"


@cache
def _standard_positions() -> dict[str, NDArray[np.float64]]:
    import mne

    montage = mne.channels.make_standard_montage(_montage_name(mne))
    positions = {
        canonical_name(name): np.asarray(xyz, np.float64)
        for name, xyz in montage.get_positions()["ch_pos"].items()
    }
    for name, neighbours in _CEREBELLAR.items():
        first, second = (positions[neighbour] for neighbour in neighbours)
        middle = (first + second) / 2
        # The chord's middle lies inside the head: back out to the neighbours' mean distance.
        radius = (np.linalg.norm(first) + np.linalg.norm(second)) / 2
        positions[name] = middle * (radius / np.linalg.norm(middle))
    return positions


def known_electrodes() -> tuple[str, ...]:
    """Return the names of all electrodes that have a position."""
    return tuple(_standard_positions())


def electrode_positions(names: Sequence[str]) -> NDArray[np.float64]:
    """Return electrode positions in MNE's head frame of ``standard_1005``.

    Parameters
    ----------
    names : sequence of str
        Electrodes, in any spelling.

    Returns
    -------
    array, shape (electrodes, 3)
        Metres; x to the right, y to the front, z up.

    Raises
    ------
    ChannelError
        If a name is no electrode of the 10-5 system (or CB1, CB2).
    """
    positions = _standard_positions()
    unknown = [name for name in names if canonical_name(name) not in positions]
    if unknown:
        raise ChannelError(f"no position is known for electrode {', '.join(unknown)}")
    return np.stack([positions[canonical_name(name)] for name in names])
