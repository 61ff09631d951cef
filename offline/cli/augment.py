"""``rtbci augment``: generated EEG, and what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from offline.cli.evaluate import Dask, Jobs, Output, Roots

app = typer.Typer(
    help="Generate EEG for training, and prove what it is worth.", no_args_is_help=True
)


@app.command("train")
def train_command(
    config: Annotated[Path, typer.Argument(help="YAML file of the generator.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder that holds the data, instead of the file's root.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Generator's file to write, instead of the file's output.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed, instead of the file's.")
    ] = None,
) -> None:
    """Train a generator on the training part of a data set.

    Example: rtbci augment train configs/generator-signal-gan.yaml --root simulated
    """
    from rich.console import Console

    from offline.generators.experiment import GeneratorExperiment, train_generator
    from offline.proof.report.losses import write_losses
    from rtbci.configuration import load_yaml

    given = {"root": root, "output": output, "seed": seed}
    changes = {key: value for key, value in given.items() if value is not None}
    made = train_generator(load_yaml(config, GeneratorExperiment).model_copy(update=changes))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {name}" for name, count in made.examples.items())
    what = "maps" if made.generator.makes == "maps" else "windows of the signal"
    console.print(f"{made.generator.kind}: learned from {counts} {what}")
    for name, values in made.generator.course.losses.items():
        console.print(f"loss {name}: {values[0]:.4g} at first, {values[-1]:.4g} at last")
    if (plot := write_losses(made.generator, made.path)) is not None:
        console.print(f"losses: {plot}")
    console.print(f"generator's file: {made.path}")


@app.command("evaluate")
def evaluate_command(
    config: Annotated[Path, typer.Argument(help="YAML file of the proof.")],
    root: Roots = None,
    output: Output = None,
    jobs: Jobs = None,
    dask: Dask = None,
) -> None:
    """Compare generated with real EEG, and recognisers that learn with it and without.

    What recognisers learned goes on where it was stopped.

    Example: rtbci augment evaluate configs/augment-simulated.yaml --root simulated
    """
    from rich.console import Console

    from offline.evaluation.evaluate import Places
    from offline.evaluation.report import ablation
    from offline.parallel import processors
    from offline.proof import table
    from offline.proof.figures_file import write_figures
    from offline.proof.report.document import write_report
    from offline.proof.run import prove

    proven = prove(config, tuple(root or ()), output, Places(jobs or processors(), dask))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(ablation.heading(proven.use.whole))
    console.print()
    console.print(table.comparison(proven))
    if proven.signals:
        console.print()
        console.print(table.signals(proven))
    for name in proven.use.whole.recognisers:
        console.print()
        console.print(ablation.render(proven.use.whole, name))
        if proven.proof.scarce is not None:
            console.print()
            console.print(table.scarcity(proven.use, name, proven.proof.scarce.label))
    if proven.withstood:
        console.print()
        console.print(table.robustness(proven))
    console.print()
    console.print(table.legend(proven), soft_wrap=False, style="dim")
    console.print(ablation.legend(proven.use.whole), soft_wrap=False, style="dim")
    figures = proven.proof.output / "proof.json"
    write_figures(proven, figures)
    console.print(f"figures: {figures}")
    report = proven.proof.output / "report.html"
    write_report(proven, report)
    console.print(f"report: {report}")
