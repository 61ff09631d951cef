from __future__ import annotations

import numpy as np

from offline.examples import MapExamples, SignalExamples
from rtbci.recipe import Recipe

RECIPE = Recipe(segments=3, segment_s=0.2, hop_s=0.1)


def maps(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5, 62)).astype(np.float32)


def test_a_window_is_its_map_and_those_before_it_the_newest_last():
    found = maps(20, 0)
    windows = np.array([3, 19, 10])
    examples = MapExamples.of(found, windows, RECIPE)
    expected = np.stack([found[[max(w - 4, 0), max(w - 2, 0), w]] for w in windows])
    assert np.array_equal(examples.batch(np.arange(3)), expected)
    assert np.array_equal(examples[np.array([2, 0])].batch(np.array([1])), expected[:1])
    assert len(examples.maps) < 20  # what no window needs is not kept


def test_recordings_keep_their_own_maps_when_they_are_joined():
    parts = [
        MapExamples.of(maps(n, n), np.arange(4, n, step), RECIPE) for n, step in ((9, 1), (15, 3))
    ]
    joined = MapExamples.joined(parts)
    expected = np.concatenate([part.batch(np.arange(len(part))) for part in parts])
    assert len(joined) == len(expected)
    assert np.array_equal(joined.batch(np.arange(len(joined))), expected)


def test_maps_seen_at_once_are_one_map_with_more_planes_and_come_back_from_it():
    examples = MapExamples.of(maps(20, 0), np.array([4, 19, 10]), RECIPE)
    stacked, whole = examples.stacked(), examples.batch(np.arange(3))
    assert stacked.shape[1:] == RECIPE.stacked_shape == (15, 62)
    assert np.array_equal(stacked[:, 10:], whole[:, 2])  # the newest come last
    back = MapExamples.of_stacked(stacked, RECIPE.segments)
    assert np.array_equal(back.batch(np.array([2, 0])), whole[[2, 0]])
    assert examples[np.arange(0)].stacked().shape == (0, 15, 62)


def signal(n: int, seed: int, first: list[int]) -> SignalExamples:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3)).astype(np.float32)
    scale = rng.uniform(1, 2, (len(first), 3)).astype(np.float32)
    return SignalExamples.of(points, np.array(first), scale, length=8)


def test_a_window_of_the_signal_has_zeros_before_its_first_point_and_is_scaled():
    examples = signal(30, 1, [-3, 5])
    early, late = examples.batch(np.array([0, 1]))
    assert early.shape == (3, 8)
    assert (early[:, :3] == 0).all()
    points = examples.points[3:]  # behind the three zeros
    np.testing.assert_array_equal(late, points[5:13].T / examples.scale[1][:, None])
    np.testing.assert_array_equal(early[:, 3:], points[:5].T / examples.scale[0][:, None])


def test_recordings_keep_their_own_points_when_they_are_joined():
    parts = [signal(20, 1, [-2, 4]), signal(30, 2, [0, 9, 22])]
    joined = SignalExamples.joined(parts)
    expected = np.concatenate([part.batch(np.arange(len(part))) for part in parts])
    assert np.array_equal(joined.batch(np.arange(5)), expected)
    assert np.array_equal(joined[np.array([4, 0])].batch(np.arange(2)), expected[[4, 0]])
