"""A data set's labelled trials as FIF files, one a trial, for MNE and what builds on it.

The folder that is written is a data set of the layout ``folder``: ``dataset.yaml`` in it says so.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from offline.datasets.config import Dataset
from offline.datasets.listing import some_of
from offline.datasets.recording import Recording, Trial, cut
from offline.datasets.trial_files import raw_of, safe_names
from offline.features.extract import chunks_of
from rtbci.atomic import complete_or_absent
from rtbci.errors import ChannelError, RecordingError
from rtbci.montage.names import canonical_name, match_channels
from rtbci.progress import progress_bar

LABELS, TRIALS, SETTINGS = "labels.csv", "trials.csv", "dataset.yaml"
"""Tables of the folder layout and of where each trial comes from; what the folder is."""

_MOST_BYTES = 2_000_000_000  # a larger FIF would be split over several files


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    files : int
        Trials that were written.
    unlabelled : int
        Trials of the same recordings that have no label and were left out.
    """

    files: int
    unlabelled: int


@dataclass(frozen=True)
class _Piece:
    """One trial and the file that it becomes."""

    file: str
    number: int  # within subject and session, from 1
    trial: Trial
    label: str


def export(
    dataset: Dataset, output: Path, subjects: Sequence[str] = (), overwrite: bool = False
) -> Exported:
    """Write each labelled trial as ``sub-<subject>_ses-<session>_trial-<nn>_<class>_raw.fif``.

    The files hold volts in single precision, of the data set's electrodes those that the recording
    has, in their one spelling and with their positions; an annotation carries the class. Trials are
    numbered within a session, those without a label included. The tables and ``dataset.yaml``
    appear after the last trial, so a folder that has them is complete.

    Parameters
    ----------
    dataset : Dataset
        What to export.
    output : Path
        Folder to write to; made if it is not there.
    subjects : sequence of str
        Only these; all where it is empty.
    overwrite : bool
        Replace files of the same names. Other files stay where they are.

    Raises
    ------
    RecordingError
        If there is nothing to export, a file exists already or cannot be read or written, or the
        data set ships features instead of samples.
    ChannelError
        If two channels of a recording are one electrode.
    """
    plan = _plan(dataset, _wanted(dataset, subjects))
    pieces = [piece for _, its in plan for piece in its]
    unlabelled = sum(trial.label < 0 for recording, _ in plan for trial in recording.trials)
    if not pieces:
        raise RecordingError(f"{dataset.settings.name}: no trial has a label")
    try:
        _claim(output, [*(piece.file for piece in pieces), LABELS, TRIALS, SETTINGS], overwrite)
        with progress_bar() as bar, tempfile.TemporaryDirectory(dir=output, prefix=".rtbci-") as on:
            task = bar.add_task("exporting", total=len(pieces))
            for recording, its in plan:
                _write_recording(
                    dataset, recording, its, (Path(on), output), lambda: bar.advance(task)
                )
        _write_tables(dataset, plan, output)
    except OSError as error:
        raise RecordingError(f"{error.filename or output}: {error.strerror or error}") from None
    return Exported(len(pieces), unlabelled)


def _wanted(dataset: Dataset, subjects: Sequence[str]) -> tuple[Recording, ...]:
    known = list(dict.fromkeys(recording.subject for recording in dataset.recordings))
    strangers = [subject for subject in subjects if subject not in known]
    if strangers:
        raise RecordingError(
            f"{dataset.settings.name} has no subject {', '.join(strangers)}; "
            f"there are {', '.join(known)}"
        )
    wanted = tuple(r for r in dataset.recordings if not subjects or r.subject in subjects)
    for recording in wanted:
        if recording.shipped is not None:
            raise RecordingError(
                f"{recording.name}: holds features that came with the data set, and no samples"
            )
        for number, trial in enumerate(recording.trials, start=1):
            if trial.label < 0:
                continue
            if not 0 <= trial.start < trial.stop <= recording.n_samples:
                raise RecordingError(f"{recording.name}: trial {number} is not within its samples")
            if 4 * (trial.stop - trial.start) * len(recording.channels) > _MOST_BYTES:
                raise RecordingError(f"{recording.name}: trial {number} is too long for one FIF")
    return wanted


def _plan(
    dataset: Dataset, recordings: Iterable[Recording]
) -> list[tuple[Recording, tuple[_Piece, ...]]]:
    subject_names = safe_names(recording.subject for recording in dataset.recordings)
    session_names = safe_names(recording.session for recording in dataset.recordings)
    classes = dataset.settings.classes
    class_names = safe_names(classes)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    plan = []
    for recording in recordings:
        pieces = []
        for trial in recording.trials:
            key = recording.subject, recording.session
            seen[key] += 1
            if trial.label < 0:
                continue
            label = classes[trial.label]
            file = (
                f"sub-{subject_names[key[0]]}_ses-{session_names[key[1]]}"
                f"_trial-{seen[key]:02d}_{class_names[label]}_raw.fif"
            )
            pieces.append(_Piece(file, seen[key], trial, label))
        plan.append((recording, tuple(pieces)))
    return plan


def _claim(output: Path, files: Sequence[str], overwrite: bool) -> None:
    output.mkdir(parents=True, exist_ok=True)
    there = [file for file in files if (output / file).exists()]
    if there and not overwrite:
        raise RecordingError(
            f"{output / there[0]}: exists already ({len(there)} of {len(files)} files do); "
            "choose another folder, or pass --overwrite"
        )
    for table in (LABELS, TRIALS, SETTINGS):  # an interrupted export must not look whole
        (output / table).unlink(missing_ok=True)


def _write_recording(
    dataset: Dataset,
    recording: Recording,
    pieces: Sequence[_Piece],
    folders: tuple[Path, Path],
    advance: Callable[[], object],
) -> None:
    channels = dataset.settings.channels
    try:
        places = match_channels(channels, recording.channels)
    except ChannelError as error:
        raise ChannelError(f"{recording.name}: {error}") from None
    found = [index for index in places if index is not None]
    if not found:
        raise RecordingError(
            f"{recording.name}: has none of the electrodes {some_of(channels)}; its channels are "
            f"{some_of(recording.channels)}"
        )
    names = [
        canonical_name(name)
        for name, place in zip(channels, places, strict=True)
        if place is not None
    ]
    chunks = (chunk[:, found].T for chunk in chunks_of(recording))
    for index, samples in cut(chunks, [piece.trial for piece in pieces]):
        piece = pieces[index]
        raw = raw_of(samples, names, recording.sfreq, piece.label)
        raw.info["subject_info"] = {"his_id": _latin(recording.subject)}
        raw.info["description"] = _latin(_description(dataset, recording, piece))
        raw.save(folders[0] / piece.file, fmt="single", verbose="error")
        (folders[0] / piece.file).replace(folders[1] / piece.file)
        advance()


def _latin(text: str) -> str:
    """Keep what FIF can hold."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _description(dataset: Dataset, recording: Recording, piece: _Piece) -> str:
    seconds = [f"{sample / recording.sfreq:g}" for sample in (piece.trial.start, piece.trial.stop)]
    return (
        f"{dataset.settings.name}: {recording.name}, {'-'.join(seconds)} s, exported by rtbci"
        f"{'; simulated data' if dataset.settings.simulated else ''}"
    )


def _write_tables(
    dataset: Dataset, plan: Sequence[tuple[Recording, tuple[_Piece, ...]]], output: Path
) -> None:
    trials = [
        {
            "file": piece.file,
            "subject": recording.subject,
            "session": recording.session,
            "trial": piece.number,
            "label": piece.label,
            "start_s": piece.trial.start / recording.sfreq,
            "stop_s": piece.trial.stop / recording.sfreq,
            "source": recording.name,
        }
        for recording, pieces in plan
        for piece in pieces
    ]
    settings = dataset.settings
    content = {
        "layout": "folder",
        "name": settings.name,
        "simulated": settings.simulated,
        "classes": list(settings.classes),
        "channels": [canonical_name(name) for name in settings.channels],
        "table": LABELS,
    }
    _write_csv(output / TRIALS, trials, list(trials[0]))
    _write_csv(output / LABELS, trials, ["file", "subject", "session", "label"])
    with complete_or_absent(output / SETTINGS) as file:
        file.write(yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())


def _write_csv(path: Path, rows: Sequence[dict[str, object]], columns: Sequence[str]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with complete_or_absent(path) as file:
        file.write(text.getvalue().encode())
