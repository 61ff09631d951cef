from __future__ import annotations

import numpy as np
import pytest

from offline.recognisers.regions import RegionMeans, region_of
from rtbci.errors import ConfigError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import SEED_BANDS, Recipe


@pytest.mark.parametrize(
    ("electrode", "region"),
    [
        ("FP1", "prefrontal"),
        ("AF4", "prefrontal"),
        ("F7", "left temporal"),
        ("T8", "right temporal"),
        ("TP8", "right temporal"),
        ("FZ", "frontal"),
        ("F5", "frontal"),
        ("FC3", "central"),
        ("CPZ", "central"),
        ("P7", "parietal"),
        ("PZ", "parietal"),
        ("POZ", "occipital"),
        ("O1", "occipital"),
        ("CB2", "occipital"),
    ],
)
def test_electrodes_lie_where_anatomy_has_them(electrode, region):
    assert region_of(electrode) == region


def test_every_electrode_of_a_large_cap_has_a_region_and_none_is_nearly_empty():
    found = [region_of(name) for name in SEED_CHANNELS]
    counts = {region: found.count(region) for region in set(found)}
    assert len(counts) == 7
    assert min(counts.values()) >= 4


def test_is_the_mean_of_each_plane_over_a_region():
    recipe = Recipe(channels=("O1", "FP1", "OZ", "T7"), bands=SEED_BANDS[:2])
    maps = np.random.default_rng(0).normal(size=(5, 2, 4))
    means = RegionMeans(recipe).fit(maps.reshape(5, -1), np.zeros(5, int))
    assert means.regions_ == ("occipital", "prefrontal", "left temporal")
    expected = np.stack([maps[..., [0, 2]].mean(-1), maps[..., 1], maps[..., 3]], axis=-1)
    assert means.transform(maps.reshape(5, -1)) == pytest.approx(expected.reshape(5, -1))


def test_an_electrode_that_is_nowhere_is_named():
    with pytest.raises(ConfigError, match="electrode ECG"):
        region_of("ECG")
