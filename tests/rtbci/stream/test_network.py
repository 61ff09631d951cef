"""An LSL network of one's own, and liblsl's log out of the way; in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from rtbci.stream.network import isolated_lsl, quiet_lsl

ROOT = Path(__file__).parents[3]
HEADSET = """
import sys
from contextlib import nullcontext
from rtbci.stream.network import isolated_lsl
with isolated_lsl() if sys.argv[2] == "own" else nullcontext():
    import pylsl
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(sys.argv[1], "EEG", 1, 100, "float32", "x"))
    print("there", flush=True)
    sys.stdin.read()
"""
LOOK = """
import sys
from contextlib import nullcontext
from rtbci.stream.network import isolated_lsl
with isolated_lsl() if sys.argv[2] == "own" else nullcontext():
    import pylsl
    print(len(pylsl.resolve_byprop("name", sys.argv[1], 1, float(sys.argv[3]))))
"""


@contextmanager
def headset(name: str, network: str):
    process = subprocess.Popen(
        [sys.executable, "-c", HEADSET, name, network],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "there\n"
        yield
    finally:
        process.communicate(timeout=20)


def seen(name: str, network: str, seconds: float) -> int:
    """Return how often another process sees a stream."""
    words = [sys.executable, "-c", LOOK, name, network, str(seconds)]
    return int(subprocess.run(words, cwd=ROOT, check=True, capture_output=True).stdout)


def test_networks_do_not_see_each_other_but_each_sees_itself():
    name = "rtbci-test-amp"  # the same each time: what another run of the tests has is not seen
    with isolated_lsl(), headset(name, "ours"):
        assert seen(name, "ours", 20) == 1  # at once
        assert seen(name, "own", 2) == 0
        with isolated_lsl():
            assert seen(name, "ours", 2) == 0


def test_a_network_leaves_nothing_behind():
    before = os.environ.get("LSLAPICFG")
    with isolated_lsl() as outer:
        file = Path(os.environ["LSLAPICFG"])
        assert outer in file.read_text()
        with isolated_lsl() as inner:
            assert inner != outer
            inner_file = Path(os.environ["LSLAPICFG"])
        assert not inner_file.exists()
        assert os.environ["LSLAPICFG"] == str(file)
    assert not file.exists()
    assert os.environ.get("LSLAPICFG") == before


@pytest.mark.parametrize("before", [None, "/somewhere/lsl.cfg"])
def test_a_network_ends_with_an_error_too(monkeypatch, before):
    monkeypatch.delenv("LSLAPICFG", raising=False)
    if before is not None:
        monkeypatch.setenv("LSLAPICFG", before)
    with pytest.raises(KeyError), isolated_lsl():
        raise KeyError
    assert os.environ.get("LSLAPICFG") == before


def test_a_person_s_own_configuration_of_lsl_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LSLAPICFG", "/somewhere/lsl.cfg")
    quiet_lsl()
    assert os.environ["LSLAPICFG"] == "/somewhere/lsl.cfg"
    monkeypatch.delenv("LSLAPICFG")
    (tmp_path / "lsl_api").mkdir()
    (tmp_path / "lsl_api" / "lsl_api.cfg").write_text("")
    quiet_lsl()
    assert "LSLAPICFG" not in os.environ


@pytest.mark.skipif(
    Path("/etc/lsl_api/lsl_api.cfg").exists(), reason="this machine has a configuration of LSL"
)
def test_liblsl_s_log_stays_off_the_terminal(tmp_path):
    def said(first: str) -> str:
        program = f"{first}; import pylsl; pylsl.StreamOutlet(pylsl.StreamInfo('a', source_id='b'))"
        environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        del environment["LSLAPICFG"]
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stderr

    assert said("pass") != ""
    assert said("from rtbci.stream.network import quiet_lsl; quiet_lsl()") == ""
