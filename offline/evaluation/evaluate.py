"""The whole of an evaluation: gather, fit, control, summarise."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from offline.evaluation.config import Evaluation
from offline.evaluation.findings import Findings
from offline.evaluation.fitting import Bench
from offline.evaluation.material import Material, gather
from offline.evaluation.metrics import summarise
from offline.evaluation.outcome import Outcome, Task
from offline.evaluation.protocols import RandomWindows
from offline.evaluation.spreading import over_cluster, over_processes
from offline.evaluation.store import OutcomeStore, data_hash, require_writable, versions
from offline.evaluation.summary import Summary
from rtbci.progress import progress_bar

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

    def spread(self, bench: Bench, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Yield the tasks' outcomes in the order they are ready."""
        if self.dask is None:
            return over_processes(bench, tasks, self.jobs)
        return over_cluster(bench, tasks, self.dask)


def evaluate(
    evaluation: Evaluation, places: Places, keep_going: bool = False
) -> tuple[Findings, Material]:
    """Run an evaluation, going on where an earlier run of the same was stopped.

    Parameters
    ----------
    evaluation : Evaluation
        What to do. Outcomes are kept in its ``output`` folder.
    places : Places
        Where.
    keep_going : bool
        Leave out what cannot be read, instead of stopping.

    Raises
    ------
    RtbciError
        If the data cannot be read, or the protocol does not fit them; one line.
    """
    require_writable(evaluation.output)
    material = gather(evaluation, places.jobs, keep_going)
    stride = max(round(evaluation.window_stride_s / material.recipe.hop_s), 1)
    bench = Bench(material, evaluation.protocol, evaluation.settings, stride)
    controls = tuple(range(evaluation.controls.random_labels))
    true, random = _both(evaluation, bench, controls, evaluation.seeds, places)
    leak: tuple[dict[str, Summary], dict[str, tuple[Summary, ...]]] = ({}, {})
    if evaluation.controls.random_windows and not evaluation.protocol.leaky:
        leaky = replace(bench, protocol=RandomWindows())
        leak = _both(evaluation, leaky, controls[:1], evaluation.seeds[:1], places)
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
        leak=leak[0],
        leak_controls=leak[1],
        left_out=material.left_out,
        provenance=_provenance(evaluation, bench),
    )
    return findings, material


def _both(
    evaluation: Evaluation,
    bench: Bench,
    draws: Sequence[int],
    seeds: Sequence[int],
    places: Places,
) -> tuple[dict[str, Summary], dict[str, tuple[Summary, ...]]]:
    """Return what each recogniser scores on the true labels, and on each draw of random ones."""
    folds = {seed: bench.folds(seed) for seed in seeds}
    kinds = [(seed, None) for seed in seeds] + [(seeds[0], draw) for draw in draws]
    tasks = [
        Task(recogniser, fold.name, seed, draw)
        for recogniser in evaluation.compared
        for seed, draw in kinds
        for fold in folds[seed]
    ]
    store = OutcomeStore(evaluation.output / "outcomes", bench)
    outcomes = _done(store, tasks, lambda missing: places.spread(bench, missing), bench)
    subjects, classes = bench.material.subjects, bench.material.recipe.classes

    def of(recogniser: str, draw: int | None) -> Summary:
        mine = [
            outcomes[task] for task in tasks if (task.recogniser, task.draw) == (recogniser, draw)
        ]
        permutations = evaluation.controls.permutations
        return summarise(recogniser, mine, subjects, classes, 0, permutations=permutations)

    true = {name: of(name, None) for name in evaluation.compared}
    random = {name: tuple(of(name, draw) for draw in draws) for name in evaluation.compared}
    return true, random


def _done(
    store: OutcomeStore,
    tasks: Iterable[Task],
    spread: Callable[[Sequence[Task]], Iterator[Outcome]],
    bench: Bench,
) -> dict[Task, Outcome]:
    """Return all tasks' outcomes: those on disk, and those that had to be made."""
    outcomes = {task: store.load(task) for task in tasks}
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
        for outcome in spread(missing) if missing else ():
            store.save(outcome)
            outcomes[outcome.task] = outcome
            bar.update(shown, advance=1)
    return {task: outcome for task, outcome in outcomes.items() if outcome is not None}


def _provenance(evaluation: Evaluation, bench: Bench) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "versions": versions(),
        "data_hash": data_hash(bench),
        "recipe": bench.material.recipe.model_dump(mode="json"),
        "seeds": list(evaluation.seeds),
        "datasets": [file.name for file in (*evaluation.datasets, *evaluation.test_datasets)],
        "config": evaluation.model_dump(mode="json", exclude=_TOLD_ELSEWHERE),
    }
