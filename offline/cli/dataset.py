"""``rtbci dataset``: look at a data set before training on it, or hand it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from offline.datasets.check import Report
    from offline.datasets.config import Dataset, DatasetSettings

_MANY = 3  # files of which the same is said one by one

app = typer.Typer(help="Look at a data set, or hand it on.", no_args_is_help=True)

_ROOT = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that holds the data.")]
_DATASET = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME_OR_FILE",
        help="What it is: a name such as seed, or a YAML file. Without it, what DIR looks like.",
    ),
]


@app.command("check")
def check_command(root: _ROOT, dataset: _DATASET = None) -> None:
    """Say what is there, what is missing and what is odd; reads every sample.

    What is odd is only listed. The exit code is 1 where a file cannot be used.

    Example: rtbci dataset check ~/data/SEED --dataset seed
    """
    from rich.console import Console

    from offline.datasets.check import check
    from rtbci.errors import RecordingError

    report = check(_settings(root, dataset), root)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in _overview(report.dataset):
        console.print(line)
    console.print(_table(report.dataset))
    for line in (*_sessions(report.dataset), *_channels(report.dataset)):
        console.print(line)
    for line in _findings(report, root):
        console.print(line)
    if report.unusable:
        files = "file" if len(report.unusable) == 1 else "files"
        raise RecordingError(f"{root}: {len(report.unusable)} {files} cannot be used, see the list")


@app.command("export")
def export_command(
    root: _ROOT,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    dataset: _DATASET = None,
    subject: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files of the same names.")
    ] = False,
) -> None:
    """Write each labelled trial as a FIF file, with tables of what is in them.

    Example: rtbci dataset export ~/data/SEED --dataset seed --output seed-fif --subject 1
    """
    from offline.datasets.export import SETTINGS, export
    from offline.datasets.registry import open_dataset
    from rtbci.errors import RecordingError

    if output.resolve() == root.resolve():
        raise RecordingError(f"{output}: holds the data themselves; choose another folder")
    opened = open_dataset(_settings(root, dataset), root)
    written = export(opened, output, subject or (), overwrite)
    typer.echo(f"{_count(written.files, 'trial')} written to {output}")
    if written.unlabelled:
        typer.echo(f"{_count(written.unlabelled, 'trial')} without a label left out")
    typer.echo(f"to read them: --dataset {output / SETTINGS}")


def _settings(root: Path, named: str | None) -> DatasetSettings:
    """Find out what a data set is: by name, by a file, or by what the folder looks like."""
    from offline.datasets.config import require_folder
    from offline.datasets.export import SETTINGS
    from offline.datasets.registry import (
        load_dataset_settings,
        named_dataset_settings,
        packaged_datasets,
    )

    require_folder(root)
    if named is None and (root / SETTINGS).is_file():
        typer.echo(f"{root} says in its {SETTINGS} what it is")
        return load_dataset_settings(root / SETTINGS)
    if named is None:
        named = _recognise(root, packaged_datasets())
        typer.echo(f"{root} looks like --dataset {named}")
    return named_dataset_settings(named)


def _recognise(root: Path, packaged: dict[str, Path]) -> str:
    """Return the one data set whose files a folder holds.

    Several may share a layout: then the most of its files must fit. What was simulated passes for
    the data set that it imitates only as the last choice, because it is told less of its files.
    """
    from offline.datasets.registry import LAYOUTS, load_dataset_settings, open_dataset
    from rtbci.errors import ConfigError, RecordingError

    usable: dict[str, tuple[bool, int]] = {}
    for name, path in packaged.items():
        settings = load_dataset_settings(path)
        try:
            sources = LAYOUTS[settings.layout].find(settings, root)
            found = open_dataset(settings, root, keep_going=True)
        except RecordingError:
            continue
        fit = len(sources) - len(found.left_out)
        usable[name] = (not settings.simulated and 2 * fit >= len(sources), fit)
    if not usable:
        raise RecordingError(
            f"{root}: looks like none of {', '.join(packaged)}; name what it is, or "
            "a YAML file that says so (--dataset)"
        )
    best = [name for name, fit in usable.items() if fit == max(usable.values())]
    if len(best) > 1:
        raise ConfigError(f"{root}: may be {' or '.join(best)}; say which (--dataset)")
    return best[0]


def _overview(dataset: Dataset) -> list[str]:
    recordings, settings = dataset.recordings, dataset.settings
    subjects = len({recording.subject for recording in recordings})
    trials = sum(len(recording.trials) for recording in recordings)
    inside = sum(
        (trial.stop - trial.start) / recording.sfreq
        for recording in recordings
        for trial in recording.trials
        if trial.label >= 0
    )
    rates = sorted({recording.sfreq for recording in recordings})
    sampled = ", ".join(f"{rate:g}" for rate in rates) + " Hz"
    if any(recording.shipped for recording in recordings):
        sampled = f"features of windows of {', '.join(f'{1 / rate:g}' for rate in rates)} s"
    return [
        f"{settings.name}: {_count(subjects, 'subject')}, "
        f"{_count(len(recordings), 'recording')}, {_count(trials, 'trial')}",
        f"{_hours(sum(recording.duration_s for recording in recordings))}, "
        f"{_hours(inside)} of it in labelled trials; "
        f"{sampled if rates else 'no file can be used'}",
        *(["simulated data: no brain made them"] if settings.simulated else []),
    ]


def _table(dataset: Dataset) -> Table:
    """Show each subject's sessions, and its trials by class."""
    from collections import Counter

    from rich.table import Column, Table

    classes = dataset.settings.classes
    counts: dict[str, Counter[int]] = {}
    for recording in dataset.recordings:
        counts.setdefault(recording.subject, Counter()).update(
            max(trial.label, -1) for trial in recording.trials
        )
    unlabelled = [-1] if any(each[-1] for each in counts.values()) else []
    held, every = _held_sessions(dataset)
    table = Table(
        Column("subject", overflow="fold"),
        Column("sessions", overflow="fold"),
        *(Column(name, justify="right", overflow="fold") for name in classes),
        *(Column("no label", justify="right") for _ in unlabelled),
        Column("minutes", justify="right"),
    )
    for subject, labels in counts.items():
        minutes = sum(r.duration_s for r in dataset.recordings if r.subject == subject) / 60
        table.add_row(
            subject,
            " ".join(session if session in held[subject] else "-" for session in every),
            *(str(labels[label]) for label in (*range(len(classes)), *unlabelled)),
            f"{minutes:.1f}",
        )
    return table


def _held_sessions(dataset: Dataset) -> tuple[dict[str, set[str]], list[str]]:
    """Return each subject's sessions, and all sessions that any subject has."""
    from offline.datasets.config import natural_order

    held: dict[str, set[str]] = {}
    for recording in dataset.recordings:
        held.setdefault(recording.subject, set()).add(recording.session)
    return held, sorted(set().union(*held.values()), key=natural_order)


def _sessions(dataset: Dataset) -> list[str]:
    held, every = _held_sessions(dataset)
    return [
        f"subject {subject}: no session {', '.join(s for s in every if s not in has)}"
        for subject, has in held.items()
        if len(has) < len(every)
    ]


def _channels(dataset: Dataset) -> list[str]:
    """Say which electrodes all recordings have, which are to be interpolated, what is not used."""
    from collections import Counter

    from rtbci.montage.names import canonical_name

    wanted = tuple(canonical_name(name) for name in dataset.settings.channels)
    missing: Counter[str] = Counter()
    unused: Counter[str] = Counter()
    for recording in dataset.recordings:
        has = {canonical_name(name): name for name in recording.channels}
        missing.update(name for name in wanted if name not in has)
        unused.update(name for key, name in has.items() if key not in wanted)
    if not dataset.recordings:
        return []
    lines = [] if missing else [f"channels: all {len(wanted)} in every recording"]
    if missing:
        lines.append(f"channels to be interpolated: {_in_how_many(missing, dataset)}")
    if unused:
        lines.append(f"channels that are not used: {_in_how_many(unused, dataset)}")
    return lines


def _in_how_many(names: dict[str, int], dataset: Dataset) -> str:
    """List channels, those together that as many recordings have, or lack."""
    from offline.datasets.listing import some_of

    every = len(dataset.recordings)
    alike: dict[int, list[str]] = {}
    for name, count in names.items():
        alike.setdefault(count, []).append(name)
    return "; ".join(
        some_of(group) + ("" if count == every else f" (in {count} of {every} recordings)")
        for count, group in alike.items()
    )


def _findings(report: Report, root: Path) -> list[str]:
    lines = []
    if report.unusable:
        lines.append("cannot be used:")
    for left_out in report.unusable:
        why = left_out.why.replace(f"{root}/", "")
        lines.append(f"  {why}" if left_out.name in why else f"  {left_out.name}: {why}")
    lines.append("odd:" if report.odd else "nothing odd")
    return lines + [f"  {line}" for line in _grouped(report.odd)]


def _grouped(odd: Sequence[str]) -> list[str]:
    """Put what is said of many files into one line; the order is that of what is said first."""
    from offline.datasets.listing import some_of

    files: dict[str, list[str]] = {}
    for line in odd:
        file, _, what = line.partition(": ")
        files.setdefault(what, []).append(file)
    return [
        line
        for what, names in files.items()
        for line in (
            [f"{some_of(names, 2)}: {what}"]
            if len(names) > _MANY
            else [f"{name}: {what}" for name in names]
        )
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
