"""Electrode positions, those of the cerebellar electrodes above all: no montage has them."""

from __future__ import annotations

import numpy as np
import pytest

from rtbci.errors import ChannelError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.montage.positions import electrode_positions, known_electrodes

RIGHT, FRONT, UP = 0, 1, 2
MILLIMETRE = 1e-3


def at(*names: str) -> np.ndarray:
    return electrode_positions(names)


def test_all_channels_of_the_cap_have_a_position_of_their_own_on_a_head():
    positions = electrode_positions(SEED_CHANNELS)
    assert positions.shape == (62, 3)
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    assert distances[~np.eye(62, dtype=bool)].min() > 10 * MILLIMETRE
    radii = np.linalg.norm(positions - positions.mean(axis=0) * [1, 1, 0], axis=1)
    assert radii.min() > 60 * MILLIMETRE
    assert radii.max() < 150 * MILLIMETRE


def test_the_axes_are_right_front_and_up():
    cz, fpz, oz, t7, t8 = at("CZ", "FPZ", "OZ", "T7", "T8")
    assert fpz[FRONT] > cz[FRONT] > oz[FRONT]
    assert t7[RIGHT] < cz[RIGHT] < t8[RIGHT]
    assert cz[UP] == electrode_positions(SEED_CHANNELS)[:, UP].max()


@pytest.mark.parametrize(("cerebellar", "occipital", "side"), [("CB1", "O1", -1), ("CB2", "O2", 1)])
def test_the_cerebellar_electrodes_lie_below_and_beside_the_occipital_ones(
    cerebellar, occipital, side
):
    low, high = at(cerebellar, occipital)
    assert low[UP] < high[UP] - 10 * MILLIMETRE
    assert side * low[RIGHT] > side * high[RIGHT] + 5 * MILLIMETRE
    assert 20 * MILLIMETRE < np.linalg.norm(low - high) < 60 * MILLIMETRE
    # At the back of the head, nearer to this side's occipital electrode than to anything frontal.
    others = [name for name in SEED_CHANNELS if not name.startswith("CB")]
    nearest = others[np.linalg.norm(electrode_positions(others) - low, axis=1).argmin()]
    assert nearest in (occipital, f"PO{7 if side < 0 else 8}")


def test_the_cerebellar_electrodes_lie_on_the_head_s_surface():
    # A sphere through the electrodes around them; their chord is a millimetre inside.
    for name, around in [
        ("CB1", ("PO9", "I1", "O1", "PO7", "IZ", "OZ")),
        ("CB2", ("PO10", "I2", "O2", "PO8", "IZ", "OZ")),
    ]:
        points = at(*around)
        system = np.column_stack([2 * points, np.ones(len(points))])
        *centre, constant = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
        radius = np.sqrt(constant + np.dot(centre, centre))
        off = np.linalg.norm(at(name)[0] - centre) - radius
        assert abs(off) < MILLIMETRE


def test_left_and_right_are_mirror_images():
    pairs = [
        (name, name[:-1] + str(int(name[-1]) + 1)) for name in SEED_CHANNELS if name[-1] in "1357"
    ]
    assert ("CB1", "CB2") in pairs
    assert len(pairs) == 27
    left = at(*(pair[0] for pair in pairs))
    right = at(*(pair[1] for pair in pairs))
    # The template head is a real one, so it is not quite symmetric.
    assert np.linalg.norm(left * [-1, 1, 1] - right, axis=1).max() < 6 * MILLIMETRE


def test_any_spelling_will_do_and_order_is_kept():
    np.testing.assert_array_equal(at("EEG Fp1", "t3", "cb2"), at("FP1", "T7", "CB2"))
    np.testing.assert_array_equal(at("CZ", "OZ"), at("OZ", "CZ")[::-1])


def test_an_unknown_electrode_is_named_as_it_was_written():
    with pytest.raises(ChannelError, match=r"^no position is known for electrode Nose, ecg$"):
        at("Cz", "Nose", "ecg")


def test_the_known_electrodes_hold_the_cap():
    known = known_electrodes()
    assert set(SEED_CHANNELS) <= set(known)
    assert len(set(known)) == len(known) > 300
    assert electrode_positions(known).shape == (len(known), 3)
