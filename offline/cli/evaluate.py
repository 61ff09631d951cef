"""``rtbci evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from offline.evaluation.config import Evaluation
    from offline.evaluation.findings import Findings

Roots = Annotated[
    list[Path] | None,
    typer.Option(help="Folder that holds the data; once for each data set, in the file's order."),
]
Output = Annotated[
    Path | None, typer.Option(help="Folder for what is found, instead of the file's output.")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Processes; by default one for each processor.")
]
Dask = Annotated[
    str | None, typer.Option(help="Fit on the Dask cluster with this scheduler (tcp://...).")
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="Leave out what cannot be read.")]


def evaluate(
    config: Annotated[Path, typer.Argument(help="YAML file of the evaluation.")],
    root: Roots = None,
    output: Output = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Instead of the file's: trials-9-6, trials-9-3-3, trial-kfold, "
            "trial-kfold-pooled, sessions, leave-one-subject-out, subjects-9-3-3 or "
            "random-windows; found in a folder of its own."
        ),
    ] = None,
    jobs: Jobs = None,
    dask: Dask = None,
    keep_going: KeepGoing = False,
) -> None:
    """Compare recognisers, scored as live would run, with controls and a report.

    An evaluation that was stopped goes on where it was.

    Example: rtbci evaluate configs/evaluate-eegmat.yaml --root ~/data/eegmat
    """
    from rich.console import Console

    from offline.evaluation.config import Evaluation
    from offline.evaluation.evaluate import Places
    from offline.evaluation.evaluate import evaluate as run
    from offline.evaluation.report.document import write_report
    from offline.evaluation.report.metrics_file import write_metrics
    from offline.evaluation.report.pictures import pictures_of
    from offline.evaluation.table import render
    from offline.parallel import processors
    from rtbci.configuration import load_yaml

    settings = _changed(load_yaml(config, Evaluation), root, output, protocol)
    places = Places(jobs or processors(), dask)
    findings, material = run(settings, places, keep_going)
    metrics, report = settings.output / "metrics.json", settings.output / "report.html"
    write_metrics(findings, metrics)
    write_report(findings, pictures_of(material), report)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(render(findings))
    if findings.differences:
        console.print(_behind(findings))
    for each in findings.left_out:
        console.print(f"left out: {each.why}")
    console.print(f"figures: {metrics}")
    console.print(f"report: {report}")


def _behind(findings: Findings) -> str:
    """Say how far the others are behind the best, in points of balanced accuracy."""
    from offline.evaluation.table import interval, percent

    each = [
        f"{name} {percent(less.mean)} {interval(less.low, less.high)}"
        for name, less in findings.differences.items()
    ]
    return f"less the best, subject by subject: {', '.join(each)}"


def _changed(
    settings: Evaluation, root: list[Path] | None, output: Path | None, protocol: str | None
) -> Evaluation:
    from offline.evaluation.config import Evaluation, preset
    from rtbci.configuration import validate

    changes: dict[str, object] = {}
    if root:
        changes["roots"] = tuple(root)
    if protocol is not None:
        changes |= {"protocol": preset(protocol), "output": settings.output / protocol}
    if output is not None:
        changes["output"] = output
    # Validated again: another protocol may not fit the data sets.
    return validate(Evaluation, dict(settings) | changes, source="the evaluation")
