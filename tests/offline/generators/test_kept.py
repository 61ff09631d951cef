"""What generators made is made once, and never taken for something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from offline.generators import Real
from offline.generators.gaussian import GaussianSettings
from offline.generators.kept import supplemented
from offline.generators.mixing import MixupSettings
from rtbci.recipe import Recipe

RECIPE = Recipe(channels=("F3", "F4"), classes=("low", "high"))
WANTED = {0: 3, 1: 5}


def real(seed: int = 0) -> Real:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, *RECIPE.map_shape)).astype(np.float32)
    return Real(x, np.repeat([0, 1], 20), np.arange(40) // 5)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npz"))


def test_what_lies_there_is_taken_and_the_same_as_what_was_made(tmp_path):
    made = supplemented(RECIPE, GaussianSettings(), real(), WANTED, 0, tmp_path)
    (entry,) = entries(tmp_path)
    again = supplemented(RECIPE, GaussianSettings(), real(), WANTED, 0, tmp_path)
    for first, second in zip(made, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert made[1].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    np.savez(entry, x=made[0] + 1, labels=made[1])  # so that it can be seen where it comes from
    marked, _ = supplemented(RECIPE, GaussianSettings(), real(), WANTED, 0, tmp_path)
    np.testing.assert_array_equal(marked, made[0] + 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": MixupSettings()},
        {"real": real(1)},
        {"real": Real(real().x, real().labels[::-1].copy(), real().trials)},
        {"real": Real(real().x, real().labels, real().trials // 2)},
        {"wanted": {0: 3, 1: 4}},
        {"seed": 1},
        {"recipe": RECIPE.model_copy(update={"classes": ("calm", "tense")})},
    ],
)
def test_anything_else_is_made_anew(tmp_path, changed):
    asked = {
        "recipe": RECIPE, "settings": GaussianSettings(), "real": real(), "wanted": WANTED,
        "seed": 0,
    }  # fmt: skip
    supplemented(**asked, folder=tmp_path)
    supplemented(**asked | changed, folder=tmp_path)
    assert len(entries(tmp_path)) == 2


def test_a_damaged_entry_is_made_again(tmp_path):
    made, _ = supplemented(RECIPE, GaussianSettings(), real(), WANTED, 0, tmp_path)
    (entry,) = entries(tmp_path)
    entry.write_bytes(entry.read_bytes()[:100])
    again, _ = supplemented(RECIPE, GaussianSettings(), real(), WANTED, 0, tmp_path)
    np.testing.assert_array_equal(again, made)
    with np.load(entry) as file:
        np.testing.assert_array_equal(file["x"], made)


def test_where_nothing_can_be_kept_it_is_made_all_the_same(tmp_path, caplog):
    (tmp_path / "file").touch()
    made, _ = supplemented(RECIPE, GaussianSettings(), real(), WANTED, 0, tmp_path / "file")
    assert len(made) == 8
    assert "cannot keep what was generated" in caplog.text
