from __future__ import annotations

import numpy as np
import pytest

from offline.explain.explanation import Explanation, over_fits
from rtbci.recipe import SEED_BANDS, Recipe

RECIPE = Recipe(
    classes=("a", "b"), channels=("F3", "FZ", "F4"), bands=SEED_BANDS[:2], features=("de", "psd"),
    hop_s=0.5, segments=3, segment_s=1.0,
)  # fmt: skip


def explanation(seed: int, planes: int = 4, segments: int = 3) -> Explanation:
    rng = np.random.default_rng(seed)
    return Explanation(
        attributions=rng.normal(size=(2, planes, 3)),
        over_segments=rng.normal(size=(2, segments)),
        electrode_nats=rng.normal(size=(2, 3)),
        band_nats=rng.normal(size=(2, 2)),
        electrode_accuracy=rng.normal(size=3),
        band_accuracy=rng.normal(size=2),
    )


def test_fits_count_alike_and_a_class_counts_where_it_was_tested():
    parts = [explanation(seed) for seed in range(4)]
    parts[1].attributions[0] = np.nan
    parts[1].band_nats[0] = np.nan
    found = over_fits(parts, "segments", RECIPE)
    assert found.fits == 4
    for name in vars(parts[0]):
        stacked = np.stack([getattr(part, name) for part in parts])
        np.testing.assert_allclose(getattr(found.mean, name), np.nanmean(stacked, axis=0))
        np.testing.assert_allclose(getattr(found.sd, name), np.nanstd(stacked, axis=0, ddof=1))


def test_numbers_have_names():
    found = over_fits([explanation(0)], "segments", RECIPE)
    assert found.planes == ("delta DE", "theta DE", "delta PSD", "theta PSD")
    assert (found.channels, found.bands) == (RECIPE.channels, ("delta", "theta"))
    assert found.segment_s == (2.0, 1.0, 0.0)
    assert over_fits([explanation(0, 1, 1)], "signal", RECIPE).planes == ("signal",)
    assert over_fits([explanation(0, 0, 0)], "covariances", RECIPE).planes == ()


def test_one_fit_has_no_spread_and_what_was_never_tested_no_mean():
    one = explanation(0, 0, 0)
    one.electrode_nats[1] = np.nan
    found = over_fits([one], "maps", RECIPE)
    assert found.mean.attributions.shape == (2, 0, 3)
    assert np.isnan(found.mean.electrode_nats[1]).all()
    assert np.isnan(found.sd.electrode_nats[1]).all()
    assert found.sd.electrode_nats[0] == pytest.approx([0, 0, 0])
