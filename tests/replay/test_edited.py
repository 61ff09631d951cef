from __future__ import annotations

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
from replay.edited import EditedSource, Edits
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
from tests.replay.gathering import gather

SFREQ = 200.0
CHANNELS = ("FP1", "F7", "FZ", "C3", "T8", "PZ", "O1", "O2")
RECIPE = Recipe(channels=CHANNELS)


def test_what_makes_no_edits_of_maps_makes_no_headset_of_a_reference() -> None:
    reference = simulated_reference(SFREQ, CHANNELS, 0)
    gaussian = Gaussian(RECIPE, GaussianSettings())
    for generator in (gaussian, Autoregressive(RECIPE, AutoregressiveSettings())):
        with pytest.raises(ReplayError, match="does not edit maps"):
            EditedSource(reference, generator, "x")


def test_what_edits_several_maps_at_once_makes_no_headset() -> None:
    reference = simulated_reference(SFREQ, CHANNELS, 0)
    generator = Shift(RECIPE.model_copy(update={"segments": 3}), ShiftSettings())
    with pytest.raises(ReplayError, match="edits 3 maps at once, .* recipe.segments 1"):
        EditedSource(reference, generator, "x")


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
