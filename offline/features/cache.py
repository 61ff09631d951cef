"""Features on disk, so that a recording goes through a signal path once.

Entries lie in the folder ``features`` of :func:`rtbci.cache.cache_folder`, which may be deleted at
any time. An entry's name is a hash of all that its numbers depend on, so that none is ever out of
date: another recipe, file or library makes another entry. Labels are no part of it. Numbers are
float64, as the signal path gave them: SEED's maps at a hop of 0.1 s take 3.8 GB, and the
covariances of 62 channels 62 times as much as the maps. The signal is float32 and kept once,
however much its windows overlap: 4.9 GB at 128 Hz.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from offline.datasets.config import LeftOut
from offline.datasets.recording import Recording
from offline.features.clock import Clock, Taken
from offline.features.extract import Features
from offline.features.fingerprint import features_folder, fingerprint
from offline.features.store import CHECKING, Obtained, obtain, stored, sweep
from offline.parallel import over_processes, processors
from rtbci.errors import RtbciError
from rtbci.progress import progress_bar
from rtbci.recipe import Recipe

__all__ = [
    "Extraction",
    "extract_all",
    "extract_each",
    "features_folder",
    "fingerprint",
    "load_or_extract",
]

_log = logging.getLogger(__name__)

# Samples of all channels that take about as long as a process takes to start.
_WORTH_A_PROCESS = 40_000_000

Result = Obtained | RtbciError


def load_or_extract(recording: Recording, recipe: Recipe, folder: Path | None = None) -> Features:
    """Return a recording's features, from the cache if they are there; bit for bit the same.

    Parameters
    ----------
    recording : Recording
        Cached if its ``origin`` names files. Features that a data set ships are taken as they are.
    recipe : Recipe
        What to compute.
    folder : Path, optional
        The cache, instead of :func:`features_folder`.

    Raises
    ------
    RtbciError
        If a file cannot be read or does not fit the recipe. A cache that cannot be written is only
        warned of.
    """
    obtained = obtain(recording, recipe, folder or features_folder())
    if obtained.unkept:
        _log.warning("%s", obtained.unkept)
    return obtained.features


@dataclass(frozen=True)
class Extraction:
    """Features of several recordings and how they were come by.

    Attributes
    ----------
    features : tuple of Features or None
        One for each recording, in order; None for one that is left out.
    left_out : tuple of LeftOut
        Recordings that could not be used.
    taken : dict
        How long each stage took, all processes together.
    reused : int
        How many lay in the cache already.
    unkept : int
        How many could not be put there.
    processes : int
        How many worked.
    """

    features: tuple[Features | None, ...]
    left_out: tuple[LeftOut, ...]
    taken: dict[str, Taken]
    reused: int
    unkept: int
    processes: int


def extract_all(
    recordings: Sequence[Recording],
    recipe: Recipe,
    jobs: int | None = None,
    keep_going: bool = False,
    folder: Path | None = None,
) -> tuple[tuple[Features | None, ...], tuple[LeftOut, ...]]:
    """Return the features of recordings in order, and what had to be left out.

    Parameters
    ----------
    recordings : sequence of Recording
        A whole data set's.
    recipe : Recipe
        What to compute.
    jobs : int, optional
        Processes; without it, as many as there are cores and work for.
    keep_going : bool
        Leave out a recording that cannot be read or does not fit the recipe (its place holds None),
        instead of stopping at the first.
    folder : Path, optional
        The cache, instead of the usual one.

    Raises
    ------
    RtbciError
        The first recording's that cannot be used, unless ``keep_going``.
    """
    done = extract_each(recordings, recipe, jobs, keep_going, folder)
    return done.features, done.left_out


def extract_each(
    recordings: Sequence[Recording],
    recipe: Recipe,
    jobs: int | None = None,
    keep_going: bool = False,
    folder: Path | None = None,
) -> Extraction:
    """Do what :func:`extract_all` does and tell how it went."""
    cache = folder or features_folder()
    sweep(cache)
    found: dict[int, Result] = {}
    with progress_bar() as bar:
        task = bar.add_task("extracting features", total=sum(each.n_samples for each in recordings))

        def note(index: int, result: Result) -> None:
            if isinstance(result, RtbciError) and not keep_going:
                raise result
            found[index] = result
            bar.advance(task, recordings[index].n_samples)

        for index, recording in enumerate(recordings):
            if (result := _looked_up(recording, recipe, cache)) is not None:
                note(index, result)
        rest = [(k, recording) for k, recording in enumerate(recordings) if k not in found]
        processes = _processes(rest, jobs)
        for index, result in over_processes(partial(_work, recipe, cache), rest, processes):
            note(index, result)
    return _extraction(recordings, [found[k] for k in range(len(recordings))], processes)


def _looked_up(recording: Recording, recipe: Recipe, folder: Path) -> Result | None:
    """Return what can be said at once: features that lie ready, or a file that is gone."""
    clock = Clock()
    try:
        with clock.during(CHECKING):
            features = stored(recording, recipe, folder)
    except RtbciError as error:
        return error
    return None if features is None else Obtained(features, clock.taken, reused=True)


def _processes(rest: Sequence[tuple[int, Recording]], jobs: int | None) -> int:
    if jobs is None:
        work = sum(recording.n_samples * len(recording.channels) for _, recording in rest)
        jobs = min(processors(), work // _WORTH_A_PROCESS)
    return max(min(jobs, len(rest)), 1)


def _work(recipe: Recipe, folder: Path, item: tuple[int, Recording]) -> tuple[int, Result]:
    index, recording = item
    try:
        return index, obtain(recording, recipe, folder)
    except RtbciError as error:
        return index, error


def _extraction(
    recordings: Sequence[Recording], results: Sequence[Result], processes: int
) -> Extraction:
    obtained = [result for result in results if isinstance(result, Obtained)]
    complaints = [result.unkept for result in obtained if result.unkept]
    if complaints:
        _log.warning("%s [%d of %d recordings]", complaints[0], len(complaints), len(results))
    clock = Clock()
    for each in obtained:
        clock.add(each.taken)
    return Extraction(
        features=tuple(r.features if isinstance(r, Obtained) else None for r in results),
        left_out=tuple(
            LeftOut(recording.name, str(result))
            for recording, result in zip(recordings, results, strict=True)
            if isinstance(result, RtbciError)
        ),
        taken=clock.taken,
        reused=sum(each.reused for each in obtained),
        unkept=len(complaints),
        processes=processes,
    )
