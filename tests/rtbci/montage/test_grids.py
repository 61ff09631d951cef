"""Grids: every electrode in its cell of the literature's layouts, and back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbci.errors import ChannelError
from rtbci.montage.grids import GRID_NAMES, Grid
from rtbci.montage.names import SEED_CHANNELS

# The pictures as they are drawn in the papers; a dot is an empty cell.
DRAWN_9X9 = """
 .   .   .   FP1 FPZ FP2 .   .   .
 .   .   .   AF3 .   AF4 .   .   .
 F7  F5  F3  F1  FZ  F2  F4  F6  F8
 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8
 T7  C5  C3  C1  CZ  C2  C4  C6  T8
 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8
 P7  P5  P3  P1  PZ  P2  P4  P6  P8
 .   PO7 PO5 PO3 POZ PO4 PO6 PO8 .
 .   .   CB1 O1  OZ  O2  CB2 .   .
"""
DRAWN_8X9 = """
 .   .   AF3 FP1 FPZ FP2 AF4 .   .
 F7  F5  F3  F1  FZ  F2  F4  F6  F8
 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8
 T7  C5  C3  C1  CZ  C2  C4  C6  T8
 TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8
 P7  P5  P3  P1  PZ  P2  P4  P6  P8
 .   PO7 PO5 PO3 POZ PO4 PO6 PO8 .
 .   .   CB1 O1  OZ  O2  CB2 .   .
"""
EMPTY_19 = " .  " * 19
DRAWN_19X19 = f"""
 {EMPTY_19}
 {EMPTY_19}
 . .   . .   . AF3 . FP1 . FPZ . FP2 . AF4 . .   . .   .
 {EMPTY_19}
 . F7  . F5  . F3  . F1  . FZ  . F2  . F4  . F6  . F8  .
 {EMPTY_19}
 . FT7 . FC5 . FC3 . FC1 . FCZ . FC2 . FC4 . FC6 . FT8 .
 {EMPTY_19}
 . T7  . C5  . C3  . C1  . CZ  . C2  . C4  . C6  . T8  .
 {EMPTY_19}
 . TP7 . CP5 . CP3 . CP1 . CPZ . CP2 . CP4 . CP6 . TP8 .
 {EMPTY_19}
 . P7  . P5  . P3  . P1  . PZ  . P2  . P4  . P6  . P8  .
 {EMPTY_19}
 . .   . PO7 . PO5 . PO3 . POZ . PO4 . PO6 . PO8 . .   .
 {EMPTY_19}
 . .   . .   . CB1 . O1  . OZ  . O2  . CB2 . .   . .   .
 {EMPTY_19}
 {EMPTY_19}
"""


def drawn(picture: str) -> list[list[str]]:
    return [line.split() for line in picture.strip("\n").splitlines()]


LAYOUTS = [("9x9", drawn(DRAWN_9X9)), ("8x9", drawn(DRAWN_8X9)), ("19x19", drawn(DRAWN_19X19))]

montages = st.lists(st.sampled_from(SEED_CHANNELS), min_size=1, unique=True)
layouts = st.sampled_from(["9x9", "8x9", "19x19"])
FEW = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(("layout", "rows"), LAYOUTS)
def test_every_channel_lies_where_the_literature_puts_it(layout, rows):
    grid = Grid.of(layout, SEED_CHANNELS)
    assert grid.shape == (len(rows), len(rows[0]))
    assert {len(row) for row in rows} == {grid.shape[1]}
    picture = grid.to_grid(np.arange(1.0, 63.0))  # each channel's number in its cell
    for r, row in enumerate(rows):
        for c, name in enumerate(row):
            expected = 0 if name == "." else SEED_CHANNELS.index(name) + 1
            assert picture[r, c] == expected, (layout, r, c, name)
    np.testing.assert_array_equal(grid.mask, np.array(rows) != ".")
    assert grid.mask.sum() == 62


def test_these_are_all_layouts():
    assert set(GRID_NAMES) == {layout for layout, _ in LAYOUTS}


@FEW
@given(layout=layouts, channels=montages, seed=st.integers(0, 2**31))
def test_there_and_back_for_any_montage_in_any_order(layout, channels, seed):
    grid = Grid.of(layout, channels)
    maps = np.random.default_rng(seed).normal(size=(3, 5, len(channels))).astype(np.float32)
    pictures = grid.to_grid(maps)
    assert pictures.shape == (3, 5, *grid.shape)
    assert pictures.dtype == np.float32
    np.testing.assert_array_equal(grid.from_grid(pictures), maps)
    assert (pictures[..., ~grid.mask] == 0).all()
    assert grid.mask.sum() == len(channels)


@FEW
@given(layout=layouts, channels=montages)
def test_a_channel_s_cell_does_not_depend_on_the_others(layout, channels):
    whole = Grid.of(layout, SEED_CHANNELS)
    cells = [whole.flat[SEED_CHANNELS.index(name)] for name in channels]
    np.testing.assert_array_equal(Grid.of(layout, channels).flat, cells)


def test_any_spelling_will_do():
    np.testing.assert_array_equal(
        Grid.of("9x9", ["EEG Fp1", "t3", "Oz."]).flat, Grid.of("9x9", ["FP1", "T7", "OZ"]).flat
    )


def test_a_channel_without_a_cell_and_an_unknown_grid_are_named():
    with pytest.raises(ChannelError, match=r"^grid 8x9 has no cell for PO9, A1$"):
        Grid.of("8x9", ["FP1", "PO9", "A1"])
    with pytest.raises(ChannelError, match=r"^no grid '7x7'; there are 9x9, 8x9, 19x19$"):
        Grid.of("7x7", ["FP1"])
