"""A folder of recordings with a table that gives each file one label."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from offline.datasets.config import DatasetSettings, Source, natural_order, require_folder
from offline.datasets.readers import open_recording
from offline.datasets.recording import Recording, Trial
from rtbci.errors import RecordingError

_COLUMNS = ("file", "subject", "label")


class FolderSettings(DatasetSettings):
    """Files that MNE or pyxdf reads, and a CSV table with one row for each.

    Attributes
    ----------
    table : str
        The table's name. It has the columns ``file``, ``subject`` and ``label``, and may have
        ``session``; other columns are not looked at. Rows of a subject are in order of time.
    skip_start_s, skip_end_s : float
        Seconds at each file's beginning and end that belong to no trial.
    """

    layout: Literal["folder"]
    table: str = "labels.csv"
    skip_start_s: Annotated[float, Field(ge=0)] = 0.0
    skip_end_s: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True)
class _Row:
    line: int
    file: str
    subject: str
    session: str
    label: int


def find_folder(settings: FolderSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings of a table; see :func:`offline.datasets.registry.open_dataset`.

    Each file is one recording and one trial, from its first sample to its last but for what is
    skipped.
    """
    require_folder(root)
    table = root / settings.table
    listed = _rows(table, settings.classes)
    _require_distinct(table, listed)
    rows = sorted(listed, key=lambda row: natural_order(row.subject))
    return tuple(
        Source(row.file, partial(_open_file, settings, root / row.file, row, table)) for row in rows
    )


def _open_file(
    settings: FolderSettings, path: Path, row: _Row, table: Path
) -> tuple[Recording, ...]:
    if not path.is_file():
        raise RecordingError(f"{table}, line {row.line}: {row.file} is not in the folder")
    recording = open_recording(path)
    start = round(settings.skip_start_s * recording.sfreq)
    stop = recording.n_samples - round(settings.skip_end_s * recording.sfreq)
    if start >= stop:
        raise RecordingError(
            f"{path}: lasts {recording.duration_s:g} s, nothing is left after skip_start_s "
            f"{settings.skip_start_s:g} and skip_end_s {settings.skip_end_s:g}"
        )
    trial = Trial(start, stop, row.label)
    return (replace(recording, subject=row.subject, session=row.session, trials=(trial,)),)


def _require_distinct(table: Path, rows: Sequence[_Row]) -> None:
    """Refuse a file with two rows: the same samples would be trained on and tested with."""
    lines: dict[Path, int] = {}
    for row in rows:
        first = lines.setdefault(Path(row.file), row.line)
        if first != row.line:
            raise RecordingError(
                f"{table}, line {row.line}: {row.file} is in line {first} already; a file has one "
                "row"
            )


def _rows(table: Path, classes: tuple[str, ...]) -> list[_Row]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            content = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise RecordingError(
            f"{table}: {error.strerror or error}; a table with the columns {', '.join(_COLUMNS)} "
            "is expected (key table)"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{table}: not a CSV table in UTF-8 ({error})") from None
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        other = [mark for mark in ";\t" if len(columns) == 1 and mark in columns[0]]
        hint = "; commas have to part the columns" if other else ""
        raise RecordingError(
            f"{table}: lacks the column {', '.join(missing)}; it has "
            f"{', '.join(columns) or 'nothing in it'}{hint}"
        )
    if not content:
        raise RecordingError(f"{table}: lists no file")
    return [_row(table, line, row, classes) for line, row in content]


def _row(table: Path, line: int, row: dict[str, str | None], classes: tuple[str, ...]) -> _Row:
    file, subject, label = ((row[name] or "").strip() for name in _COLUMNS)
    if not (file and subject):
        raise RecordingError(f"{table}, line {line}: file or subject is empty")
    if label not in classes:
        raise RecordingError(
            f"{table}, line {line}: label {label!r} is none of the classes {', '.join(classes)}"
        )
    session = (row.get("session") or "").strip() or "1"
    return _Row(line, file, subject, session, classes.index(label))
