"""The program's own commands as processes of their own, for those that need several at once."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import AnyStr

from rtbci.errors import RtbciError

_STOP_S = 10.0


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
            end(process)


def end(process: subprocess.Popen[AnyStr]) -> tuple[AnyStr, AnyStr]:
    """End a command as SIGTERM does, if it has not ended, and return what it still has to say."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


def check_alive(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise if a background command has failed.

    Raises
    ------
    RtbciError
        With the last line that it wrote.
    """
    if process.poll():
        lines = log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise RtbciError(f"a process in the background failed ({log}): {lines[-1]}")


def free_address(preferred: str | None = None) -> str:
    """Return an address on this machine whose port is free: the preferred one, if it is."""
    ports = [0] if preferred is None else [int(preferred.rpartition(":")[2]), 0]
    for port in ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    raise RtbciError("no port is free on 127.0.0.1")
