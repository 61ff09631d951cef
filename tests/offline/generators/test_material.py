from __future__ import annotations

import numpy as np
import pytest

from offline.calibrating import block_windows
from offline.datasets.recording import Recording, recording_of
from offline.features.extract import extract
from offline.generators.material import maps_in
from offline.splits import TrialKey
from rtbci.errors import ConfigError, GeneratorError
from rtbci.recipe import Calibration, Recipe
from tests.offline.evaluation.people import CHANNELS, CLASSES, LABELS, SFREQ, samples, trials

RECIPE = Recipe(classes=CLASSES, channels=CHANNELS, hop_s=0.5)
LOW = Calibration(classes=("low",), seconds=5)
RELATIVE = RECIPE.model_copy(update={"calibration": LOW})
TRIALS: tuple[TrialKey, ...] = tuple((r, k) for r in range(2) for k in range(len(LABELS)))


def people(loudness: float) -> list[Recording]:
    """Two people whose brains do the same; the second one's amplifier is another."""
    return [
        recording_of(
            gain * samples(5), SFREQ, CHANNELS, subject=str(k), name=str(k), trials=trials()
        )
        for k, gain in enumerate((1.0, loudness))
    ]


def test_maps_are_learned_in_nats_without_a_calibration() -> None:
    real = maps_in(people(2.0), TRIALS, RECIPE, 1)
    first, second = np.split(real.x, 2)
    np.testing.assert_allclose(second - first, np.log(2.0), atol=1e-4)


def test_a_calibration_makes_maps_relative_to_each_persons_block() -> None:
    recordings = people(2.0)
    real = maps_in(recordings, TRIALS, RELATIVE, 1)
    first, second = np.split(real.x, 2)
    np.testing.assert_allclose(first, second, atol=1e-3)
    features = extract(recordings[0], RECIPE)
    blocks = block_windows(recordings, [features, features], RELATIVE, LOW)
    own = features.maps[blocks.inside[0].rows]
    learned = blocks.outside([features, features])[0].label >= 0
    expected = (features.maps[learned] - own.mean(axis=0)) / own.std(axis=0)
    np.testing.assert_allclose(first, expected, atol=1e-4)
    # The block itself is not learned from.
    assert len(first) == len(maps_in(people(2.0), TRIALS, RECIPE, 1)) // 2 - len(blocks.touched[0])


def test_of_several_segments_each_map_comes_with_those_before_it_in_its_trial() -> None:
    recordings = people(2.0)
    history = RELATIVE.model_copy(update={"segments": 3, "segment_s": 1.0})
    real, alone = (maps_in(recordings, TRIALS, each, 1) for each in (history, RELATIVE))
    assert real.x.shape[1:] == history.stacked_shape == (15, len(CHANNELS))
    single = {each.tobytes() for each in alone.x}
    expected = []
    for trial in np.unique(alone.trials):
        own = alone.x[alone.trials == trial]
        # Two hops are a second; the first four maps of a trial reach back over its beginning.
        expected += [np.concatenate([own[k - 4], own[k - 2], own[k]]) for k in range(4, len(own))]
    np.testing.assert_array_equal(real.x, np.stack(expected))
    assert {part.tobytes() for part in real.x.reshape(-1, 5, len(CHANNELS))} <= single
    with pytest.raises(GeneratorError, match="no trial is as long as a window of 64 s"):
        maps_in(recordings, TRIALS, history.model_copy(update={"segments": 64}), 1)


def test_a_person_with_too_little_for_a_block_is_told() -> None:
    long = RECIPE.model_copy(update={"calibration": LOW.model_copy(update={"seconds": 60})})
    with pytest.raises(ConfigError, match="subject 0, session 1 has .* s of low, and 60.0 s are"):
        maps_in(people(1.0), TRIALS, long, 1)
