from __future__ import annotations

import numpy as np
import pytest

from offline.features.extract import extract
from offline.features.statistics import training_statistics
from rtbci.errors import RecipeError
from rtbci.signal.normalisation import Statistics
from tests.offline.features.sessions import RECIPE, opened, write_session


def test_they_are_those_of_all_windows_at_once_bit_for_bit(tmp_path):
    for number in (1, 2, 3):
        write_session(tmp_path, f"{number}_20240101.mat", seed=number)
    features = [extract(recording, RECIPE) for recording in opened(tmp_path)]
    chosen = {2: np.arange(5, 90, 3), 0: np.array([7, 3]), 1: np.array([], int)}
    expected = Statistics.fit(np.concatenate([features[r].maps[w] for r, w in chosen.items()]))
    found = training_statistics(features, chosen)
    assert np.array_equal(found.mean, expected.mean)
    assert np.array_equal(found.std, expected.std)


def test_no_window_is_an_error():
    with pytest.raises(RecipeError, match="no training maps"):
        training_statistics([], {0: np.array([], int)})
