"""Live through the day: streams that stop, return, change, lose samples; people that err."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from replay.simulator.simulator import Simulator
from rtbci.montage.names import SEED_CHANNELS
from rtbci.publish.client import Subscription
from tests.system import (
    Listener,
    assert_same,
    make_model,
    offline,
    probabilities,
    rtbci,
    started,
    unique,
)

OUTLET = Path(__file__).with_name("outlet.py")
CHANNELS = SEED_CHANNELS[:8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model for eight channels and twenty seconds of data for it."""
    path = tmp_path_factory.mktemp("live")
    model = make_model(path / "model.pt", channels=CHANNELS)
    data = Simulator(200.0, CHANNELS, seed=1).next(200 * 20, 0).T
    np.save(path / "data.npy", data)
    return path, model, data


def headset(data: Path, name: str, *options: object) -> subprocess.Popen[bytes]:
    words = [OUTLET, data, name, "--channels", 8, *options]
    return subprocess.Popen([sys.executable, *map(str, words)])


def live(folder, name: str, listener: Listener, *options: object):
    words = ("live", "-m", folder[0] / "model.pt", "-s", name, "--address", listener.address)
    return started(*words, *options)


def test_a_stream_that_stops_is_stale_and_resumes_when_it_returns(folder):
    path, model, data = folder
    expected = offline(model, data, 200.0, CHANNELS)
    name = unique("amp")
    options = ("--source-id", "serial-1", "--speed", 10)
    with Listener() as listener, live(folder, name, listener) as process:
        waiting = listener.status("stale")
        assert waiting.message == f"waiting for the stream '{name}'"
        with headset(path / "data.npy", name, *options):
            first = listener.predictions(len(expected))
            assert first[-1].state == "ok"
            # It has sent all it has, but is still there: no samples, so stale, within a second.
            silent = listener.status("stale", said="no samples")
            assert silent.unix_time - first[-1].unix_time < 1
        gone = listener.status("stale", said="ended")
        assert gone.predictions == len(expected)
        # Another name, the same source id: the same device.
        with headset(path / "data.npy", unique("renamed"), *options):
            listener.status("warming-up")
            again = listener.predictions(len(expected))
        assert process.poll() is None
    assert again[0].state == "warming-up"
    assert_same(again, expected, model.recipe.classes, len(expected))


def test_a_stream_that_returns_otherwise_is_refused_and_waited_for(folder):
    path, _, _ = folder
    name = unique("amp")
    with Listener() as listener, live(folder, name, listener):
        listener.status("stale")
        with headset(path / "data.npy", name, "--speed", 20):
            listener.predictions(100)
        with headset(path / "data.npy", name, "--sfreq", 250) as faster:
            refused = listener.status("stale", said="refusing")
            assert "at 250 Hz instead of 200 Hz" in refused.message
            with headset(path / "data.npy", name, "--channels", 7) as smaller:
                refused = listener.status("stale", said="7 channels")
                assert "instead of 8" in refused.message
                smaller.kill()
            faster.kill()
            with headset(path / "data.npy", name, "--speed", 20):
                assert listener.predictions(100)[-1].state == "ok"


def test_one_of_two_amplifiers_of_a_name_is_kept_to(folder):
    path, model, data = folder
    expected = offline(model, data, 200.0, CHANNELS)
    name, left, right = unique("it's an amp"), unique("left"), unique("right")
    np.save(path / "other.npy", data[:, ::-1])
    with Listener() as listener, live(folder, f"source_id={left}", listener):
        listener.status("stale")
        with headset(path / "other.npy", name, "--source-id", right) as other:
            for turn in range(2):
                with headset(path / "data.npy", name, "--source-id", left, "--speed", 20):
                    predictions = listener.predictions(len(expected))
                # Who comes late hears of the stream by its name, not by what was looked for.
                with Subscription(listener.address, None, None) as late:
                    assert next(late.messages(10)).stream == predictions[0].stream
                assert_same(predictions, expected, model.recipe.classes, turn * len(expected))
                listener.status("stale", said="ended")
            other.kill()


def test_lost_samples_are_told_and_long_losses_restart_the_filters(folder):
    path, _, _ = folder
    name = unique("amp")
    lost = ("--chunk", 10, "--speed", 1, "--lose", 3.0, 0.2, "--lose", 6.0, 2.0)
    with Listener() as listener, live(folder, name, listener):
        listener.status("stale")
        with headset(path / "data.npy", name, *lost):
            predictions = listener.predictions(91)
            status = listener.status("warming-up", "ok", "degraded")
    gaps = np.array([p.quality.gap_ms for p in predictions])
    hit = np.flatnonzero(gaps)
    # 200 ms are lost at 3 s, between samples 599 and 600 of those that came. Window k holds
    # samples 20k to 20k + 199: these nine have some from both sides.
    np.testing.assert_allclose(gaps[hit], 200, atol=1)
    assert hit.tolist() == list(range(21, 30))
    states = [p.state for p in predictions]
    assert set(np.array(states)[hit[-1] + 1 : 40]) <= {"ok", "warming-up"}
    # 2 s at 6 s are more than a window: nothing is left to build on.
    assert states[47:49] == ["ok", "ok"]
    restarted = states.index("warming-up", 48)
    assert predictions[restarted].lsl_time - predictions[restarted - 1].lsl_time > 2.9
    assert status.gap_ms == pytest.approx(2200, abs=5)


def test_numbers_that_are_none_degrade_the_windows_that_hold_them(folder, tmp_path):
    data = folder[2]
    damaged = data.copy()
    damaged[3, 2000:2010] = np.nan
    damaged[5, :] = 17.0
    np.save(tmp_path / "damaged.npy", damaged)
    name = unique("amp")
    with Listener() as listener, live(folder, name, listener):
        listener.status("stale")
        with headset(tmp_path / "damaged.npy", name):
            predictions = listener.predictions(191)
    flagged = [k for k, p in enumerate(predictions) if CHANNELS[3] in p.quality.bad_channels]
    # Window k is samples 20k to 20k + 199.
    assert flagged == [k for k in range(191) if 20 * k <= 2009 and 20 * k + 199 >= 2000]
    assert all(CHANNELS[5] in p.quality.bad_channels for p in predictions)
    assert predictions[-1].state == "degraded"
    assert np.isfinite(probabilities(predictions)).all()


def test_what_a_stream_does_not_say_a_person_can(folder):
    path, model, data = folder
    expected = offline(model, data, 200.0, CHANNELS, bad=[CHANNELS[0]])
    name = unique("amp")
    said = ("--channels", ",".join(CHANNELS), "--unit", "uV", "--bad", CHANNELS[0])
    with Listener() as listener, live(folder, name, listener, *said):
        listener.status("stale")
        with headset(path / "data.npy", name, "--no-names", "--speed", 20):
            predictions = listener.predictions(len(expected))
    assert_same(predictions, expected, model.recipe.classes)
    assert predictions[0].quality.interpolated == (CHANNELS[0],)


def test_predictions_go_out_over_lsl_too(folder):
    import pylsl

    path, _, _ = folder
    name = unique("amp")
    with Listener() as listener, live(folder, name, listener, "--lsl-out"):
        listener.status("stale")
        with headset(path / "data.npy", name, "--speed", 4):
            found = pylsl.resolve_byprop("name", f"{name}-prediction", 1, 30)
            inlet = pylsl.StreamInlet(found[0])
            received = []
            while len(received) < 20:
                sample, stamp = inlet.pull_sample(timeout=20)
                assert stamp is not None
                received.append((stamp, sample[:3]))
            predictions = {p.lsl_time: p for p in listener.predictions(150)}
    for stamp, sample in received:
        expected = list(predictions[stamp].probabilities.values())
        np.testing.assert_allclose(sample, expected, atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_live_cleanly(folder, number):
    with Listener() as listener, live(folder, unique("amp"), listener) as process:
        listener.status("stale")
        process.send_signal(number)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert said.strip().endswith("rtbci: stopped")
    assert "Traceback" not in said


def one_line(words: list[object], code: int = 1) -> str:
    done = rtbci(*words)
    assert done.returncode == code
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("rtbci: ")]
    assert "Traceback" not in done.stderr
    return lines[-1].removeprefix("rtbci: ")


def test_errors_that_need_no_stream_are_one_line(folder, tmp_path):
    model = folder[0] / "model.pt"
    cut = tmp_path / "cut.pt"
    cut.write_bytes(model.read_bytes()[:5000])
    assert one_line(["live", "-m", cut]) == f"{cut}: not a TorchScript model, or cut off"
    gone = tmp_path / "gone.pt"
    assert one_line(["live", "-m", gone]) == f"{gone}: there is no such model file"
    assert "name its file with --model" in one_line(["live"])

    config = tmp_path / "live.yaml"
    config.write_text(f"model: {model}\nstraem: EEG\n")
    said = one_line(["live", "-c", config])
    assert said.startswith(f"{config}: unknown key 'straem'; allowed are model, stream,")
    config.write_text(f"model: {model}\ntimeout: -3\n")
    assert one_line(["live", "-c", config]) == (
        f"{config}: timeout = -3: input should be greater than 0"
    )

    name = unique("nobody")
    said = one_line(
        ["live", "-m", model, "-s", name, "--timeout", 1, "--address", "tcp://127.0.0.1:*"]
    )
    assert said == f"no LSL stream '{name}' within 1 s; 'rtbci streams' lists those on the network"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        said = one_line(["live", "-m", model, "--address", address])
    assert address in said
    assert "port is in use" in said


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--no-names"], "does not name its 8 channels; name them in order with --channels"),
        (["--unit", ""], "no unit is declared; say it with --unit (V, mV, uV or nV)"),
        (["--unit", "furlongs"], "unit 'furlongs' is not a voltage"),
        (["--sfreq", 0], "has an irregular rate"),
        (["--sfreq", 90], "band gamma (31-50 Hz) reaches the Nyquist frequency 45 Hz"),
        (["--channels", 6], "2 of the model's 8 channels are missing: F5, F3"),
    ],
)
def test_a_stream_that_cannot_be_used_is_refused_in_one_line(folder, options, expected):
    name = unique("amp")
    with headset(folder[0] / "data.npy", name, *options) as playing:
        said = one_line(
            ["live", "-m", folder[0] / "model.pt", "-s", name, "--address", "tcp://127.0.0.1:*"]
        )
        playing.kill()
    assert f"stream {name!r}" in said
    assert expected in said


def test_two_streams_that_match_have_to_be_told_apart(folder):
    name = unique("amp")
    data = folder[0] / "data.npy"
    with (
        headset(data, name, "--source-id", "left") as one,
        headset(data, name, "--source-id", "right") as other,
    ):
        listed = rtbci("streams", "--timeout", 2).stdout
        said = one_line(
            ["live", "-m", folder[0] / "model.pt", "-s", name, "--address", "tcp://127.0.0.1:*"]
        )
        one.kill()
        other.kill()
    assert said.startswith(f"2 streams match '{name}'")
    assert "--stream source_id=" in said
    assert "left" in said
    assert "right" in said
    assert f"{name}: FP1 FPZ FP2 AF3 AF4 F7 F5 F3" in listed
    assert "200 Hz" in listed
    assert "microvolts" in listed
