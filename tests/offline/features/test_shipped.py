from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.datasets.recording import Recording, Trial
from offline.features.cache import fingerprint, load_or_extract
from offline.features.extract import relabelled
from rtbci.errors import ChannelError, RecipeError, RecordingError
from rtbci.recipe import RawSignal, Recipe

CHANNELS = ("FZ", "CZ", "PZ", "OZ")
RECIPE = Recipe(channels=("OZ", "FZ", "PZ"))
MAPS = np.random.default_rng(0).standard_normal((10, 5, 4))


def recording(maps=MAPS, **changes) -> Recording:
    plain = Recording(
        subject="1",
        session="1",
        name="1.mat",
        sfreq=1.0,
        channels=CHANNELS,
        trials=(Trial(0, 4, 2), Trial(4, 9, -1)),
        blocks=lambda: iter(()),
        n_samples=10,
        shipped=lambda: maps,
    )
    return replace(plain, **changes)


def test_a_data_set_s_own_maps_are_taken_window_by_window(tmp_path):
    folder = tmp_path / "cache"
    features = load_or_extract(recording(), RECIPE, folder)
    assert np.array_equal(features.maps, MAPS[:, :, [3, 0, 2]])
    assert features.label.tolist() == [2] * 4 + [-1] * 6
    assert features.trial.tolist() == [0] * 4 + [1] * 5 + [-1]
    assert features.last.tolist() == list(range(10))
    assert not features.bad.any()
    assert relabelled(features, (Trial(8, 10, 1),)).label.tolist() == [-1] * 8 + [1, 1]
    assert not folder.exists()
    assert fingerprint(recording(), RECIPE) != fingerprint(recording(MAPS + 1), RECIPE)


@pytest.mark.parametrize(
    ("made", "recipe", "error", "said"),
    [
        (recording(), RECIPE.model_copy(update={"channels": ("OZ", "C3")}), ChannelError, "C3"),
        (recording(MAPS[:, :4]), RECIPE, RecordingError, "features are 10 x 4 x 4"),
        (recording(MAPS[:9]), RECIPE, RecordingError, "features are 9 x 5 x 4"),
        (recording(MAPS[:0], n_samples=0), RECIPE, RecordingError, "holds no windows"),
        (recording(np.where(MAPS > 2, np.nan, MAPS)), RECIPE, RecordingError, "no numbers"),
        (
            recording(),
            RECIPE.model_copy(update={"signal": RawSignal()}),
            RecipeError,
            "ships features instead of samples, and recipe.signal",
        ),
    ],
)
def test_maps_that_do_not_fit_are_told_in_one_line(made, recipe, error, said):
    with pytest.raises(error, match=f"^1.mat: .*{said}") as caught:
        load_or_extract(made, recipe)
    assert "\n" not in str(caught.value)
