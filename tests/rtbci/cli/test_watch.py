"""``rtbci watch`` as a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import Prediction, Status, encode

pytestmark = pytest.mark.timeout(60)

# The command as the program runs it, where a parent may have had Ctrl-C ignored.
PROGRAM = """
import signal
from rtbci.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


def make_prediction(seq: int, model: str = "cnn") -> Prediction:
    return Prediction(
        stream="eeg",
        seq=seq,
        label="positivé",
        probabilities={"negative": 0.1, "neutral": 0.2, "positivé": 0.7},
        lsl_time=float(seq),
        unix_time=float(seq),
        latency_ms=5.0,
        model=model,
    )


@contextmanager
def live_system() -> Iterator[str]:
    """Publish predictions, as a live system does, until the test is over."""
    over = threading.Event()
    address: list[str] = []
    bound = threading.Event()

    def publish() -> None:
        with Publisher("tcp://127.0.0.1:*") as publisher:
            address.append(publisher.address)
            bound.set()
            status = Status(
                stream="eeg", state="ok", message="all well", unix_time=0.0, model="cnn", classes=()
            )
            publisher.publish(status)
            seq = 0
            while not over.wait(0.01):
                publisher.greet()
                publisher.publish(make_prediction(seq))
                publisher.publish(make_prediction(seq, "graph"), member=True)
                seq += 1

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        bound.wait()
        yield address[0]
    finally:
        over.set()
        thread.join()


@contextmanager
def start(*arguments: str, **options) -> Iterator[subprocess.Popen]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    defaults = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment}
    command = [sys.executable, "-c", PROGRAM, "watch", *arguments]
    with subprocess.Popen(command, **defaults | options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def test_prints_json_lines_and_ends_after_count():
    with live_system() as address, start("--address", address, "--count", "5") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    predictions = [Prediction.model_validate_json(line) for line in out.splitlines()]
    first = predictions[0].seq
    assert predictions == [make_prediction(first + n) for n in range(5)]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(ending):
    with live_system() as address, start("--address", address) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(ending)
        rest, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    for line in [*lines, *rest.splitlines()]:
        assert json.loads(line)["label"] == "positivé"


def test_line_is_there_at_once_and_a_signal_ends_the_wait_for_the_next():
    with zmq.Context() as context, context.socket(zmq.XPUB) as slow:
        slow.bind("tcp://127.0.0.1:*")
        with start("--address", slow.get_string(zmq.LAST_ENDPOINT)) as process:
            assert {slow.recv(), slow.recv()} == {b"\x01prediction/", b"\x01status/"}
            slow.send_multipart(encode(make_prediction(0)))
            assert Prediction.model_validate_json(process.stdout.readline()) == make_prediction(0)
            process.send_signal(signal.SIGTERM)
            assert process.communicate() == (b"", b"")
    assert process.returncode == 0


def test_reader_that_goes_away_ends_it_without_a_traceback():
    with live_system() as address, start("--address", address) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.wait()
    assert (process.returncode, err) == (0, b"")


def test_timeout_is_one_line_and_exit_code_1():
    with start("--address", "tcp://127.0.0.1:1", "--timeout", "0.1") as process:
        out, err = process.communicate(timeout=50)
    assert process.returncode == 1
    assert out == b""
    assert err.count(b"\n") == 1
    assert b"tcp://127.0.0.1:1" in err


def test_only_the_stream_asked_for():
    with (
        live_system() as address,
        start("--address", address, "--stream", "ee", "--timeout", "0.5") as process,
    ):
        out, err = process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"'ee'" in err


def test_only_the_model_asked_for():
    with (
        live_system() as address,
        start("--address", address, "--model", "graph", "--count", "3") as process,
    ):
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert [json.loads(line)["model"] for line in out.splitlines()] == ["graph"] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_gets_the_live_view():
    with live_system() as address:
        code, shown, err = at_terminal("--address", address, "--count", "30")
    assert (code, err) == (0, "")
    assert "positivé" in shown
    assert "70.0 %" in shown
    assert "all well" in shown
    assert '"v":1' not in shown


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_is_told_of_waiting_and_its_end():
    code, shown, err = at_terminal("--address", "tcp://127.0.0.1:1", "--timeout", "0.5")
    assert code == 1
    assert "waiting for predictions from tcp://127.0.0.1:1" in shown
    assert shown.endswith("\x1b[?25h")  # the cursor is back
    assert err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_gets_json_where_asked_for():
    with live_system() as address:
        code, shown, _ = at_terminal("--address", address, "--count", "2", "--json")
    assert code == 0
    assert [json.loads(line)["v"] for line in shown.splitlines()] == [1, 1]


def at_terminal(*arguments: str) -> tuple[int, str, str]:
    """Run it with a pseudo-terminal as stdout; return its exit code, screen and stderr."""
    import pty

    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "30"}
    with start(*arguments, stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
        _, err = process.communicate()
    os.close(ours)
    return process.returncode, shown.decode(), err.decode()


def read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how a pseudo-terminal says that the other end is closed
        return b""
