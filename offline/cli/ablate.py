"""``rtbci ablate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from offline.cli.evaluate import Dask, Jobs, KeepGoing, Output, Roots


def ablate(
    config: Annotated[Path, typer.Argument(help="YAML file of the ablation.")],
    root: Roots = None,
    output: Output = None,
    jobs: Jobs = None,
    dask: Dask = None,
    keep_going: KeepGoing = False,
) -> None:
    """Compare variants of an evaluation on the same splits, each with one thing changed.

    An ablation that was stopped goes on where it was; variants of smoothing share their fits.

    Example: rtbci ablate configs/ablate-eegmat.yaml --root ~/data/eegmat
    """
    from rich.console import Console

    from offline.ablation import load_ablation, run_variants
    from offline.evaluation.evaluate import Places
    from offline.evaluation.report import ablation as report
    from offline.parallel import processors

    folder, variants = load_ablation(config, tuple(root or ()), output)
    ablated = run_variants(folder, variants, Places(jobs or processors(), dask), keep_going)
    figures, figure = folder / "ablation.json", folder / "ablation.png"
    report.write_ablation(ablated, figures)
    report.write_figure(ablated, figure)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(report.heading(ablated))
    for name in ablated.recognisers:
        console.print()
        console.print(report.render(ablated, name))
    console.print()
    console.print(report.legend(ablated), soft_wrap=False, style="dim")
    console.print(f"figures: {figures}")
    console.print(f"figure: {figure}")
