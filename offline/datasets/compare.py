"""What is odd between the recordings of a data set, or between them and its settings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from statistics import median

from offline.datasets.config import Dataset
from offline.datasets.listing import some_of
from offline.datasets.recording import Recording
from offline.datasets.scan import Scan
from rtbci.montage.names import canonical_name
from rtbci.montage.positions import known_electrodes

DURATION_SHARE = 0.1
"""Pauses between trials differ by less than this from session to session."""

SAME_S = 0.1
"""Recordings whose lengths differ by no more than this are of the same length."""


def differing(titles: Mapping[str, Recording]) -> Iterator[str]:
    """Say where a recording's rate, number of trials or duration is not the others'."""
    rates = Counter(recording.sfreq for recording in titles.values())
    counts = Counter(len(recording.trials) for recording in titles.values())
    durations = defaultdict(list)
    for recording in titles.values():
        durations[_labels(recording)].append(recording.duration_s)
    usual_rate, usual_count = rates.most_common(1)[0][0], counts.most_common(1)[0]
    for title, recording in titles.items():
        if recording.sfreq != usual_rate:
            yield f"{title}: sampled at {recording.sfreq:g} Hz, others at {usual_rate:g} Hz"
        if len(recording.trials) != usual_count[0] and 2 * usual_count[1] > len(titles):
            yield f"{title}: {len(recording.trials)} trials, most have {usual_count[0]}"
        alike = durations[_labels(recording)]
        middle = median(alike)
        # A clip of its own length is as long for everybody who saw it; what was cut off is not.
        shared = sum(abs(each - recording.duration_s) <= SAME_S for each in alike) > 1
        far = abs(recording.duration_s - middle) > DURATION_SHARE * middle
        if len(alike) > 2 and far and not shared:
            yield (
                f"{title}: lasts {recording.duration_s:.0f} s, those with the same trials "
                f"{middle:.0f} s"
            )


def _labels(recording: Recording) -> tuple[int, ...]:
    return tuple(trial.label for trial in recording.trials)


def twins(scans: Mapping[str, Scan]) -> Iterator[str]:
    """Say which recordings hold the same samples."""
    first: dict[tuple[str, ...], str] = {}
    for title, found in scans.items():
        twin = first.setdefault(found.digests, title)
        if twin != title and not found.constant.all():
            yield f"{title}: the same samples as {twin}"


def without_trials(dataset: Dataset) -> list[str]:
    """Say which classes no trial is of."""
    found = {trial.label for recording in dataset.recordings for trial in recording.trials}
    name, classes = dataset.settings.name, dataset.settings.classes
    return [f"{name}: no trial of class {each}" for k, each in enumerate(classes) if k not in found]


def unknown_electrodes(dataset: Dataset) -> list[str]:
    """Say which electrodes no recording has and nobody could interpolate: mistyped, as a rule."""
    held = {canonical_name(name) for each in dataset.recordings for name in each.channels}
    placed = set(known_electrodes())
    unknown = [
        name
        for name in dataset.settings.channels
        if canonical_name(name) not in held and canonical_name(name) not in placed
    ]
    if not unknown or not dataset.recordings:
        return []
    return [
        f"{dataset.settings.name}: no recording has {some_of(unknown)}, and no electrode of that "
        "name is known; is it spelt right? (key channels)"
    ]
