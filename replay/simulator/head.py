"""A spherical head: what an electrode sees of a current source in the cortex.

The lead field is MNE's, for a four-layer sphere, all electrodes of the 10-5 system (and CB1, CB2)
and sources spread evenly over the upper part of a cortical sphere. Loading MNE's solver can take
seconds, so that the result is kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtbci.atomic import complete_or_absent
from rtbci.cache import cache_folder
from rtbci.montage.positions import electrode_positions, known_electrodes

SCALP_RADIUS = 0.09
"""Metres; the innermost of MNE's four layers, the brain, ends at 0.9 of it."""

_CORTEX_RADIUS = 0.072
_SOURCES_ON_WHOLE_SPHERE = 112
_LOWEST_SOURCE = -0.3  # as a share of the cortex's radius: the base of the brain is left out
_FORMAT = 1  # to be raised when the computation below changes

REGIONS: dict[str, tuple[str, ...]] = {
    "prefrontal": ("FP1", "FPZ", "FP2", "AF3", "AF4"),
    "frontal midline": ("FZ", "FCZ"),
    "frontal": ("F5", "F6", "F3", "F4", "FC3", "FC4"),
    "central": ("C3", "C1", "CZ", "C2", "C4"),
    "temporal": ("FT7", "FT8", "T7", "T8", "TP7", "TP8"),
    "parietal": ("CP3", "CP4", "P3", "PZ", "P4", "P7", "P8"),
    "occipital": ("PO7", "POZ", "PO8", "O1", "OZ", "O2"),
}
"""Regions of the cortex, each by the electrodes over it."""


@dataclass(frozen=True)
class Head:
    """Electrodes, sources and what joins them.

    Attributes
    ----------
    electrodes : tuple of str
        All electrodes that the head has.
    positions : array, shape (electrodes, 3)
        On the scalp's sphere, metres from its centre; x right, y front, z up.
    sources : array, shape (sources, 3)
        On the cortex's sphere, metres from the same centre.
    lead_field : array, shape (electrodes, sources, 3)
        Volts at each electrode, against infinity, of a unit dipole along x, y and z.
    """

    electrodes: tuple[str, ...]
    positions: NDArray[np.float64]
    sources: NDArray[np.float64]
    lead_field: NDArray[np.float64]

    def rows(self, names: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the rows of electrodes named in their one spelling."""
        return np.array([self.electrodes.index(name) for name in names], np.intp)

    def source_regions(self) -> NDArray[np.intp]:
        """Return each source's region, an index into ``REGIONS``: the nearest electrode's."""
        anchors = [(name, k) for k, names in enumerate(REGIONS.values()) for name in names]
        places = self.positions[self.rows(tuple(name for name, _ in anchors))]
        nearest = np.argmax(self.sources @ places.T, axis=1)
        regions: NDArray[np.intp] = np.array([k for _, k in anchors], np.intp)[nearest]
        return regions


@cache
def load_head() -> Head:
    """Return the head, from the cache folder where it is there and sound."""
    electrodes = known_electrodes()
    positions = _on_sphere(electrode_positions(electrodes))
    sources = _cortex()
    path = cache_folder() / f"head-{_key(electrodes, positions, sources)}.npz"
    shape = (len(electrodes), len(sources), 3)
    lead_field = _read(path, shape)
    if lead_field is None:
        with _status("Computing the simulated head (once)"):
            lead_field = _compute(electrodes, positions, sources)
        # A folder that cannot be written costs this time at each start, and nothing else.
        with suppress(OSError), complete_or_absent(path) as file:
            np.savez(file, lead_field=lead_field)
    return Head(electrodes, positions, sources, lead_field)


def _on_sphere(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a sphere (least squares) and move each point along its radius onto the scalp's."""
    design = np.column_stack([2 * points, np.ones(len(points))])
    centre = np.linalg.lstsq(design, np.sum(points**2, axis=1), rcond=None)[0][:3]
    outwards = points - centre
    unit: NDArray[np.float64] = outwards / np.linalg.norm(outwards, axis=1, keepdims=True)
    return SCALP_RADIUS * unit


def _cortex() -> NDArray[np.float64]:
    """Spread sources evenly (a Fibonacci lattice) over the cortex's sphere, without its base."""
    k = np.arange(_SOURCES_ON_WHOLE_SPHERE)
    z = 1 - (2 * k + 1) / _SOURCES_ON_WHOLE_SPHERE
    angle = np.pi * (3 - np.sqrt(5)) * k
    ring = np.sqrt(1 - z**2)
    points = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), z])
    return _CORTEX_RADIUS * points[z > _LOWEST_SOURCE]


def _key(
    electrodes: tuple[str, ...], positions: NDArray[np.float64], sources: NDArray[np.float64]
) -> str:
    # MNE fits the sphere's model with SciPy, whose versions differ in the fourth digit.
    versions = [version(name) for name in ("mne", "numpy", "scipy")]
    settings = [_FORMAT, *versions, SCALP_RADIUS, *electrodes]
    digest = hashlib.sha256(json.dumps(settings).encode())
    # Rounded to the micrometre: the last bits of a fit differ between processors.
    digest.update(np.round(positions * 1e6).astype("<i4").tobytes())
    digest.update(np.round(sources * 1e6).astype("<i4").tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path, shape: tuple[int, int, int]) -> NDArray[np.float64] | None:
    """Read a lead field; None where the file is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            lead_field = archive["lead_field"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if lead_field.shape != shape or not np.isfinite(lead_field).all():
        return None
    return np.asarray(lead_field, np.float64)


def _status(text: str) -> AbstractContextManager[object]:
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(text)


def _compute(
    electrodes: tuple[str, ...], positions: NDArray[np.float64], sources: NDArray[np.float64]
) -> NDArray[np.float64]:
    import mne

    with mne.utils.use_log_level("ERROR"):
        info = mne.create_info(list(electrodes), 1000.0, "eeg")
        places = dict(zip(electrodes, positions, strict=True))
        info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
        sphere = mne.make_sphere_model((0.0, 0.0, 0.0), SCALP_RADIUS, info)
        outwards = sources / np.linalg.norm(sources, axis=1, keepdims=True)
        space = mne.setup_volume_source_space(pos={"rr": sources, "nn": outwards}, sphere=sphere)
        forward = mne.make_forward_solution(info, None, space, sphere, meg=False, eeg=True)
    gain = forward["sol"]["data"]
    if forward["sol"]["row_names"] != list(electrodes) or gain.shape[1] != 3 * len(sources):
        raise AssertionError("MNE dropped electrodes or sources of the simulated head")
    return np.asarray(gain, np.float64).reshape(len(electrodes), len(sources), 3)
