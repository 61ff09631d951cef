"""Work spread over this machine's processes."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TypeVar

from rtbci.errors import RtbciError
from rtbci.logs import log_to_stderr

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Return how many processors this program may use."""
    import joblib

    return int(joblib.cpu_count())


def over_processes(work: Callable[[T], R], items: Iterable[T], jobs: int) -> Iterator[R]:
    """Yield the results of work on each item, in the order they are ready.

    Parameters
    ----------
    work : callable
        What is done; it and the items travel to the processes.
    items : iterable
        What it is done to, one at a time.
    jobs : int
        Processes, each computing in one thread; 1 works in this one.

    Raises
    ------
    RtbciError
        If a process is ended from outside.
    """
    if jobs == 1:
        yield from map(work, items)
        return
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    level = logging.getLogger("offline").level
    backend = joblib.parallel_config(
        "loky", inner_max_num_threads=1, initializer=log_to_stderr, initargs=(level,)
    )
    with backend, warnings.catch_warnings():
        # A process that has grown is replaced; nothing is lost by it.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        parallel = joblib.Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        try:
            with _children_without_ctrl_c():  # all of them start as the first tasks are dealt
                results = parallel(joblib.delayed(work)(item) for item in items)
            yield from results
        except TerminatedWorkerError:
            raise RtbciError(
                "a process was ended from outside, perhaps for lack of memory; try fewer than "
                f"{jobs} (--jobs)"
            ) from None


@contextmanager
def _children_without_ctrl_c() -> Iterator[None]:
    """Start processes that do not see a terminal's Ctrl-C: who started them ends them.

    Otherwise each of them says at length where it was.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # now: its own start would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
