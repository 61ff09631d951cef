from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence

import numpy as np
import pylsl
import pytest
from numpy.typing import NDArray

from offline.datasets.readers import open_recording
from offline.datasets.recording import recording_of
from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.generator import Real
from replay.generated import EditedSource, Edits, GeneratedSource, SimulatorSource
from replay.player import PlaySettings, play
from replay.reference import recorded_reference, simulated_reference
from replay.script import Step, Timetable
from replay.simulator.simulator import Simulator
from replay.sources import Marker, RecordingSource, Source
from replay.wearer import wearer_scale
from rtbci.errors import ChannelError, ReplayError
from rtbci.montage.names import SEED_CHANNELS, canonical_name
from rtbci.recipe import Calibration, Recipe
from rtbci.signal.path import SignalPath
from rtbci.stream.discovery import describe
from rtbci.stream.inlet import Inlet, StreamLostError
from tests.replay.editing import Shift, ShiftSettings

SFREQ = 200.0
CHANNELS = ("FP1", "F7", "FZ", "C3", "T8", "PZ", "O1", "O2")
RECIPE = Recipe(channels=CHANNELS)
STEPS = (Step(1, 0.5), Step(2, 0.8), Step(0, 0.7))


def gather(
    source: Source, size: int, n_samples: int | None = None
) -> tuple[NDArray[np.float32], list[Marker]]:
    samples, markers = [], []
    for block in source.blocks(size):
        assert block.samples.dtype == np.float32
        samples.append(block.samples)
        markers += block.markers
        if n_samples is not None and sum(map(len, samples)) >= n_samples:
            break
    return np.concatenate(samples)[:n_samples], markers


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
    assert len({identity("a", STEPS), *(identity(*other) for other in others)}) == 6


def test_a_generator_of_maps_makes_no_headset_of_its_own(autoregressive) -> None:
    gaussian = Gaussian(RECIPE, GaussianSettings())
    with pytest.raises(ReplayError, match="kind gaussian makes maps, no signal"):
        GeneratedSource(gaussian, "x")
    for generator in (gaussian, autoregressive):
        with pytest.raises(ReplayError, match="does not edit maps"):
            EditedSource(simulated_reference(SFREQ, CHANNELS, 0), generator, "x")


def test_a_window_over_a_change_is_to_measure_some_of_both() -> None:
    generator = Shift(RECIPE, ShiftSettings())
    edits = Edits(generator, Timetable((Step(0, 2.0), Step(2, 2.0)), SFREQ), window=200)
    maps = np.random.default_rng(0).normal(size=(5, 5, 8))
    change = edits(maps, np.array([300, 399, 449, 599, 700])) - maps
    shares = np.array([0, 0, 0.25, 1, 1])
    expected = shares[:, None, None] * generator.shift(2)
    np.testing.assert_allclose(change, expected, atol=1e-6)


def wanted_of(
    reference: Source, generator: Shift, steps: Sequence[Step]
) -> tuple[NDArray[np.float64], SignalPath]:
    """What the reference measures, edited as the script has it."""
    recipe, sfreq = generator.recipe, reference.sfreq
    seconds = sum(step.seconds for step in steps)
    samples, _ = gather(reference, 1000, round(seconds * sfreq))
    path = SignalPath(recipe, sfreq, reference.channels)
    maps = path.push(samples)
    labels = np.repeat([s.label for s in steps], [round(s.seconds * sfreq) for s in steps])
    shift = np.stack([generator.shift(label) for label in range(3)])
    total = np.concatenate([np.zeros((1, *shift[0].shape)), np.cumsum(shift[labels], axis=0)])
    return maps.values + (
        total[maps.last + 1] - total[maps.last + 1 - path.window]
    ) / path.window, path


def test_an_edited_recording_measures_as_its_script_has_it(shared_data) -> None:
    recording = open_recording(shared_data("eegmat_200hz") / "Subject01_1.edf")
    there = {canonical_name(name) for name in recording.channels}
    channels = tuple(name for name in SEED_CHANNELS if name in there)
    steps = (Step(1, 20.0), Step(2, 15.5), Step(0, 10.0))
    generator = Shift(Recipe(channels=channels), ShiftSettings())
    source = EditedSource(recorded_reference(recording), generator, "x", steps)
    assert source.simulated
    assert source.channels == recording.channels
    assert source.n_samples == 9100
    samples, markers = gather(source, 40)
    assert markers[2:4] == [Marker(4000, "trial 2 positive"), Marker(7100, "trial 2 end")]
    wanted, path = wanted_of(recorded_reference(recording), generator, steps)
    path.reset()
    assert np.abs(path.push(samples).values - wanted).mean() < 0.03


def test_a_generator_with_a_calibration_edits_relative_to_the_wearer() -> None:
    recipe = RECIPE.model_copy(update={"calibration": Calibration(classes=("neutral",))})
    generator, steps = Shift(recipe, ShiftSettings(nats=1.2)), (Step(2, 15.0),)
    reference = simulated_reference(SFREQ, CHANNELS, 7)
    wearer = wearer_scale(reference, recipe)
    assert wearer is not None
    assert 0.05 < wearer.std.mean() < 0.5  # otherwise a shift in nats would be much the same
    source = EditedSource(reference, generator, "x", steps)
    samples, _ = gather(source, 500)
    path = SignalPath(recipe, SFREQ, CHANNELS)
    found = path.push(samples).values
    path.reset()
    before = path.push(gather(reference, 500, len(samples))[0]).values
    expected = generator.shift(2) * wearer.std
    assert np.abs(found - before - expected).mean() < 0.03
    assert np.abs(found - before).mean() > 0.1


def test_a_reference_that_is_no_calibration_is_refused_by_name() -> None:
    recipe = RECIPE.model_copy(update={"calibration": Calibration(classes=("neutral", "positive"))})
    with pytest.raises(ReplayError, match=r"^simulator: the generator's calibration takes neutral"):
        EditedSource(simulated_reference(SFREQ, CHANNELS, 0), Shift(recipe, ShiftSettings()), "x")


def test_power_densities_are_edited_but_not_followed() -> None:
    recipe = Recipe(channels=CHANNELS, features=("psd", "de"), window_s=2.0)
    generator, steps = Shift(recipe, ShiftSettings()), (Step(2, 15.0),)
    source = EditedSource(simulated_reference(SFREQ, CHANNELS, 1), generator, "x", steps)
    wanted, path = wanted_of(simulated_reference(SFREQ, CHANNELS, 1), generator, steps)
    path.reset()
    error = np.abs(path.push(gather(source, 500)[0]).values - wanted)[:, 5:]
    assert error.mean() < 0.05
    only = Shift(recipe.model_copy(update={"features": ("psd",)}), ShiftSettings())
    with pytest.raises(ReplayError, match="no differential entropy"):
        EditedSource(simulated_reference(SFREQ, CHANNELS, 1), only, "x")


def test_a_reference_that_ends_is_the_end() -> None:
    samples = Simulator(SFREQ, CHANNELS, seed=2).next(2400, 1).T
    reference = RecordingSource(recording_of(samples, SFREQ, CHANNELS))
    source = EditedSource(reference, Shift(RECIPE, ShiftSettings()), "x")
    assert source.n_samples == 2400
    played, markers = gather(source, 777)
    assert len(played) == 2400
    assert markers == [Marker(0, "trial 1 negative"), Marker(2400, "trial 1 end")]
    # The first class is not shifted: what is left are roundings of the edit.
    np.testing.assert_allclose(played, samples.T, rtol=1e-6)


def test_a_reference_of_another_montage_is_refused() -> None:
    generator = Shift(Recipe(), ShiftSettings())
    with pytest.raises(ChannelError, match="simulator: 54 of the model's 62 channels are missing"):
        EditedSource(simulated_reference(SFREQ, CHANNELS, 0), generator, "x")


def pulled(name: str, recipe: Recipe) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Measure a stream to its end as live does."""
    (found,) = pylsl.resolve_byprop("name", name, timeout=20)
    description = describe(found)
    assert description is not None
    with Inlet(description, 20) as inlet:
        path = SignalPath(recipe, description.sfreq, description.channels, description.units)
        maps = []
        try:
            while len(samples := inlet.pull(path.until_next_map, 3.0)[0]):
                maps.append(path.push(samples))
        except StreamLostError:
            pass
    return np.concatenate([each.values for each in maps]), np.concatenate([m.last for m in maps])


def test_what_is_wanted_arrives_over_lsl() -> None:
    generator = Shift(RECIPE, ShiftSettings(nats=0.8))
    steps = (Step(1, 12.0), Step(2, 12.0), Step(0, 8.0))
    source = EditedSource(simulated_reference(SFREQ, CHANNELS, 7), generator, "x", steps)
    settings = PlaySettings(f"edited-{uuid.uuid4().hex}", speed=8.0)
    headset = threading.Thread(target=play, args=(source, settings), daemon=True)
    headset.start()
    found, last = pulled(settings.name, RECIPE)
    headset.join(20)
    wanted, _ = wanted_of(simulated_reference(SFREQ, CHANNELS, 7), generator, steps)
    assert last[-1] == 32 * SFREQ - 1
    assert np.abs(found - wanted).mean() < 0.05
