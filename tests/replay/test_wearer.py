from __future__ import annotations

import numpy as np
import pytest

from offline.calibrating import block_windows, persons_of
from offline.datasets.recording import Recording, Trial, recording_of
from offline.features.extract import extract
from replay.reference import recorded_reference, simulated_reference
from replay.simulator.simulator import Simulator
from replay.sources import RecordingSource
from replay.wearer import wearer_scale
from rtbci.errors import ChannelError, ReplayError
from rtbci.recipe import Calibration, Recipe

SFREQ = 200.0
CHANNELS = ("FP1", "F7", "FZ", "C3", "T8", "PZ", "O1", "O2")
NEUTRAL = Calibration(classes=("neutral",), seconds=6.0)
RECIPE = Recipe(channels=CHANNELS, window_s=1.0, hop_s=0.3, calibration=NEUTRAL)


def neutral(seconds: float = 20.0) -> Recording:
    samples = Simulator(SFREQ, CHANNELS, seed=4).next(round(seconds * SFREQ), 1).T
    trial = Trial(0, samples.shape[1], 1)
    return recording_of(samples, SFREQ, CHANNELS, trials=[trial], name="quiet.fif")


def with_bad_channel(recording: Recording, start_s: float, stop_s: float) -> Recording:
    samples = recording.read().copy()
    samples[2, round(start_s * SFREQ) : round(stop_s * SFREQ)] = np.nan
    return recording_of(samples, SFREQ, CHANNELS, name="bad.fif")


@pytest.mark.parametrize("window_s", [1.0, 0.5])
def test_a_references_wearer_is_who_learning_finds_in_its_recording(window_s: float) -> None:
    recipe = RECIPE.model_copy(update={"window_s": window_s})
    recording = neutral()
    features = [extract(recording, recipe)]
    blocks = block_windows([recording], features, recipe, NEUTRAL)
    person = persons_of([recording], features, recipe, blocks)[0]
    scale = wearer_scale(RecordingSource(recording), recipe)
    assert scale is not None
    np.testing.assert_array_equal(scale.mean, person.mean.astype(np.float32))
    np.testing.assert_array_equal(scale.std, person.std.astype(np.float32))


def test_without_a_calibration_there_is_no_wearer() -> None:
    recipe = RECIPE.model_copy(update={"calibration": None})
    assert wearer_scale(RecordingSource(neutral()), recipe) is None


def test_what_a_bad_channel_says_does_not_count() -> None:
    recording = neutral(30.0)
    whole = wearer_scale(RecordingSource(recording), RECIPE)
    damaged = wearer_scale(RecordingSource(with_bad_channel(recording, 5.0, 5.5)), RECIPE)
    assert whole is not None
    assert damaged is not None
    assert np.isfinite(damaged.mean).all()
    # Windows without the damage are left: the measure is another, and nearly the same.
    assert 0 < np.abs(damaged.mean - whole.mean).max() < 0.2


def test_a_reference_that_cannot_be_a_calibration_is_refused() -> None:
    told = r"none of its first \d+\.\d s can be used .*: bad channels \(\w+\)$"
    with pytest.raises(ReplayError, match=told):
        wearer_scale(RecordingSource(with_bad_channel(neutral(), 0.0, 20.0)), RECIPE)
    # Neither is what goes round and begins again within the block.
    for short in (RecordingSource(neutral(4.0)), recorded_reference(neutral(5.0))):
        with pytest.raises(ReplayError, match=r"^lasts 4.0 s, and its first \d+\.\d s are to be"):
            wearer_scale(short, RECIPE)
    several = Calibration(classes=("negative", "neutral"), seconds=6.0)
    recipe = RECIPE.model_copy(update={"calibration": several})
    with pytest.raises(ReplayError, match="takes negative, neutral in turn, and a reference is in"):
        wearer_scale(simulated_reference(SFREQ, CHANNELS, 0), recipe)
    with pytest.raises(ChannelError, match="missing"):
        wearer_scale(recorded_reference(neutral()), Recipe(calibration=NEUTRAL))
