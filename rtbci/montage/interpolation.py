"""Channels that are missing or bad, filled in from their neighbours by spherical splines.

Perrin et al. 1989 (doi 10.1016/0013-4694(89)90180-6), as MNE computes them. The splines are linear
in the samples, so the matrix is computed once and applied to each sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import ChannelError
from rtbci.montage.positions import electrode_positions

MIN_NEIGHBOURS = 4
"""Fewer known channels than this do not span a head."""


def spline_weights(missing: Sequence[str], present: Sequence[str]) -> NDArray[np.float64]:
    """Return the weights that make missing channels of present ones.

    Parameters
    ----------
    missing, present : sequence of str
        Electrode names.

    Returns
    -------
    array, shape (missing, present)
        Each row sums to one channel out of the present ones.

    Raises
    ------
    ChannelError
        If an electrode's position is unknown or too few channels are present.
    """
    if len(present) < MIN_NEIGHBOURS:
        raise ChannelError(
            f"{', '.join(missing)} cannot be interpolated from only {len(present)} channels"
        )
    return _spline_weights(tuple(missing), tuple(present))


@lru_cache(maxsize=16)
def _spline_weights(missing: tuple[str, ...], present: tuple[str, ...]) -> NDArray[np.float64]:
    import mne

    names = [*present, *missing]
    info = mne.create_info(names, 1.0, "eeg", verbose="error")
    positions = dict(zip(names, electrode_positions(names), strict=True))
    info.set_montage(mne.channels.make_dig_montage(positions, coord_frame="head"), verbose="error")
    # One column for each present channel with 1 in it and 0 elsewhere: what MNE makes of the
    # missing rows is the matrix.
    impulses = np.zeros((len(names), len(present)))
    impulses[: len(present)] = np.eye(len(present))
    evoked = mne.EvokedArray(impulses, info, verbose="error")
    evoked.info["bads"] = list(missing)
    evoked.interpolate_bads(reset_bads=True, origin=(0.0, 0.0, 0.04), verbose="error")
    weights = np.ascontiguousarray(evoked.data[len(present) :])
    weights.flags.writeable = False
    return weights
