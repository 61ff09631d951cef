"""One trial as a FIF file: its name, and what MNE is told about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtbci.montage.positions import electrode_positions, known_electrodes


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Give each name one that any file system takes, no two of them alike.

    Letters and digits of ASCII and dots and hyphens within stay; a run of anything else becomes a
    hyphen, the underscore included, because it separates the parts of a file's name.

    Examples
    --------
    >>> safe_names(["p 1", "p_1", "../x"])
    {'p 1': 'p-1', 'p_1': 'p-1-2', '../x': 'x'}
    """
    safe: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        base = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip(".-") or "x"
        candidate, count = base, 1
        while candidate.lower() in taken:  # some file systems know no case
            count += 1
            candidate = f"{base}-{count}"
        taken.add(candidate.lower())
        safe[name] = candidate
    return safe


def raw_of(samples: NDArray[np.float32], names: Sequence[str], sfreq: float, label: str) -> Any:
    """Return a trial for MNE, its electrodes placed, with an annotation of the class over it all.

    Parameters
    ----------
    samples : array, shape (channels, samples)
        Microvolts.
    names : sequence of str
        The channels' names; of those that are no known electrode the place stays open.
    sfreq : float
        Sampling rate, hertz.
    label : str
        The class.

    Returns
    -------
    mne.io.RawArray
        In volts.
    """
    import mne

    info = mne.create_info(list(names), sfreq, "eeg", verbose="error")
    known = set(known_electrodes())
    placed = [name for name in names if name in known]
    if placed:
        positions = dict(zip(placed, electrode_positions(placed), strict=True))
        montage = mne.channels.make_dig_montage(positions, coord_frame="head")
        info.set_montage(montage, on_missing="ignore", verbose="error")
    raw = mne.io.RawArray(1e-6 * samples.astype(np.float64), info, verbose="error")
    raw.set_annotations(mne.Annotations(0.0, samples.shape[1] / sfreq, label), verbose="error")
    return raw
