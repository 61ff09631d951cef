from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from offline.parallel import over_processes
from rtbci.errors import RtbciError

ROOT = Path(__file__).parents[2]


def squared(number: int) -> tuple[int, int, int]:
    return number, number**2, os.getpid()


def ended(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_is_worked_on_once_here_or_elsewhere(jobs):
    found = list(over_processes(squared, range(20), jobs))
    assert sorted((number, square) for number, square, _ in found) == [(k, k**2) for k in range(20)]
    assert ({pid for *_, pid in found} == {os.getpid()}) == (jobs == 1)


def test_a_process_that_is_ended_from_outside_is_told_in_one_line():
    with pytest.raises(RtbciError, match=r"ended from outside.*fewer than 2 \(--jobs\)"):
        list(over_processes(ended, range(20), 2))


def blocked(_: int) -> set[int]:
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])}


def in_a_fresh_process(program: str) -> subprocess.CompletedProcess[str]:
    """Run where nothing that ran before has started what stands between it and its children."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_ctrl_c_is_this_process_s_alone():
    done = in_a_fresh_process(
        "from offline.parallel import over_processes\n"
        "from tests.offline.test_parallel import blocked\n"
        "print(*over_processes(blocked, range(4), 2), blocked(0), sep='\\n')"
    )
    assert (done.stdout.split("\n"), done.stderr) == (["{2}"] * 4 + ["set()", ""], "")


def talked(number: int) -> None:
    log = logging.getLogger("offline.some.part")
    log.debug("not heard")
    log.info("item %d", number)


def test_what_processes_say_looks_as_if_it_were_said_here():
    done = in_a_fresh_process(
        "import logging\n"
        "from offline.parallel import over_processes\n"
        "from tests.offline.test_parallel import talked\n"
        "from rtbci.logs import log_to_stderr\n"
        "log_to_stderr(logging.INFO)\n"
        "list(over_processes(talked, range(3), 2))"
    )
    assert sorted(done.stderr.splitlines()) == [f"rtbci: item {k}" for k in range(3)]
