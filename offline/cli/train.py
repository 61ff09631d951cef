"""``rtbci train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from offline.experiment import Result


def train(
    config: Annotated[Path, typer.Argument(help="YAML file of the experiment.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder that holds the data, instead of the file's root.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Model file to write, instead of the file's output.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed, instead of the file's.")
    ] = None,
) -> None:
    """Train a model on a data set and score it as live would run.

    Example: rtbci train configs/train-eegmat.yaml --root ~/data/eegmat
    """
    from rich.console import Console

    from offline.experiment import Experiment, run
    from rtbci.configuration import load_yaml

    given = {"root": root, "output": output, "seed": seed}
    changes = {key: value for key, value in given.items() if value is not None}
    result = run(load_yaml(config, Experiment).model_copy(update=changes))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(_table(result))
    console.print(_origin(result.training))
    if result.training["abstain_below"]:
        console.print(
            f"it abstains below a probability of {result.training['abstain_below']:.3f}, which was "
            "chosen on validation"
        )
    if result.training["simulated"]:
        console.print("simulated data: the scores say nothing about real brains")
    console.print(f"model file: {result.path}")


def _table(result: Result) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("")
    for column in ("validation", "test"):
        table.add_column(column, justify="right")
    parts = (result.validation, result.test)
    table.add_row("windows", *(str(scores.windows) for scores in parts))
    table.add_row("accuracy", *(_percent(scores.accuracy) for scores in parts))
    table.add_row("balanced accuracy", *(_percent(scores.balanced_accuracy) for scores in parts))
    for index, name in enumerate(result.test.classes):
        table.add_row(f"recall {name}", *(_percent(scores.recalls[index]) for scores in parts))
    _add_certainty(table, result.training)
    return table


def _add_certainty(table: Table, summary: dict[str, Any]) -> None:
    """Say what the probabilities are worth, and what is gained where the model may abstain."""
    parts = [summary["validation"], summary["test"]]
    errors = [part.get("expected_calibration_error") for part in parts]
    table.add_row("calibration error (ECE)", *map(_percent, errors))
    briers = [part.get("brier") for part in parts]
    table.add_row("Brier score", *("-" if value is None else f"{value:.3f}" for value in briers))
    if summary["abstain_below"]:
        answered = [part.get("answered", {}) for part in parts]
        table.add_row("answered", *(_percent(each.get("coverage")) for each in answered))
        balanced = [each.get("balanced_accuracy") for each in answered]
        table.add_row("balanced accuracy of these", *map(_percent, balanced))


def _origin(summary: dict[str, Any]) -> str:
    trials = summary["trials"]
    chosen = ", ".join(
        f"{key.replace('_', ' ')} {value}" for key, value in summary["chosen"].items()
    )
    return (
        f"{summary['dataset']}, held out by {summary['split']['by']}: "
        f"{trials['train']} training, {trials['validation']} validation, {trials['test']} test "
        f"trials; chosen on validation: {chosen}"
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
