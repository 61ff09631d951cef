from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.recognisers import Inputs, thinned


@given(
    labels=st.lists(st.integers(0, 3), min_size=20, max_size=200).map(np.array),
    most=st.integers(1, 40),
)
def test_thinning_keeps_order_limit_and_shares_of_the_classes(labels, most):
    rows = thinned(labels, most)
    assert (np.diff(rows) > 0).all()
    assert len(rows) <= most + 4
    counts, kept = np.bincount(labels), np.bincount(labels[rows])
    for k in np.unique(labels):
        assert kept[k] == max(counts[k] * min(most, len(labels)) // len(labels), 1)


def test_thinning_is_even():
    labels = np.repeat([0, 1, 0], 1000)
    rows = thinned(labels, 300)
    for each in (rows[rows < 1000], rows[(rows >= 1000) & (rows < 2000)], rows[rows >= 2000]):
        assert len(each) == 100
        assert set(np.diff(each)) == {10}


def test_nothing_is_left_out_without_need():
    assert thinned(np.zeros(50, int), 50).tolist() == list(range(50))
    assert thinned(np.zeros(50, int), None).tolist() == list(range(50))


def test_maps_are_flattened_plane_by_plane():
    maps = np.arange(24.0).reshape(2, 3, 4)
    assert Inputs(maps).seen_by("maps")[1].tolist() == maps[1].ravel().tolist()


def test_covariances_that_are_needed_must_be_there():
    with pytest.raises(ValueError, match="needs covariances"):
        Inputs(np.zeros((2, 3, 4))).seen_by("covariances")
