"""The demonstration, as a new user runs it."""

from __future__ import annotations

import re

import pytest

from rtbci.model.file import load_model
from tests.system import rtbci


@pytest.mark.slow
def test_the_demo_runs_by_itself_and_live_scores_what_offline_scored(tmp_path):
    folder = tmp_path / "kept"
    done = rtbci("demo", "--output", folder, timeout=280)
    said = done.stdout
    assert done.returncode == 0, done.stderr
    assert "everything here is simulated" in said

    sent, received, lost = map(
        int, re.search(r"(\d+) sent, (\d+) received, (\d+) lost", said).groups()
    )
    # 15 trials of 10 s: a prediction each 0.1 s once the first window is full.
    assert (sent, received, lost) == (1491, 1491, 0)
    accuracy = float(re.search(r"all\s+│\s+\d+ │\s+([\d.]+)%", said)[1])
    offline = float(re.search(r"offline: ([\d.]+)%", said)[1])
    assert accuracy == offline
    assert accuracy > 60  # a third by chance
    for name in ("negative", "neutral", "positive"):
        assert re.search(rf"{name}\s+│\s+\d+ │\s+[\d.]+%", said)
    assert re.search(r"[\d.]+ ms median, [\d.]+ ms p99, [\d.]+ ms max", said)

    assert str(folder / "model.pt") in said
    assert load_model(folder / "model.pt").training["simulated"] is True
    assert len(list((folder / "data" / "Preprocessed_EEG").glob("1_*.mat"))) == 4
    assert "connected to 'rtbci-demo'" in (folder / "demo.log").read_text()
