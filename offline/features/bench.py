"""``rtbci bench features``: how long the features of the whole of SEED take on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SEED_FILES = 45


def features(
    files: Annotated[int, typer.Option(min=1, max=SEED_FILES, help="How many files.")] = SEED_FILES,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    root: Annotated[
        Path | None, typer.Option(help="Folder that holds SEED, instead of simulated files.")
    ] = None,
) -> None:
    """Measure 'rtbci features' on SEED's full size, and the same work by SciPy and TorchEEG.

    Without --root, files of SEED's layout and size are made of noise and rhythms: one session, and
    copies of it that differ in their headers only, so that each is read, hashed and computed.

    Example: rtbci bench features --files 4
    """
    from offline.features.bench_data import link_files, make_files, workspace
    from offline.features.bench_rivals import compare
    from offline.features.bench_run import measure
    from rtbci.cache import cache_folder
    from rtbci.cli.bench import heading
    from rtbci.progress import progress_bar

    with workspace(cache_folder(), files, copied=root is None) as folder:
        if root is None:
            with progress_bar() as bar:
                task = bar.add_task("making files", total=files)
                for _ in make_files(folder, files):
                    bar.advance(task)
        else:
            files = link_files(root, folder, files)
        heading()
        typer.echo(measure(folder, files, jobs, simulated=root is None).render(SEED_FILES))
        for line in compare(folder):
            typer.echo(line)
