"""What is odd in a data set, found before anyone trains on it: one pass over all samples."""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offline.datasets.compare import differing, twins, unknown_electrodes, without_trials
from offline.datasets.config import Dataset, DatasetSettings, LeftOut
from offline.datasets.listing import some_of
from offline.datasets.recording import Recording
from offline.datasets.registry import open_dataset
from offline.datasets.scan import FLAT_S, Scan, scan
from rtbci.errors import RecordingError, RtbciError
from rtbci.montage.interpolation import MIN_NEIGHBOURS
from rtbci.montage.names import match_channels
from rtbci.progress import progress_bar
from rtbci.recipe import Band, Recipe

SHORT_TRIAL_S = 5.0
"""The filters need seconds to settle; a trial below this leaves next to no window."""

LEAST_UV, MOST_UV = 0.1, 500.0
"""Scalp EEG's standard deviation within seconds is 5 to 50 uV; beyond these limits the numbers are
volts, or scaled in another way."""

SILENT_S = 1.0
"""Where a trial reaches this far into the silence at a recording's end, padding is labelled."""

CLIPPED_SHARE = 1e-3
"""More of a channel's samples than this at its greatest or least value: it is clipped."""

MAINS_RATIO = 50.0
"""At this ratio of the line to its neighbourhood the line holds as much power as 19 Hz of what is
around it, the width of the gamma band (31-50 Hz): a Hann window of 4 s is 0.375 Hz wide."""


@dataclass(frozen=True)
class Report:
    """What a data set holds and what is wrong with it.

    Attributes
    ----------
    dataset : Dataset
        The recordings that can be used.
    unusable : tuple of LeftOut
        Files that could not be opened, read to their end, or do not have the channels.
    odd : tuple of str
        Everything else worth a look, one line ``file: what`` each.
    """

    dataset: Dataset
    unusable: tuple[LeftOut, ...]
    odd: tuple[str, ...]


def check(settings: DatasetSettings, root: Path) -> Report:
    """Open every file of a data set, read all samples, and tell what is odd.

    Parameters
    ----------
    settings : DatasetSettings
        What the data set is.
    root : Path
        The folder that holds the data.

    Raises
    ------
    RecordingError
        If the folder is not there or none of its files can be opened.
    """
    with _remarks() as remarked:
        dataset = open_dataset(settings, root, keep_going=True)
        titles = _titles(dataset.recordings)
        unusable, scans = list(dataset.left_out), {}
        odd: list[str] = []
        with progress_bar() as bar:
            task = bar.add_task("reading", total=sum(r.n_samples for r in dataset.recordings))
            for title, recording in titles.items():
                found = odd_trials(recording) + _too_slow(recording)
                try:
                    chosen = _chosen(settings, recording)
                    scans[title] = scan(recording, chosen, partial(bar.advance, task))
                    found += _too_few(settings, chosen) + odd_samples(scans[title])
                    found += silent_trials(recording, scans[title])
                except RtbciError as error:
                    unusable.append(LeftOut(title, str(error)))
                else:
                    odd += [f"{title}: {what}" for what in found]
    used = {title: recording for title, recording in titles.items() if title in scans}
    dataset = replace(dataset, recordings=tuple(used.values()))
    odd += [*differing(used), *twins(scans), *without_trials(dataset), *unknown_electrodes(dataset)]
    return Report(dataset, tuple(unusable), (*dict.fromkeys(remarked), *odd))


def _chosen(settings: DatasetSettings, recording: Recording) -> list[int]:
    """Return the indices of the electrodes that the data set works with."""
    found = match_channels(settings.channels, recording.channels)
    chosen = [index for index in found if index is not None]
    lacking = [name for name, index in zip(settings.channels, found, strict=True) if index is None]
    if len(chosen) < min(MIN_NEIGHBOURS, len(settings.channels)):
        raise RecordingError(
            f"{recording.name}: has {len(chosen)} of the {len(settings.channels)} electrodes, not "
            f"{some_of(lacking)}; its channels are {some_of(recording.channels)}"
        )
    return chosen


def odd_samples(scan: Scan) -> list[str]:
    """Say what is odd about a recording's samples, a line for each kind."""
    found = []
    for what, mask in (
        ("NaN or infinite samples in", scan.non_finite > 0),
        (f"the same value for up to {scan.flat_s.max():.3g} s in", scan.flat_s >= FLAT_S),
        ("clipped, often at the greatest or least value, in", _is_clipped(scan)),
    ):
        if mask.any():
            found.append(f"{what} {_named(scan, mask)}")
    copies = defaultdict(list)
    for name, digest, constant in zip(scan.channels, scan.digests, scan.constant, strict=True):
        if not constant:
            copies[digest].append(name)
    found += [f"the same signal in {some_of(same)}" for same in copies.values() if len(same) > 1]
    return found + _odd_amplitude(scan) + _mains_lines(scan)


def silent_trials(recording: Recording, scan: Scan) -> list[str]:
    """Say where trials reach into silence at the recording's beginning or end."""
    if not recording.trials:
        return []
    begins = min(trial.start for trial in recording.trials) / recording.sfreq
    ends = max(trial.stop for trial in recording.trials) / recording.sfreq
    before, after = scan.silent_s
    inside = {"first": before - begins, "last": ends - (recording.duration_s - after)}
    return [
        f"the {which} {seconds:.1f} s of its trials are all but silent: no EEG, leave them out"
        for which, seconds in inside.items()
        if seconds >= SILENT_S
    ]


def _is_clipped(scan: Scan) -> NDArray[np.bool_]:
    return (scan.clipped >= CLIPPED_SHARE) & ~scan.constant & (scan.flat_s < FLAT_S)


def _odd_amplitude(scan: Scan) -> list[str]:
    known = np.isfinite(scan.amplitude) & (scan.amplitude > 0)  # 0: said to stand still
    if not known.any():
        return []
    typical = float(np.median(scan.amplitude[known]))
    if not LEAST_UV <= typical <= MOST_UV:
        return [f"amplitude {typical:.3g} uV, scalp EEG has 5 to 50; is the unit right?"]
    outside = known & ((scan.amplitude < LEAST_UV) | (scan.amplitude > MOST_UV))
    if not outside.any():
        return []
    each = [
        f"{scan.channels[index]} ({scan.amplitude[index]:.3g} uV)"
        for index in np.flatnonzero(outside)
    ]
    return [f"amplitude of {some_of(each)}, the median channel's is {typical:.3g} uV; loose?"]


def _mains_lines(scan: Scan) -> list[str]:
    found = []
    for line, ratio in scan.mains.items():
        strong = ratio > MAINS_RATIO
        if 2 * np.count_nonzero(strong) > len(ratio):  # on a few it is contact, not the room
            found.append(
                f"strong {line:g} Hz mains in {np.count_nonzero(strong)} of {len(ratio)} channels; "
                f"a notch may help (recipe: notch_hz: {line:g})"
            )
    return found


def odd_trials(recording: Recording) -> list[str]:
    """Say which trials cannot be as they are noted, a line for each kind."""
    if not recording.trials:
        return ["has no trials"]
    kinds: dict[str, list[str]] = defaultdict(list)
    end = 0
    for number, trial in enumerate(recording.trials, start=1):
        if trial.label < 0 and trial.start == trial.stop:
            continue  # it only keeps its number; the reader has said so
        if trial.start < 0 or trial.stop > recording.n_samples or trial.stop <= trial.start:
            kinds[f"outside its {recording.duration_s:.1f} s"].append(str(number))
        elif trial.stop - trial.start < SHORT_TRIAL_S * recording.sfreq:
            kinds[f"shorter than {SHORT_TRIAL_S:g} s"].append(str(number))
        if trial.start < end:
            kinds["beginning before the one before has ended"].append(str(number))
        end = max(end, trial.stop)
    return [f"trial {some_of(numbers)}: {what}" for what, numbers in kinds.items()]


def _too_slow(recording: Recording) -> list[str]:
    """Say which of the usual bands a recording is sampled too slowly for."""
    if recording.shipped is not None:
        return []
    usual: tuple[Band, ...] = Recipe.model_fields["bands"].default
    lost = [
        f"{band.name} ({band.low:g}-{band.high:g} Hz)"
        for band in usual
        if 2 * band.high >= recording.sfreq
    ]
    if not lost:
        return []
    return [
        f"sampled at {recording.sfreq:g} Hz, too slowly for the band {some_of(lost)}; training "
        "refuses it with the recipe's usual bands"
    ]


def _too_few(settings: DatasetSettings, chosen: Sequence[int]) -> list[str]:
    limit: float = Recipe.model_fields["interpolate"].default
    wanted = len(settings.channels)
    if wanted - len(chosen) <= limit * wanted:
        return []
    return [
        f"has {len(chosen)} of {wanted} electrodes; training refuses it unless the recipe's "
        f"interpolate is at least {math.ceil(100 * (1 - len(chosen) / wanted)) / 100}"
    ]


def _titles(recordings: Iterable[Recording]) -> dict[str, Recording]:
    """Give each recording a name of its own: one file may hold several."""
    listed = tuple(recordings)
    counts = Counter(recording.name for recording in listed)
    titles: dict[str, Recording] = {}
    for recording in listed:
        title = recording.name
        if counts[title] > 1:
            title += f" (subject {recording.subject}, session {recording.session})"
        while title in titles:
            title += " again"
        titles[title] = recording
    return titles


def _named(scan: Scan, mask: NDArray[np.bool_]) -> str:
    if mask.all():
        return "all channels"
    return some_of([name for name, is_it in zip(scan.channels, mask, strict=True) if is_it])


@contextmanager
def _remarks() -> Iterator[list[str]]:
    """Collect what readers remark, so that it stands in the report and nowhere else."""
    logger = logging.getLogger("offline.datasets")
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate, logger.level = before
