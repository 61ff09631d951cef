"""``rtbci generate``: a simulated data set on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def generate(
    folder: Annotated[Path, typer.Argument(help="Folder to write the data set to.")],
    subjects: Annotated[int, typer.Option(min=1, help="How many people.")] = 15,
    sessions: Annotated[int, typer.Option(min=1, help="Sessions of each.")] = 3,
    trials: Annotated[int, typer.Option(min=1, help="Trials in a session.")] = 15,
    trial_seconds: Annotated[float, typer.Option(help="Length of a trial.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated population.")] = 0,
) -> None:
    """Write simulated emotional EEG in SEED's file layout.

    Example: rtbci generate simulated --subjects 3 --trial-seconds 30
    """
    from replay.simulator.dataset import write_seed_dataset
    from rtbci.progress import progress_bar

    with progress_bar() as progress:
        task = progress.add_task("simulating", total=None)
        write_seed_dataset(
            folder,
            subjects=subjects,
            sessions=sessions,
            trials=trials,
            trial_s=trial_seconds,
            seed=seed,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(f"simulated data set: {folder}")
