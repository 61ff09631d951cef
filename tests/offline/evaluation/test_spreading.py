from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from offline.evaluation.fitting import Bench
from offline.evaluation.outcome import Fit, Task
from offline.evaluation.protocols import LeaveOneSubjectOut
from offline.evaluation.spreading import over_cluster, over_processes
from rtbci.cli.processes import end
from rtbci.errors import ConfigError
from tests.offline.evaluation.people import bench


@pytest.fixture(scope="module")
def work() -> tuple[Bench, list[Task]]:
    made = bench(4, 1, LeaveOneSubjectOut())
    names = ("logistic-regression", "cnn", "tangent-space")
    return made, [Task(name, fold.name, 0) for name in names for fold in made.folds(0)]


@pytest.fixture(scope="module")
def expected(work) -> dict[Task, Fit]:
    return {fit.task: fit for fit in over_processes(*work, jobs=1)}


def assert_equal(found: dict[Task, Fit], expected: dict[Task, Fit]) -> None:
    assert found.keys() == expected.keys()
    for task, fit in expected.items():
        for name, column in vars(fit.said).items():
            np.testing.assert_array_equal(getattr(found[task].said, name), column)
        assert found[task].chosen == fit.chosen


@contextmanager
def dask(*words: str, said: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a Dask command and wait until its log says something."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            stdout=file,
            stderr=file,
            cwd=Path(__file__).parents[3],
        )
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(said, log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process, found[1]
    finally:
        end(process)


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Run a scheduler and two workers of one thread each on this machine."""
    scheduler = ("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with dask(*scheduler, said=r"Scheduler at:\s+(tcp://\S+)", log=folder / "s.log") as (
        _,
        address,
    ):
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory")
        registered = r"(Registered to:|Starting established connection)"
        with (
            dask(
                "dask_worker",
                address,
                *options,
                str(folder / "1"),
                said=registered,
                log=folder / "1.log",
            ) as (one, _),
            dask(
                "dask_worker",
                address,
                *options,
                str(folder / "2"),
                said=registered,
                log=folder / "2.log",
            ) as (two, _),
        ):
            yield address, [one, two]


def test_processes_give_the_same_as_one_process(work, expected):
    assert_equal({fit.task: fit for fit in over_processes(*work, jobs=2)}, expected)


def test_a_cluster_gives_the_same_though_a_worker_is_killed(work, expected, tmp_path):
    with cluster(tmp_path) as (address, workers):
        found = {}
        for fit in over_cluster(*work, address):
            if not found:
                os.kill(workers[0].pid, signal.SIGKILL)
            found[fit.task] = fit
        assert workers[0].wait(10) == -signal.SIGKILL
        assert workers[1].poll() is None
    assert_equal(found, expected)


def test_a_cluster_that_is_not_there_is_one_line(work):
    with pytest.raises(ConfigError, match=r"^no Dask scheduler answers at tcp://127.0.0.1:9 "):
        list(over_cluster(*work, "tcp://127.0.0.1:9"))
