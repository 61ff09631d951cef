from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from offline.datasets.safe_pickle import load_arrays
from rtbci.errors import RecordingError

ARRAYS = hnp.arrays(
    st.sampled_from([np.dtype(k) for k in ("?", "i1", "<u2", ">i4", "<f4", ">f8", "<f8")]),
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=5),
)


@given(
    content=st.dictionaries(st.sampled_from(["data", "labels", "é"]), ARRAYS, max_size=3),
    protocol=st.integers(0, pickle.HIGHEST_PROTOCOL),
    fortran=st.booleans(),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_of_numbers_come_back_from_every_protocol(tmp_path, content, protocol, fortran):
    if fortran:
        content = {name: np.asfortranarray(array) for name, array in content.items()}
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    read = load_arrays(path)
    assert list(read) == list(content)
    for name, array in content.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def short(text: bytes) -> bytes:
    return b"U" + bytes([len(text)]) + text


def python2_array(array: np.ndarray) -> bytes:
    """Write an array as Python 2 and NumPy 1 did with protocol 2."""
    raw = array.tobytes()
    shape = b"".join(b"M" + struct.pack("<H", n) for n in array.shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        + short(b"b")
        + b"\x87R(K\x01("
        + shape
        + b"tcnumpy\ndtype\n"
        + short(array.dtype.str[1:].encode())
        + b"K\x00K\x01\x87R(K\x03"
        + short(array.dtype.str[:1].encode())
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<I", len(raw))
        + raw
        + b"tb"
    )


def python2_pickle(arrays: dict[str, np.ndarray]) -> bytes:
    items = b"".join(short(name.encode()) + python2_array(a) for name, a in arrays.items())
    return b"\x80\x02}(" + items + b"u."


def test_arrays_that_python_2_wrote_are_read(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"labels": rng.normal(size=(40, 4)), "data": rng.normal(size=(2, 40, 300))}
    content = python2_pickle(arrays)
    path = tmp_path / "s01.dat"
    path.write_bytes(content)
    # The bytes are what NumPy itself takes for such a pickle.
    for name, array in pickle.loads(content, encoding="latin1").items():
        np.testing.assert_array_equal(array, arrays[name])
    read = load_arrays(path)
    assert list(read) == ["labels", "data"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def marks(path: Path) -> str:
    return f"open({str(path)!r}, 'w').close()"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "named"),
    [
        (os.system, r"(posix|nt)\.system"),
        (eval, r"(builtins|__builtin__)\.eval"),
        (exec, r"(builtins|__builtin__)\.exec"),
        (getattr, r"(builtins|__builtin__)\.getattr"),
        (np.load, r"numpy.*\.load"),
    ],
)
def test_no_function_is_run(tmp_path, protocol, function, named):
    mark = tmp_path / "ran"
    said = f"touch {mark}" if function is os.system else marks(mark)
    path = tmp_path / "evil.dat"
    for content in (Runs(function, said), {"data": np.zeros(3), "labels": Runs(function, said)}):
        path.write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(RecordingError, match=named) as caught:
            load_arrays(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"cos\nsystem\n(S'echo'\ntR.", "asks for os.system"),
        (b"(S'echo'\nios\nsystem\n.", "asks for os.system"),
        (
            b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93.",
            "asks for numpy.ndarray.__class__",
        ),
        (b"\x80\x02cnumpy\nload\n.", "asks for numpy.load"),
        (b"\x80\x02ccopyreg\n_reconstructor\n.", "asks for copyreg._reconstructor"),
        (b"\x80\x02Pname\n.", "persistent"),
        # Setting an attribute of a function that is allowed.
        (
            b"\x80\x02cnumpy\ndtype\nN}X\x09\x00\x00\x00_functionK\x01s\x86b.",
            "sets _function of a function",
        ),
        (b"\x80\x02cnumpy\ndtype\n}X\x09\x00\x00\x00_functionK\x01sb.", "evil.dat: cannot be read"),
    ],
)
def test_other_ways_to_a_function_are_refused(tmp_path, content, said):
    path = tmp_path / "evil.dat"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=said):
        load_arrays(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([np.zeros(2)], "no dictionary but list"),
        ({"data": [1.0, 2.0]}, "list where an array is expected"),
        ({"data": np.array([{}, None], object)}, "array of type 'O8'"),
        ({"data": np.array(["a"])}, "array of type 'U1'"),
        ({"data": np.zeros(2, "f8,i4")}, "array of type 'V12'"),
        ({"data": np.dtype("f8")}, "Type where an array is expected"),
        ({"data": np.ndarray}, "where an array is expected"),
        ({"data": {1, 2}}, "(__builtin__|builtins).set|set where an array"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(tmp_path, content, said):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(RecordingError, match=said) as caught:
        load_arrays(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_that_is_cut_off_anywhere_is_refused(tmp_path, protocol):
    arrays = {"data": np.arange(6.0), "labels": np.arange(3)}
    content = python2_pickle(arrays) if protocol == 2 else pickle.dumps(arrays, protocol)
    path = tmp_path / "short.dat"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(RecordingError, match=r"short\.dat"):
            load_arrays(path)


def test_an_array_with_too_few_bytes_is_refused(tmp_path):
    content = python2_pickle({"data": np.arange(6.0)})
    path = tmp_path / "a.dat"
    path.write_bytes(content.replace(b"M\x06\x00", b"M\x07\x00"))
    with pytest.raises(RecordingError, match=r"a\.dat: cannot be read.*size 6 into shape \(7"):
        load_arrays(path)


def test_one_number_is_an_array_without_axes(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"rate": np.float64(128)}))
    assert load_arrays(path)["rate"].shape == ()
    assert float(load_arrays(path)["rate"]) == 128


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"absent: No such file"):
        load_arrays(tmp_path / "absent")


def test_loading_does_not_alter_what_the_next_pickle_sees(tmp_path):
    good, evil = tmp_path / "good.pkl", tmp_path / "evil.pkl"
    good.write_bytes(pickle.dumps({"data": np.arange(3.0)}))
    evil.write_bytes(
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}X\x09\x00\x00\x00_functionK\x01s\x86b."
    )
    with pytest.raises(RecordingError):
        load_arrays(evil)
    np.testing.assert_array_equal(load_arrays(good)["data"], [0, 1, 2])
