"""``rtbci features``: computes a data set's features once, for all that comes after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from offline.datasets.config import Dataset, LeftOut
    from offline.features.cache import Extraction
    from rtbci.recipe import Recipe


def features(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_FILE", help="The data set: a name such as seed, or a YAML file."
        ),
    ],
    root: Annotated[Path, typer.Option(help="Folder that holds the data.")],
    window: Annotated[
        list[float] | None,
        typer.Option(help="Length of the windows, seconds; may be given several times."),
    ] = None,
    hop: Annotated[float | None, typer.Option(help="From one window to the next, seconds.")] = None,
    psd: Annotated[
        bool, typer.Option("--psd", help="Power density as well as differential entropy.")
    ] = False,
    recipe: Annotated[
        Path | None, typer.Option(help="YAML file of a recipe, instead of the default one.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default as many as are worth it.")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Leave out what cannot be read.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the arrays, an .npz file for each recording.")
    ] = None,
) -> None:
    """Compute a data set's features by the live signal path and keep them for later commands.

    They are kept in a cache folder that may be deleted at any time. Features that lie there already
    are not computed again.

    Example: rtbci features seed --root ~/data/SEED --window 0.5 --window 1 --psd
    """
    from rich.console import Console

    from offline.datasets.registry import named_dataset_settings, open_dataset
    from offline.features.cache import features_folder
    from offline.features.recipes import recipe_for

    settings = named_dataset_settings(dataset)
    recipes = [recipe_for(each, settings) for each in _recipes(recipe, window, hop, psd)]
    opened = open_dataset(settings, root, keep_going)
    runs = [_run(opened, each, jobs, keep_going) for each in recipes]
    if output is not None:
        for run in runs:
            _export(opened, run, output)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(_table(opened, runs))
    for each in (*opened.left_out, *(left for run in runs for left in run.left_out)):
        console.print(f"left out: {each.why}")
    console.print("stages: computing of all time, all processes together")
    folder = features_folder()
    console.print(f"cache: {folder}, {_size(folder) / 1e9:.2f} GB; it may be deleted at any time")
    if output is not None:
        console.print(f"arrays: {output}")


@dataclass(frozen=True)
class _Run:
    """One recipe's features and how long all took."""

    recipe: Recipe
    done: Extraction
    seconds: float

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        return self.done.left_out


def _recipes(
    file: Path | None, windows: list[float] | None, hop: float | None, psd: bool
) -> list[Recipe]:
    """Return the recipe with each of the windows."""
    from rtbci.configuration import load_yaml, validate
    from rtbci.recipe import Recipe

    recipe = Recipe() if file is None else load_yaml(file, Recipe)
    changes: dict[str, object] = recipe.model_dump(exclude_unset=True)
    if hop is not None:
        changes["hop_s"] = hop
    if psd and "psd" not in recipe.features:
        changes["features"] = (*recipe.features, "psd")
    return [
        validate(Recipe, changes | {"window_s": window_s}, source="the recipe")
        for window_s in dict.fromkeys(windows or [recipe.window_s])
    ]


def _run(dataset: Dataset, recipe: Recipe, jobs: int | None, keep_going: bool) -> _Run:
    import time

    from offline.features.cache import extract_each
    from rtbci.errors import RecordingError

    begun = time.perf_counter()
    done = extract_each(dataset.recordings, recipe, jobs, keep_going)
    if not any(each is not None for each in done.features):
        raise RecordingError(f"no recording could be used; the first: {done.left_out[0].why}")
    return _Run(recipe, done, time.perf_counter() - begun)


def _export(dataset: Dataset, run: _Run, output: Path) -> None:
    from offline.features.export import write_arrays
    from rtbci.progress import track

    pairs = list(zip(dataset.recordings, run.done.features, strict=True))
    for number, (recording, each) in enumerate(track(pairs, "writing arrays"), start=1):
        if each is not None:
            stem = Path(recording.name).stem
            name = f"{number:04d}_{stem}_{run.recipe.window_s:g}s.npz"
            write_arrays(output / name, recording, each, run.recipe)


def _table(dataset: Dataset, runs: list[_Run]) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("")
    for run in runs:
        table.add_column(f"{run.recipe.window_s:g} s each {run.recipe.hop_s:g} s", justify="right")
    columns = [_column(dataset, run) for run in runs]
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    return table


def _column(dataset: Dataset, run: _Run) -> dict[str, str]:
    from offline.features.clock import Taken
    from offline.features.store import STAGES

    done = run.done
    used = [
        (recording, each)
        for recording, each in zip(dataset.recordings, done.features, strict=True)
        if each is not None
    ]
    taken = {stage: done.taken.get(stage, Taken()) for stage in STAGES}
    return {
        "recordings": str(len(used)),
        "windows": str(sum(len(each) for _, each in used)),
        "minutes of EEG": f"{sum(recording.duration_s for recording, _ in used) / 60:.1f}",
        "were in the cache": str(done.reused),
        "left out": str(len(done.left_out) + len(dataset.left_out)),
        "processes": str(done.processes),
        "all in all": f"{run.seconds:.1f} s",
        **{
            f"  {stage}": f"{each.processor_s:.1f} of {each.wall_s:.1f} s"
            for stage, each in taken.items()
        },
    }


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
