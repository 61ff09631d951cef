"""What is measured offline is what the wearer gets: one prediction a hop, the same numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from offline.datasets.readers import open_recording
from replay.simulator.simulator import Simulator
from rtbci.montage.names import SEED_CHANNELS
from tests.system import Listener, assert_same, make_model, offline, started, unique

OUTLET = Path(__file__).with_name("outlet.py")


def run_live(model: Path, name: str, headset: list[object], count: int, *options: object):
    """Play a headset to a live system and return all its predictions."""
    with (
        Listener() as listener,
        started(
            *("live", "-m", model, "-s", name, "--address", listener.address), *options
        ) as live,
        subprocess.Popen([sys.executable, *map(str, headset)]) as playing,
    ):
        try:
            predictions = listener.predictions(count)
            predictions += listener.silence(1.5)
            assert live.poll() is None
        finally:
            playing.terminate()
    return predictions


def replay(source: object, name: str, *options: object) -> list[object]:
    return ["-m", "rtbci", "replay", source, "--name", name, *options]


def test_a_real_recording(shared_data, tmp_path):
    path = shared_data("eegmmidb_S001") / "S001R04.edf"
    smoothing = {"kind": "exponential", "time_constant_s": 1}
    model = make_model(tmp_path / "model.pt", notch_hz=60, reference="average", smoothing=smoothing)
    recording = open_recording(path)
    expected = offline(model, recording.read(), recording.sfreq, recording.channels)
    assert len(expected) == 1241
    name = unique("amp")
    headset = replay(path, name, "--speed", 10)
    predictions = run_live(tmp_path / "model.pt", name, headset, len(expected))
    assert_same(predictions, expected, model.recipe.classes)
    # Names, units and the four electrodes that this cap lacks came from the stream's description.
    assert predictions[-1].quality.interpolated == ("PO5", "PO6", "CB1", "CB2")
    assert predictions[0].state == "warming-up"
    assert predictions[-1].state == "ok"
    steps = np.diff([p.lsl_time for p in predictions])
    np.testing.assert_allclose(steps, 0.1 / 10, atol=1e-4)


def test_a_simulated_recording_pushed_in_chunks_of_any_size(tmp_path):
    model = make_model(tmp_path / "model.pt", hop_s=0.13)
    data = Simulator(250.0, SEED_CHANNELS, seed=5).next(250 * 10, 0).T
    expected = offline(model, data, 250.0, SEED_CHANNELS)
    np.save(tmp_path / "data.npy", data)
    name = unique("amp")
    with (
        Listener() as listener,
        started("live", "-m", tmp_path / "model.pt", "-s", name, "--address", listener.address),
    ):
        for turn, chunk in enumerate((1, 7, 50, 1000)):
            # The same headset comes back each time, and live begins anew with it.
            headset = [OUTLET, tmp_path / "data.npy", name, "--chunk", chunk, "--sfreq", 250]
            with subprocess.Popen([sys.executable, *map(str, headset)]):
                predictions = listener.predictions(len(expected))
            assert not listener.silence(0.5)
            assert_same(predictions, expected, model.recipe.classes, turn * len(expected))
            assert predictions[0].state == "warming-up"


def test_a_bare_outlet_with_other_names_order_unit_and_channels(tmp_path):
    model = make_model(tmp_path / "model.pt")
    data = Simulator(200.0, SEED_CHANNELS, seed=6).next(200 * 8, 2).T
    expected = offline(model, data, 200.0, SEED_CHANNELS)
    np.save(tmp_path / "data.npy", data)
    name = unique("amp")
    headset = [OUTLET, tmp_path / "data.npy", name, "--disguise"]
    predictions = run_live(tmp_path / "model.pt", name, headset, len(expected))
    # In volts the same float32 samples are rounded elsewhere: a few parts in ten million.
    got = np.array([list(p.probabilities.values()) for p in predictions])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_mne_lsl_s_own_player(tmp_path):
    import mne

    channels = ["Fp1", "Fp2", "F3", "F4", "T3", "T4", "O1", "O2"]
    model = make_model(tmp_path / "model.pt", channels=channels)
    data = Simulator(200.0, channels, seed=7).next(200 * 6, 1).T
    info = mne.create_info(channels, 200.0, "eeg")
    mne.io.RawArray(data * 1e-6, info, verbose="error").save(tmp_path / "x_eeg.fif", fmt="double")
    name = unique("player")
    with (
        Listener() as listener,
        started("live", "-m", tmp_path / "model.pt", "-s", name, "--address", listener.address),
        subprocess.Popen(
            [sys.executable, OUTLET.with_name("player.py"), tmp_path / "x_eeg.fif", name]
        ) as player,
    ):
        predictions = listener.predictions(40)
        player.terminate()
    # The player begins whenever it likes and plays in a circle: find the first sample that live
    # saw, then every prediction has to fit.
    circle = np.concatenate([data, data, data, data], axis=1)
    got = np.array([list(p.probabilities.values()) for p in predictions])
    for start in range(data.shape[1]):
        expected = offline(model, circle[:, start : start + 200 * 6], 200.0, channels)[:40]
        if np.allclose(got[0], expected[0], atol=1e-5):
            break
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_headset_with_other_electrodes_is_refused(shared_data, tmp_path):
    make_model(tmp_path / "model.pt")
    path = shared_data("muse_lsl_xdf") / "sub-P002_muse.xdf"
    name = unique("muse")
    with (
        started("replay", path, "--name", name),
        started(
            "live", "-m", tmp_path / "model.pt", "-s", name, "--address", "tcp://127.0.0.1:*"
        ) as live,
    ):
        said, _ = live.communicate(timeout=60)
    assert live.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith(
        f"rtbci: stream '{name}': 62 of the model's 62 channels are missing: FP1"
    )
    assert "CB2" in last


@pytest.mark.parametrize("dtype", ["double64", "int32"])
def test_other_sample_types(tmp_path, dtype):
    channels = SEED_CHANNELS[:8]
    model = make_model(tmp_path / "model.pt", channels=channels)
    data = np.round(Simulator(200.0, channels, seed=8).next(200 * 4, 1).T)
    expected = offline(model, data, 200.0, channels)
    np.save(tmp_path / "data.npy", data)
    name = unique("amp")
    headset = [OUTLET, tmp_path / "data.npy", name, "--channels", 8, "--dtype", dtype]
    predictions = run_live(tmp_path / "model.pt", name, headset, len(expected))
    assert_same(predictions, expected, model.recipe.classes)
