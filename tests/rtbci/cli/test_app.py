"""The command line as a person meets it: help, errors of one line, exit codes."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

import rtbci as package
from rtbci.cli.app import build
from tests.system import rtbci

ROOT = Path(package.__file__).parent
COMMANDS = (
    *("demo", "live", "calibrate", "watch", "streams", "model", "bench", "replay", "generate"),
    *("dataset", "features", "train", "evaluate", "ablate", "augment"),
)


def leaves(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the words of every command that does something, below groups of commands."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [words]
    return [leaf for name, sub in inner.items() for leaf in leaves(sub, (*words, name))]


EVERY_COMMAND = leaves(typer.main.get_command(build()))


def plain(shown: str) -> str:
    """Return the words of an output, without colours, which some environments force, and lines."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", shown).split())


def python(program: str, *, cwd: Path = ROOT.parent) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_commands_are_all_there():
    assert {words[0] for words in EVERY_COMMAND} == set(COMMANDS)


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_each_command_s_help_shows_an_example_of_it(words):
    shown = CliRunner().invoke(build(), [*words, "--help"], prog_name="rtbci")
    assert shown.exit_code == 0
    text = plain(shown.stdout)
    assert f"Usage: rtbci {' '.join(words)}" in text
    assert re.search(rf"Example.*: rtbci {' '.join(words)}\b", text)
    assert "[bold]" not in text
    short = CliRunner().invoke(build(), [*words, "-h"], prog_name="rtbci")
    assert short.stdout == shown.stdout


def test_help_names_the_commands_and_where_to_start():
    done = rtbci("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"│ {command} [A-Z]", plain(done.stdout))
    assert "Example: rtbci demo" in plain(done.stdout)


def test_the_version_is_the_package_s():
    done = rtbci("--version")
    assert (done.returncode, done.stdout) == (0, f"rtbci {package.__version__}\n")


def test_help_waits_for_no_heavy_library():
    heavy = ("torch", "mne", "mne_lsl", "scipy", "numba", "pylsl", "matplotlib")
    done = python(
        "import sys; from rtbci.cli.app import build; build();"
        f" print([name for name in {heavy} if name in sys.modules])"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ("lvie",),
        ("live", "--modle", "m.pt"),
        ("live", "--timeout", "soon"),
        ("generate",),
        ("train", "a.yaml", "b.yaml"),
        ("streams", "--timeout", "0"),
    ],
)
def test_a_slip_of_the_tongue_exits_with_2(words):
    shown = CliRunner().invoke(build(), words, prog_name="rtbci")
    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert "Usage: rtbci" in plain(shown.stderr)
    assert "Traceback" not in shown.stderr


def test_a_wrong_option_exits_with_2_from_the_real_program():
    done = rtbci("live", "--modle", "m.pt")
    assert done.returncode == 2
    assert "No such option: --modle" in plain(done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("live",), "no model: name its file with --model (made by 'rtbci train')"),
        (("live", "--config", "absent.yaml"), "absent.yaml: No such file or directory"),
        (("live", "-m", "m.pt", "--stream", ""), "stream = '': string should have at least 1"),
        (("replay", "simulator", "--loop"), "--loop is for recordings and scripts only"),
    ],
)
def test_an_expected_error_is_one_line_on_stderr(words, said):
    done = rtbci(*words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("rtbci: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_expected_error_has_a_traceback_only_with_debug():
    done = rtbci("--debug", "live", "--config", "absent.yaml")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "rtbci.errors.ConfigError: absent.yaml" in done.stderr
    assert done.stderr.splitlines()[-1] == "rtbci: absent.yaml: No such file or directory"


# Stands in for the real package of this name, whose commands rtbci loads by name.
DEFECTIVE_REPLAY = '''
import signal, time

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have it ignored

class Deaf:
    def __del__(self) -> None:
        print("waiting", flush=True)
        time.sleep(60)

def replay(kind: str) -> None:
    """Fail."""
    if kind == "deaf":
        Deaf()
        time.sleep(60)
    if kind == "silent":
        raise AssertionError
    if kind == "wait":
        print("waiting", flush=True)
        time.sleep(60)
    if kind == "chatty":
        while True:
            print("something")
    raise ZeroDivisionError("one line\\n  and another")
'''


@pytest.fixture
def defective(tmp_path) -> Path:
    """Return a folder in which ``python -m rtbci`` finds a ``replay`` with a defect."""
    folder = tmp_path / "replay"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "cli.py").write_text(DEFECTIVE_REPLAY)
    (folder / "generate.py").write_text("def generate() -> None: ...\n")
    (folder / "bench.py").write_text("def headset() -> None: ...\n")
    return tmp_path


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rtbci", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_defect_is_one_line_too_with_a_way_to_see_more(defective):
    process = start(defective, "replay", "loud")
    assert process.communicate(timeout=30) == (
        "",
        "rtbci: unexpected ZeroDivisionError: one line and another (--debug shows where)\n",
    )
    assert process.returncode == 1
    process = start(defective, "replay", "silent")
    said = process.communicate(timeout=30)[1]
    assert said == "rtbci: unexpected AssertionError: AssertionError (--debug shows where)\n"


def test_debug_shows_where_a_defect_is(defective):
    process = start(defective, "--debug", "replay", "loud")
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "Traceback (most recent call last)" in said
    assert re.search(r'replay/cli\.py", line \d+, in replay', said)
    assert said.splitlines()[-1].startswith("rtbci: unexpected ZeroDivisionError: one line and")


def stopped(folder: Path, kind: str, number: int) -> tuple[int, str]:
    """Return the exit code of a command that is sent a signal as it waits, and what it says."""
    process = start(folder, "replay", kind)
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_says_nothing_long(defective, number):
    code, said = stopped(defective, "wait", number)
    assert code not in (0, -number)
    assert len(said.splitlines()) <= 2
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_python_had_to_drop_is_not_lost(defective, number):
    assert stopped(defective, "deaf", number) == (1, "rtbci: stopped before it was done\n")


def test_a_reader_that_has_gone_is_no_error(defective):
    process = start(defective, "replay", "chatty")
    process.stdout.readline()
    process.stdout.close()
    deadline = time.monotonic() + 30
    while process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.stderr.read() == ""
    assert process.returncode == 1
    process.stderr.close()


def test_rtbci_stands_alone_where_only_it_is_installed():
    done = python(
        "import sys; sys.modules.update(offline=None, replay=None); "
        "from rtbci.cli.app import build; import typer; "
        "print(*sorted(typer.main.get_command(build()).commands))"
    )
    alone = ["bench", "calibrate", "demo", "live", "model", "streams", "watch"]
    assert done.stdout.split() == alone, done.stderr


def test_rtbci_imports_neither_training_nor_replay():
    files = sorted(ROOT.rglob("*.py"))
    assert len(files) > 30
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            imported: list[str] = []
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported = [node.module or ""]
            found = {name.split(".")[0] for name in imported} & {"offline", "replay", "tests"}
            assert not found, f"{file}:{getattr(node, 'lineno', 0)} imports {found}"
