from __future__ import annotations

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


def test_ctrl_c_is_this_process_s_alone():
    program = (
        "from offline.parallel import over_processes\n"
        "from tests.offline.test_parallel import blocked\n"
        "print(*over_processes(blocked, range(4), 2), blocked(0), sep='\\n')"
    )
    # A fresh process: nothing that ran before has started what stands between it and its children.
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split("\n"), done.stderr) == (["{2}"] * 4 + ["set()", ""], "")
