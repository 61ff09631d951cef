from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.features.entry import EntryWriter, entry_bytes, read_entry
from rtbci.errors import RecordingError

SHAPES = {"maps": ("<f8", (7, 2, 3)), "bad": ("|b1", (7, 3)), "last": ("<i8", (7,))}
ARRAYS = {
    "maps": np.random.default_rng(1).standard_normal((7, 2, 3)),
    "bad": np.arange(21).reshape(7, 3) % 4 == 0,
    "last": np.arange(7) * 20,
}


def write(path, cuts=(0, 7)):
    with path.open("wb") as file:
        writer = EntryWriter(file, SHAPES)
        for start, stop in pairwise(cuts):
            for name, values in ARRAYS.items():
                writer.append(name, values[start:stop])
        writer.finish()
    return path


@settings(max_examples=30)
@given(st.lists(st.integers(0, 7), max_size=4))
def test_what_was_written_in_pieces_comes_back_whole(tmp_path_factory, cuts):
    path = write(tmp_path_factory.mktemp("entry") / "e.npy", [0, *sorted(cuts), 7])
    found = read_entry(path, tuple(SHAPES))
    assert found is not None
    for name, values in ARRAYS.items():
        held = found[name].open()
        assert held.dtype == values.dtype
        assert np.array_equal(held, values)
        assert not held.flags.writeable
    assert path.stat().st_size == entry_bytes(SHAPES)
    assert np.array_equal(np.load(path, mmap_mode="r"), ARRAYS["maps"])


def test_an_entry_cut_off_anywhere_is_none(tmp_path):
    whole = write(tmp_path / "e.npy").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / f"{length}.npy").write_bytes(whole[:length])
        assert read_entry(tmp_path / f"{length}.npy", tuple(SHAPES)) is None, length
    (tmp_path / "longer.npy").write_bytes(whole + b"\0")
    assert read_entry(tmp_path / "longer.npy", tuple(SHAPES)) is None


def test_a_flipped_bit_is_seen_in_headers_numbers_and_trailer(tmp_path):
    path = write(tmp_path / "e.npy")
    whole = path.read_bytes()
    found = read_entry(path, tuple(SHAPES))
    sizes = {name: values.nbytes for name, values in ARRAYS.items()}
    # All but the zeros that fill up to the next array.
    ends = [found[name].offset + sizes[name] for name in SHAPES]
    starts = [0, *(-(-end // 64) * 64 for end in ends)]
    stops = [*ends, len(whole)]
    for start, stop in zip(starts, stops, strict=True):
        for at in range(start, stop, 3):
            damaged = bytearray(whole)
            damaged[at] ^= 1
            copy = tmp_path / f"{at}.npy"
            copy.write_bytes(damaged)
            assert read_entry(copy, tuple(SHAPES)) is None, at


def test_an_entry_with_other_arrays_is_none(tmp_path):
    path = write(tmp_path / "e.npy")
    assert read_entry(path, ("maps", "bad")) is None
    assert read_entry(tmp_path / "absent.npy", tuple(SHAPES)) is None


def test_an_entry_that_is_not_as_long_as_was_said_is_not_finished(tmp_path):
    with (tmp_path / "e.npy").open("wb") as file:
        writer = EntryWriter(file, SHAPES)
        for name, values in ARRAYS.items():
            writer.append(name, values[:5])
        with pytest.raises(ValueError, match="maps ends at byte"):
            writer.finish()


def test_an_array_travels_as_its_place_and_says_when_it_is_gone(tmp_path):
    path = write(tmp_path / "e.npy")
    maps = read_entry(path, tuple(SHAPES))["maps"]
    travelled = pickle.dumps(maps)
    assert len(travelled) < ARRAYS["maps"].nbytes + 200
    assert np.array_equal(pickle.loads(travelled).open(), ARRAYS["maps"])
    path.unlink()
    with pytest.raises(RecordingError, match=r"e.npy: features that were there are gone"):
        maps.open()
