"""Several models on one stream: each as if it were alone, and their average."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from replay.simulator.simulator import Simulator
from rtbci.model.file import Output
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import SEED_BANDS
from tests.system import (
    Listener,
    assert_same,
    make_model,
    offline,
    probabilities,
    started,
    unique,
)

OUTLET = Path(__file__).with_name("outlet.py")
SFREQ, SPEED = 200, 4
CHANNELS = SEED_CHANNELS[:8]
# By the stamps, which run at four times the rate, 250 ms are lost and then 62.5 ms. The former is
# longer than the one model's window and shorter than the other's: both start anew.
RESTART, RETURN = 5 * SFREQ, 6 * SFREQ
LOST = slice(9 * SFREQ, 9 * SFREQ + SFREQ // 4)


def test_each_model_predicts_as_alone_and_the_average_is_theirs(tmp_path):
    quick = make_model(
        tmp_path / "quick.pt",
        Output(abstain_below=0.45),
        channels=CHANNELS[:6],
        bands=SEED_BANDS[2:],
        window_s=0.2,
    )
    steady = make_model(
        tmp_path / "steady.pt",
        Output(abstain_below=0.48),
        channels=CHANNELS,
        bands=SEED_BANDS[1:],
        window_s=0.5,
        smoothing={"kind": "exponential", "time_constant_s": 1},
    )
    data = Simulator(float(SFREQ), CHANNELS, seed=2).next(SFREQ * 12, 0).T
    data[7, 8 * SFREQ :] = 17.0  # a channel that only one of the models looks at goes flat
    np.save(tmp_path / "data.npy", data)
    name = unique("amp")
    headset = [OUTLET, tmp_path / "data.npy", name, "--channels", 8, "--speed", SPEED]
    headset += ["--chunk", 10, "--lose", 5, 1, "--lose", 9, 0.25]
    paths = ("-m", tmp_path / "quick.pt", "-m", tmp_path / "steady.pt")
    with (
        Listener() as joint,
        Listener(joint.address, "quick") as first,
        Listener(joint.address, "steady") as second,
        started("live", *paths, "-s", name, "--address", joint.address),
    ):
        for listener in (first, second, joint):
            assert listener.status("stale").model == "quick+steady"
        with subprocess.Popen([sys.executable, *map(str, headset)]):
            parts = data[:, :RESTART], np.delete(data, LOST, axis=1)[:, RETURN:]
            expected = {
                model.name: np.concatenate(
                    [offline(model, part, SFREQ, CHANNELS) for part in parts]
                )
                for model in (quick, steady)
            }
            found = {
                "quick": first.predictions(len(expected["quick"])),
                "steady": second.predictions(len(expected["steady"])),
            }
            averaged = joint.predictions(len(expected["steady"]))
            for listener in (first, second, joint):
                assert not listener.silence(0.2)

    # Three windows of a fifth of a second are full before the first of half a second, twice.
    assert len(found["quick"]) == len(found["steady"]) + 6
    by_time = {}
    for model in (quick, steady):
        assert_same(found[model.name], expected[model.name], model.recipe.classes)
        assert {p.model for p in found[model.name]} == {model.name}
        by_time[model.name] = {p.lsl_time: p for p in found[model.name]}
        for p in found[model.name]:
            assert p.abstained == (max(p.probabilities.values()) < model.output.abstain_below)

    assert [p.seq for p in averaged] == list(range(len(averaged)))
    assert [p.lsl_time for p in averaged] == [p.lsl_time for p in found["steady"]]
    assert {p.model for p in averaged} == {"quick+steady"}
    members = [[by_time[name][p.lsl_time] for name in by_time] for p in averaged]
    mean = np.mean([probabilities(pair) for pair in members], axis=1)
    np.testing.assert_allclose(probabilities(averaged), mean, rtol=0, atol=1e-15)
    assert [p.label for p in averaged] == [quick.recipe.classes[k] for k in mean.argmax(axis=1)]
    for p, pair in zip(averaged, members, strict=True):
        states = [one.state for one in pair]
        assert p.state == min(states, key=["warming-up", "degraded", "ok"].index)
        assert p.abstained == (max(p.probabilities.values()) < 0.48)
        assert set(p.quality.bad_channels) == {b for one in pair for b in one.quality.bad_channels}
        assert p.quality.gap_ms == max(one.quality.gap_ms for one in pair)
    # Windows with samples from both sides of the short gap: of 0.2 s one, of 0.5 s four.
    for predictions, spanning in ((found["quick"], 1), (found["steady"], 4), (averaged, 4)):
        gaps = [p.quality.gap_ms for p in predictions if p.quality.gap_ms]
        np.testing.assert_allclose(gaps, [62.5 - 1e3 / SFREQ * (1 - 1 / SPEED)] * spanning, atol=1)
    # What was to be told apart did occur.
    assert {p.state for p in averaged} == {"warming-up", "degraded", "ok"}
    assert {p.abstained for p in averaged} == {True, False}
    assert found["quick"][-1].state == "ok"
    assert averaged[-1].state == "degraded"
