"""What a recording's features depend on, as a name for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from offline.datasets.recording import Recording
from offline.features.digests import Digests
from rtbci.cache import cache_folder
from rtbci.recipe import Recipe

SIGNAL_PATH = 1
"""To be raised whenever a change to the signal path or a reader changes a number."""

# What comes after the maps. A field that is not listed here counts, so none can be forgotten.
_NO_MATTER = {
    *("classes", "grid", "normalisation", "smoothing"),
    *("segments", "segment_s", "shrinkage", "calibration"),
}
_LIBRARIES = ("mne", "numba", "numpy", "scipy")  # which compute, and may round otherwise one day


def features_folder() -> Path:
    """Return the folder of the cached features; it need not exist yet."""
    return cache_folder() / "features"


def digests_in(folder: Path) -> Digests:
    """Return the digests of files that a cache's folder remembers."""
    return Digests(folder / "digests")


def fingerprint(recording: Recording, recipe: Recipe, folder: Path | None = None) -> str:
    """Return a hash of all that a recording's features depend on; labels are no part of it.

    Where no file is known that the recording comes from, its numbers are read and hashed.

    Raises
    ------
    RecordingError
        If a file cannot be read.
    """
    if recording.origin.files:
        digests = digests_in(folder or features_folder())
        return key_of(recording, recipe, [digests.of(file) for file in recording.origin.files])
    whole = hashlib.sha256()
    for block in recording.blocks() if recording.shipped is None else [recording.shipped()]:
        whole.update(np.ascontiguousarray(block).data)
    return key_of(recording, recipe, [whole.hexdigest()])


def key_of(recording: Recording, recipe: Recipe, digests: Sequence[str]) -> str:
    """Return the hash; ``digests`` are those of what the recording is read from."""
    basis = {
        "signal path": SIGNAL_PATH,
        "libraries": _versions(),
        "recipe": recipe.model_dump(mode="json", exclude=_NO_MATTER),
        "sfreq": float(recording.sfreq),
        "channels": [str(name) for name in recording.channels],
        "samples": int(recording.n_samples),
        "files": list(digests),
        "part": recording.origin.part,
    }
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:40]


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}
