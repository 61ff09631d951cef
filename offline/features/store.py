"""The cache's entries: finding, writing and checking them."""

from __future__ import annotations

import errno
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording
from offline.features.clock import Clock, Taken
from offline.features.entry import EntryWriter, entry_bytes, read_entry
from offline.features.extract import (
    READING,
    SIGNAL_PATH,
    Features,
    extract,
    labelled,
    maps_of,
    require_window,
    signal_path,
)
from offline.features.fingerprint import digests_in, key_of
from offline.features.shipped import shipped_features
from rtbci.atomic import complete_or_absent
from rtbci.recipe import Recipe
from rtbci.signal.path import Maps, SignalPath
from rtbci.signal.raw import window_points

HASHING, CHECKING, WRITING = "hashing", "checking", "writing"
"""Stages beside those of :mod:`offline.features.extract`."""

STAGES = (HASHING, READING, SIGNAL_PATH, WRITING, CHECKING)
"""All stages in order."""

_FORGOTTEN_S = 3600.0
_ARRAYS = ("maps", "bad", "last", "lengths")


@dataclass(frozen=True)
class Obtained:
    """Features and how they were come by.

    Attributes
    ----------
    features : Features
        Of one recording.
    taken : dict
        How long each stage took.
    reused : bool
        Whether they lay in the cache.
    unkept : str
        Why they could not be put there; empty if they could, or need not be.
    """

    features: Features
    taken: dict[str, Taken]
    reused: bool = False
    unkept: str = ""


def obtain(recording: Recording, recipe: Recipe, folder: Path) -> Obtained:
    """Return a recording's features and how they were come by.

    See :func:`offline.features.cache.load_or_extract`.
    """
    clock = Clock()
    if recording.shipped is not None:
        with clock.during(READING):
            features = shipped_features(recording, recipe)
        return Obtained(features, clock.taken)
    if not recording.origin.files:
        return Obtained(extract(recording, recipe, clock), clock.taken)
    with clock.during(HASHING):
        digests = digests_in(folder)
        entry = _entry(recording, recipe, folder, [digests.of(f) for f in recording.origin.files])
    with clock.during(CHECKING):
        found = _load(entry, recording, recipe)
    if found is not None:
        return Obtained(found, clock.taken, reused=True)
    try:
        _write(entry, recording, recipe, clock)
        with clock.during(CHECKING):
            found = _load(entry, recording, recipe)
        why = "it does not hold what was written"
    except OSError as error:
        why = error.strerror or str(error)
    if found is not None:
        return Obtained(found, clock.taken)
    unkept = (
        f"{folder}: cannot keep the features of {recording.name} ({why}); make room, or name "
        "another folder with the environment variable RTBCI_CACHE"
    )
    return Obtained(extract(recording, recipe, clock), clock.taken, unkept=unkept)


def stored(recording: Recording, recipe: Recipe, folder: Path) -> Features | None:
    """Return features that can be seen to be in the cache without reading the recording's files.

    Raises
    ------
    RecordingError
        If a file is no longer there.
    """
    if recording.shipped is not None or not recording.origin.files:
        return None
    digests = digests_in(folder)
    known = [digest for f in recording.origin.files if (digest := digests.remembered(f))]
    if len(known) < len(recording.origin.files):
        return None
    return _load(_entry(recording, recipe, folder, known), recording, recipe)


def sweep(folder: Path) -> None:
    """Delete what writers left behind that were ended from outside; live ones write all the time.

    Who may not write here leaves it as it is.
    """
    for path in folder.glob(".*.part"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
                path.unlink()


def _entry(recording: Recording, recipe: Recipe, folder: Path, digests: list[str]) -> Path:
    return folder / f"{key_of(recording, recipe, digests)}.npy"


def _load(entry: Path, recording: Recording, recipe: Recipe) -> Features | None:
    found = read_entry(entry, _names(recipe))
    if found is None:
        return None
    window, settling = found["lengths"].open().tolist()
    return labelled(
        maps=found["maps"],
        bad=np.array(found["bad"].open()),
        last=np.array(found["last"].open()),
        window=window,
        settling=settling,
        covariances=found.get("covariances"),
        points=found.get("points"),
        first_point=np.array(found["first_point"].open()) if recipe.signal else None,
        window_points=window_points(recipe),
        trials=recording.trials,
    )


def _names(recipe: Recipe) -> tuple[str, ...]:
    """Return an entry's arrays in order."""
    covariances = ("covariances",) if recipe.covariance else ()
    return (*_ARRAYS, *covariances, *(("points", "first_point") if recipe.signal else ()))


def _write(entry: Path, recording: Recording, recipe: Recipe, clock: Clock) -> None:
    """Push a recording through the signal path and its maps onto the disk as they come.

    Raises
    ------
    OSError
        If there is no room.
    RtbciError
        If the recording is no good.
    """
    path = signal_path(recording, recipe)
    require_window(recording, path)
    shapes = _shapes(path, recording.n_samples)
    with complete_or_absent(entry) as file:
        size, free = entry_bytes(shapes), shutil.disk_usage(entry.parent).free
        if size > free:  # rather now than when the disk is full
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {size / 1e6:.0f} MB needed")
        writer = EntryWriter(file, shapes)
        for maps in maps_of(recording, path, clock):
            with clock.during(WRITING):
                for name, values in _columns(maps).items():
                    writer.append(name, values)
        with clock.during(WRITING):
            writer.append("lengths", np.array([path.window, path.settling]))
            writer.finish()


def _shapes(path: SignalPath, n_samples: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    recipe, hops = path.recipe, int(path.hops_in(n_samples))  # NumPy writes its own int's name
    bands, channels = len(recipe.bands), len(recipe.channels)
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "maps": ("<f8", (hops, *recipe.map_shape)),
        "bad": ("|b1", (hops, channels)),
        "last": ("<i8", (hops,)),
        "lengths": ("<i8", (2,)),
    }
    if recipe.covariance:
        shapes["covariances"] = ("<f8", (hops, bands, channels, channels))
    if recipe.signal:
        shapes["points"] = ("<f4", (path.points_in(int(n_samples)), channels))
        shapes["first_point"] = ("<i8", (hops,))
    return shapes


def _columns(maps: Maps) -> dict[str, NDArray[np.generic]]:
    columns: dict[str, NDArray[np.generic] | None] = {
        "maps": maps.values,
        "bad": maps.bad,
        "last": maps.last,
        "covariances": maps.covariances,
        "points": maps.points,
        "first_point": maps.first_point,
    }
    return {name: values for name, values in columns.items() if values is not None}
