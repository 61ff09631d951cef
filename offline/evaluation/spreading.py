"""Tasks spread over this machine's processes, or over a Dask cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from offline import parallel
from offline.evaluation.fitting import Bench, run_task
from offline.evaluation.outcome import Fit, Task
from offline.extras import require
from rtbci.errors import ConfigError

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_S = 10

# PyTorch's random numbers and thread counts belong to a process: a worker with several threads must
# not fit two networks at once, or they would not be the same each time.
_one_at_a_time = threading.Lock()


def over_processes(bench: Bench, tasks: Sequence[Task], jobs: int) -> Iterator[Fit]:
    """Yield the fits of tasks that run in ``jobs`` processes, in the order they are ready."""
    return parallel.over_processes(partial(run_task, bench), tasks, jobs)


def over_cluster(bench: Bench, tasks: Sequence[Task], address: str) -> Iterator[Fit]:
    """Yield the fits of tasks that run on a Dask cluster, in the order they are ready.

    The workers need rtbci with its offline part, and the data under the same paths; features that
    are not in their cache they extract themselves. A task whose worker dies goes to another one.

    Raises
    ------
    ConfigError
        If nothing answers at the address, or Dask is not installed.
    RtbciError
        If a task fails.
    """
    client = _connect(address)
    try:
        from distributed import as_completed

        # Not pure: a task that failed before is tried anew when it is asked for again.
        futures = client.map(_on_worker, [bench] * len(tasks), tasks, pure=False)
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            client.cancel(futures)
    finally:
        client.close()


def _on_worker(bench: Bench, task: Task) -> Fit:
    with _one_at_a_time:
        return run_task(bench, task)


def _connect(address: str) -> Client:
    require("--dask needs Dask", "dask", "distributed")
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Dask scheduler answers at {address} ({error})") from None
    if not client.scheduler_info()["workers"]:
        client.close()
        raise ConfigError(f"the Dask scheduler at {address} has no workers")
    return client
