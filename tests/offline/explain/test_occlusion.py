from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.explain.occlusion import as_expected, band_stopped, losses, occluder_of
from offline.recognisers import FittedRecogniser, Inputs, log_probabilities
from offline.scores import Scores
from rtbci.recipe import SEED_BANDS, Recipe

RECIPE = Recipe(
    classes=("a", "b", "c"), channels=("F3", "FZ", "F4", "CZ"), bands=SEED_BANDS[:2],
    features=("de", "psd"),
)  # fmt: skip


class Weighing:
    """A recogniser whose every number is known: the softmax of W x."""

    def __init__(self, weights: np.ndarray, classes: tuple[int, ...]) -> None:
        self.weights, self.classes_ = weights, np.array(classes)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        odds = np.exp(X @ self.weights.T)
        return odds / odds.sum(axis=1, keepdims=True)


def weighing(weights: np.ndarray, classes: tuple[int, ...] = (0, 1, 2)) -> FittedRecogniser:
    flat = weights.reshape(len(classes), -1)
    return FittedRecogniser(Weighing(flat, classes), "maps", {}, 0.5)


def spd(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return covariances of channels of unlike power."""
    n = shape[-1]
    samples = rng.normal(size=(*shape, 4 * n)) * np.exp(rng.normal(size=(*shape, 1)))
    mixed = rng.normal(size=(n, n)) @ samples
    return mixed @ np.swapaxes(mixed, -2, -1) / (4 * n)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9), data=st.data())
def test_an_occluded_electrode_is_as_the_reference_has_it_given_the_others(seed, n, data):
    rng = np.random.default_rng(seed)
    electrode = data.draw(st.integers(0, n - 1))
    covariances, references = spd(rng, 3, 2, n), spd(rng, 2, n)
    kept = covariances.copy()
    found = as_expected(covariances, references, electrode)
    np.testing.assert_array_equal(covariances, kept)
    others = np.delete(np.arange(n), electrode)
    apart = np.ix_(range(3), range(2), others, others)
    np.testing.assert_allclose(found[apart], covariances[apart])
    np.testing.assert_allclose(found, np.swapaxes(found, -2, -1), rtol=1e-6, atol=1e-9)
    # Of a Gaussian, one variable given the others is what its row of the precision matrix says.
    rows = np.linalg.inv(found)[..., electrode, :]
    expected = np.broadcast_to(np.linalg.inv(references)[:, electrode], rows.shape)
    np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 9))
def test_what_is_the_reference_already_stays(seed, n):
    references = spd(np.random.default_rng(seed), 2, n)
    for electrode in range(n):
        found = as_expected(references[None], references, electrode)[0]
        np.testing.assert_allclose(found, references, rtol=1e-6, atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1), points=st.integers(8, 130))
def test_bands_side_by_side_share_nothing_and_make_up_the_whole(seed, points):
    windows = np.random.default_rng(seed).normal(size=(2, 3, points)).astype(np.float32)
    edges = [0, 4, 11, 30, 65]
    taken = [windows - band_stopped(windows, 128, low, high) for low, high in pairwise(edges)]
    np.testing.assert_allclose(sum(taken), windows, atol=1e-5)
    for k, one in enumerate(taken):
        for other in taken[k + 1 :]:
            np.testing.assert_allclose((one * other).sum(axis=-1), 0, atol=1e-3)


def test_a_rhythm_in_the_band_goes_and_one_outside_stays():
    time = np.arange(128) / 128
    slow, fast = np.sin(2 * np.pi * 10 * time), np.sin(2 * np.pi * 14 * time)
    left = band_stopped((slow + fast)[None].astype(np.float32), 128, 8, 14)
    assert left.dtype == np.float32
    np.testing.assert_allclose(left[0], fast, atol=1e-5)


def test_losses_are_those_of_asking_again_with_zeros():
    rng = np.random.default_rng(0)
    fitted = weighing(rng.normal(size=(3, 4, 4)))
    maps, labels = rng.normal(size=(60, 4, 4)), np.arange(60) % 3
    kept = maps.copy()
    inputs = Inputs(maps=maps)
    by_electrode, by_band = losses(occluder_of(fitted, inputs, RECIPE), labels, RECIPE)
    np.testing.assert_array_equal(maps, kept)
    said = log_probabilities(fitted, inputs, 3)
    assert (by_electrode.nats.shape, by_band.nats.shape) == ((3, 4), (3, 2))
    for k in range(4):
        without = maps.copy()
        without[:, :, k] = 0
        check(fitted, said, without, labels, by_electrode.nats[:, k], by_electrode.accuracy[k])
    for k in range(2):  # the band's plane of each feature
        without = maps.copy()
        without[:, [k, k + 2]] = 0
        check(fitted, said, without, labels, by_band.nats[:, k], by_band.accuracy[k])


def check(
    fitted: FittedRecogniser, said: np.ndarray, without: np.ndarray, labels: np.ndarray,
    nats: np.ndarray, accuracy: float,
) -> None:  # fmt: skip
    left = log_probabilities(fitted, Inputs(maps=without), 3)
    lost = [(said - left)[labels == c, c].mean() for c in range(3)]
    np.testing.assert_allclose(nats, lost)
    scores = [
        Scores.of(labels, each.argmax(axis=1), RECIPE.classes).balanced_accuracy
        for each in (said, left)
    ]
    assert accuracy == pytest.approx(scores[0] - scores[1])


def test_a_class_that_is_not_tested_or_not_known_has_no_loss():
    rng = np.random.default_rng(1)
    fitted = weighing(rng.normal(size=(2, 4, 4)), classes=(0, 2))
    inputs, labels = Inputs(maps=rng.normal(size=(20, 4, 4))), np.arange(20) % 2
    for found in losses(occluder_of(fitted, inputs, RECIPE), labels, RECIPE):
        assert np.isfinite(found.nats[0]).all()
        assert np.isnan(found.nats[1:]).all()
        assert np.isfinite(found.accuracy).all()
