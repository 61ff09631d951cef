from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.generator import Real
from replay.generated import GeneratedSource, SimulatorSource
from replay.script import Step
from replay.simulator.simulator import Simulator
from replay.sources import Marker
from rtbci.errors import ReplayError
from rtbci.recipe import Recipe
from tests.replay.gathering import gather

SFREQ = 200.0
CHANNELS = ("FP1", "F7", "FZ", "C3", "T8", "PZ", "O1", "O2")
RECIPE = Recipe(channels=CHANNELS)
STEPS = (Step(1, 0.5), Step(2, 0.8), Step(0, 0.7))


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_the_simulator_follows_a_script(size: int) -> None:
    source = SimulatorSource(Simulator(SFREQ, CHANNELS, seed=3), "x", STEPS)
    assert source.simulated
    assert (source.channels, source.n_samples) == (CHANNELS, 400)
    samples, markers = gather(source, size)
    assert markers == [
        Marker(0, "trial 1 neutral"),
        Marker(100, "trial 1 end"),
        Marker(100, "trial 2 positive"),
        Marker(260, "trial 2 end"),
        Marker(260, "trial 3 negative"),
        Marker(400, "trial 3 end"),
    ]
    again = Simulator(SFREQ, CHANNELS, seed=3)
    wanted = [again.next(n, label) for n, label in ((100, 1), (160, 2), (140, 0))]
    np.testing.assert_array_equal(samples, np.concatenate(wanted))
    np.testing.assert_array_equal(gather(source, size)[0], samples)  # begun again


def test_the_simulator_as_a_headset_does_not_wait_for_pytorch() -> None:
    asked = "import sys, replay.reference; print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", asked], check=False, capture_output=True, text=True, timeout=60
    )
    assert found.stdout.strip() == "False", found.stderr


def test_a_stop_within_a_trial_ends_it() -> None:
    source = SimulatorSource(Simulator(100.0, ("FP1", "OZ")), "x", STEPS, loop=True, stop_s=2.2)
    samples, markers = gather(source, 33)
    assert len(samples) == source.n_samples == 220
    assert markers[-3:] == [
        Marker(200, "trial 3 end"),
        Marker(200, "trial 4 neutral"),
        Marker(220, "trial 4 end"),
    ]


def test_the_simulator_goes_through_the_classes_for_ever_without_a_script() -> None:
    source = SimulatorSource(Simulator(100.0, ("FP1",)), "x")
    assert (source.n_samples, source.identity) == (None, "x")
    _, markers = gather(source, 900, 8100)
    assert markers[:3] == [
        Marker(0, "trial 1 negative"),
        Marker(2000, "trial 1 end"),
        Marker(2000, "trial 2 neutral"),
    ]
    assert Marker(6000, "trial 4 negative") in markers
    with pytest.raises(ReplayError, match="--stop 0"):
        SimulatorSource(Simulator(SFREQ, ("FP1",)), "x", stop_s=0)


@pytest.fixture(scope="module")
def autoregressive() -> Autoregressive:
    simulator = Simulator(SFREQ, CHANNELS)
    labels = np.repeat([0, 1, 2], 12)
    x = np.stack([simulator.next(200, label).T for label in labels])
    real = Real(x, labels, np.arange(36) // 4)
    return Autoregressive(RECIPE, AutoregressiveSettings(order=6)).fit(real)


def test_a_generator_of_the_signal_plays_a_script(autoregressive) -> None:
    source = GeneratedSource(autoregressive, "digest", STEPS, seed=5)
    assert source.simulated
    assert (source.sfreq, source.channels, source.n_samples) == (SFREQ, CHANNELS, 400)
    samples, markers = gather(source, 90)
    assert [marker.text for marker in markers[::2]] == [
        "trial 1 neutral",
        "trial 2 positive",
        "trial 3 negative",
    ]
    stream = autoregressive.stream(5)
    wanted = [stream.next(n, label) for n, label in ((100, 1), (160, 2), (140, 0))]
    np.testing.assert_allclose(samples, np.concatenate(wanted), rtol=1e-6)
    np.testing.assert_array_equal(gather(source, 90)[0], samples)  # begun again


def test_a_script_goes_round_and_the_signal_goes_on(autoregressive) -> None:
    source = GeneratedSource(autoregressive, "digest", STEPS, loop=True)
    assert source.n_samples is None
    samples, markers = gather(source, 100, 1000)
    assert Marker(800, "trial 7 neutral") in markers
    assert not np.array_equal(samples[:400], samples[400:800])
    assert GeneratedSource(autoregressive, "digest").n_samples is None


def test_what_plays_the_same_is_the_same_device(autoregressive) -> None:
    def identity(*given: object) -> str:
        return GeneratedSource(autoregressive, *given).identity

    assert identity("a", STEPS) == identity("a", STEPS)
    others = [("b", STEPS), ("a", STEPS, 1), ("a", STEPS, 0, True), ("a", STEPS[:2]), ("a",)]
    others += [("a", STEPS, 0, False, 1.5), ("a", [replace(STEPS[0], seconds=2.0000001)])]
    others += [("a", [replace(STEPS[0], seconds=2.0000002)])]
    assert len({identity("a", STEPS), *(identity(*other) for other in others)}) == 9


def test_a_generator_of_maps_makes_no_headset_of_its_own(autoregressive) -> None:
    gaussian = Gaussian(RECIPE, GaussianSettings())
    with pytest.raises(ReplayError, match="kind gaussian makes maps, no signal"):
        GeneratedSource(gaussian, "x")
