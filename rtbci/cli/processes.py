"""The program's own commands as processes of their own, for those that need several at once."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rtbci.errors import RtbciError
from rtbci.publish.wire import DEFAULT_ADDRESS

_STOP_S = 5.0


def command(*words: object) -> list[str]:
    """Return the command line of ``rtbci WORDS`` with this Python."""
    # -P: what lies in the current folder is not ours.
    return [sys.executable, "-P", "-m", "rtbci", *map(str, words)]


def run(*words: object) -> str:
    """Run a command to its end, its progress on our stderr, and return its stdout.

    Raises
    ------
    RtbciError
        If it fails; it has said why.
    """
    done = subprocess.run(command(*words), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RtbciError(f"'rtbci {words[0]}' failed, as it says above")
    return done.stdout


@contextmanager
def background(log: Path, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the background, what it says going to a log file; stopped at the end."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            command(*words), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def check_alive(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise if a background command has failed.

    Raises
    ------
    RtbciError
        With the last line that it wrote.
    """
    if process.poll():
        lines = log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise RtbciError(f"a process of the demonstration failed ({log}): {lines[-1]}")


def free_address() -> str:
    """Return the default address if its port is free, else one with a port that is."""
    host, port = DEFAULT_ADDRESS.removeprefix("tcp://").split(":")
    for candidate in (int(port), 0):
        with socket.socket() as probe:
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return f"tcp://{host}:{probe.getsockname()[1]}"
    raise RtbciError(f"no port is free on {host}")
