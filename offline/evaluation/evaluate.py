"""The whole of an evaluation: gather, fit, control, summarise."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from offline.calibrating import block_windows, persons_of
from offline.evaluation.config import Evaluation
from offline.evaluation.findings import Findings
from offline.evaluation.fitting import Bench
from offline.evaluation.material import Material, gather
from offline.evaluation.metrics import summarise
from offline.evaluation.outcome import Fit, Outcome, Task
from offline.evaluation.protocols import RandomWindows
from offline.evaluation.spreading import over_cluster, over_processes
from offline.evaluation.store import FitStore, data_hash
from offline.evaluation.summary import Summary
from offline.explain.explanation import Explained, Explanation, over_fits
from offline.explain.gradients import captum_version
from offline.features.cache import load_or_extract
from offline.provenance import versions
from offline.recognisers import RECOGNISERS
from rtbci.atomic import require_writable
from rtbci.progress import progress_bar
from rtbci.recipe import Recipe

_TOLD_ELSEWHERE = {"datasets", "test_datasets", "roots", "output", "recipe", "seeds"}


@dataclass(frozen=True)
class Places:
    """Where the work is done.

    Attributes
    ----------
    jobs : int
        Processes on this machine.
    dask : str or None
        Address of a Dask scheduler, which then runs the fits instead.
    """

    jobs: int
    dask: str | None = None

    def spread(self, bench: Bench, tasks: Sequence[Task]) -> Iterator[Fit]:
        """Yield the tasks' fits in the order they are ready."""
        if self.dask is None:
            return over_processes(bench, tasks, self.jobs)
        return over_cluster(bench, tasks, self.dask)


def evaluate(
    evaluation: Evaluation,
    places: Places,
    keep_going: bool = False,
    fits: Path | None = None,
) -> tuple[Findings, Material]:
    """Run an evaluation, going on where an earlier run of the same was stopped.

    Parameters
    ----------
    evaluation : Evaluation
        What to do.
    places : Places
        Where.
    keep_going : bool
        Leave out what cannot be read, instead of stopping.
    fits : Path, optional
        Folder in which fits are kept, which several evaluations may share; by default one in the
        ``output`` folder.

    Raises
    ------
    RtbciError
        If the data cannot be read, or the protocol does not fit them; one line.
    """
    require_writable(evaluation.output)
    captum = {"captum": captum_version()} if evaluation.explain else {}
    material = gather(evaluation, places.jobs, keep_going)
    bench = bench_of(evaluation, material)
    controls = tuple(range(evaluation.controls.random_labels))
    fits = fits or evaluation.output / "outcomes"
    true, random, explained = _both(evaluation, bench, controls, evaluation.seeds, places, fits)
    leak: dict[str, Summary] = {}
    leak_controls: dict[str, tuple[Summary, ...]] = {}
    if evaluation.controls.random_windows and not evaluation.protocol.leaky:
        leaky = replace(bench, protocol=RandomWindows(), explain=False)
        leak, leak_controls, _ = _both(
            evaluation, leaky, controls[:1], evaluation.seeds[:1], places, fits
        )
    findings = Findings(
        dataset=material.name,
        simulated=material.simulated,
        causal=material.causal,
        protocol=evaluation.protocol.title,
        leaky=evaluation.protocol.leaky,
        classes=material.recipe.classes,
        subjects=tuple(dict.fromkeys(material.subjects)),
        summaries=tuple(true.values()),
        controls=random,
        leak=leak,
        leak_controls=leak_controls,
        left_out=material.left_out,
        provenance=_provenance(evaluation, bench, captum),
        explained=explained,
    )
    return findings, material


def bench_of(evaluation: Evaluation, material: Material) -> Bench:
    """Return what each of an evaluation's tasks needs."""
    recipe, recordings = material.recipe, material.recordings
    bench = Bench(
        material=material,
        protocol=evaluation.protocol,
        settings=evaluation.settings,
        stride=max(round(evaluation.window_stride_s / recipe.hop_s), 1),
        explain=evaluation.explain,
        scarce=evaluation.scarce,
        augmentation=evaluation.augmentation,
    )
    block = evaluation.left_out or recipe.calibration
    if block is None:
        return bench
    features = [load_or_extract(each, recipe) for each in recordings]
    longest = block_windows(recordings, features, recipe, block)
    blocks = longest
    if block != recipe.calibration:
        blocks = block_windows(recordings, features, recipe, recipe.calibration)
    persons = persons_of(recordings, features, recipe, blocks)
    return replace(bench, persons=persons, blocks=blocks, left_out=longest)


def _both(
    evaluation: Evaluation,
    bench: Bench,
    draws: Sequence[int],
    seeds: Sequence[int],
    places: Places,
    fits: Path,
) -> tuple[dict[str, Summary], dict[str, tuple[Summary, ...]], dict[str, Explained]]:
    """Return what each recogniser scores on the true labels and on each draw of random ones.

    With what each looked at, where that was asked for.
    """
    folds = {seed: bench.folds(seed) for seed in seeds}
    kinds = [(seed, None) for seed in seeds] + [(seeds[0], draw) for draw in draws]
    tasks = [
        Task(recogniser, fold.name, seed, draw)
        for recogniser in evaluation.compared
        for seed, draw in kinds
        for fold in folds[seed]
    ]
    store = FitStore(fits, bench)
    outcomes = _done(store, tasks, lambda missing: places.spread(bench, missing), bench)
    subjects, classes = bench.material.subjects, bench.material.recipe.classes

    def of(recogniser: str, draw: int | None) -> Summary:
        mine = [
            outcomes[task] for task in tasks if (task.recogniser, task.draw) == (recogniser, draw)
        ]
        permutations = evaluation.controls.permutations
        return summarise(recogniser, mine, subjects, classes, 0, permutations=permutations)

    true = {name: of(name, None) for name in evaluation.compared}
    random = {
        name: tuple(of(name, draw) for draw in draws) for name in evaluation.compared if draws
    }
    return true, random, _explained(outcomes.values(), bench.material.recipe)


def _explained(outcomes: Iterable[Outcome], recipe: Recipe) -> dict[str, Explained]:
    parts: dict[str, list[Explanation]] = {}
    for each in outcomes:
        if each.explanation is not None:
            parts.setdefault(each.task.recogniser, []).append(each.explanation)
    return {name: over_fits(mine, RECOGNISERS[name].needs, recipe) for name, mine in parts.items()}


def _done(
    store: FitStore,
    tasks: Iterable[Task],
    spread: Callable[[Sequence[Task]], Iterator[Fit]],
    bench: Bench,
) -> dict[Task, Outcome]:
    """Return all tasks' outcomes, of fits on disk and of those that had to be made."""
    recipe = bench.material.recipe
    outcomes: dict[Task, Outcome | None] = {}
    for task in tasks:
        known = store.load(task)
        outcomes[task] = None if known is None else Outcome.of(known, recipe)
    missing = [task for task, outcome in outcomes.items() if outcome is None]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with progress_bar(*columns) as bar:
        described = f"fitting, {bench.protocol.title}"
        shown = bar.add_task(described, total=len(outcomes), completed=len(outcomes) - len(missing))
        for fit in spread(missing) if missing else ():
            store.save(fit)
            outcomes[fit.task] = Outcome.of(fit, recipe)
            bar.update(shown, advance=1)
    return {task: outcome for task, outcome in outcomes.items() if outcome is not None}


def _provenance(evaluation: Evaluation, bench: Bench, captum: Mapping[str, str]) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "versions": {**versions(), **captum},
        "data_hash": data_hash(bench),
        "recipe": bench.material.recipe.model_dump(mode="json"),
        "seeds": list(evaluation.seeds),
        "datasets": [file.name for file in (*evaluation.datasets, *evaluation.test_datasets)],
        "config": evaluation.model_dump(mode="json", exclude=_TOLD_ELSEWHERE),
    }
