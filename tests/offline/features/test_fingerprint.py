from __future__ import annotations

import numpy as np

from offline.datasets.recording import recording_of
from offline.features.extract import extract
from offline.features.fingerprint import SIGNAL_PATH
from rtbci.recipe import RawSignal, Recipe

CHANNELS = ("FZ", "CZ", "PZ", "C3", "OZ")  # the last one is interpolated

# Of three windows and four planes of the recording below, for each number of the signal path.
EXPECTED = {
    1: [
        *(23.492483636429597, 25.339063524568317, 21.312880117535872, 28.0561245549694),
        *(21.577928152899993, 24.583388406441923, 20.307571557139745, 25.83390224602742),
        *(19.907742630431596, 22.91672155228682, 18.640904892138654, 22.50056891870531),
    ]
}

# Of points of the first channel, microvolts.
POINTS = {1: [10.387011, -69.127655, -71.433159, 75.887917, -13.137591]}


def test_the_signal_path_has_another_number_when_its_numbers_change():
    time = np.arange(1200) / 200
    samples = [100 * np.sin(2 * np.pi * f * time + f) * np.exp(-time / 9) for f in (3, 6, 11, 40)]
    recording = recording_of(np.array(samples), 200.0, CHANNELS[:4])
    recipe = Recipe(
        channels=CHANNELS,
        features=("de", "psd"),
        notch_hz=60.0,
        reference="average",
        interpolate=0.3,
        signal=RawSignal(),
    )
    features = extract(recording, recipe)
    found = features.maps[[0, 20, -1]][:, [0, 2, 4, 7]].sum(axis=2).ravel()
    said = "numbers changed: raise SIGNAL_PATH and put the new ones here"
    np.testing.assert_allclose(found, EXPECTED[SIGNAL_PATH], rtol=1e-9, err_msg=said)
    points = features.points[[20, 100, 300, 500, -1], 0]
    np.testing.assert_allclose(points, POINTS[SIGNAL_PATH], rtol=1e-6, err_msg=said)
