"""The signal's points held against SciPy's filters and an interpolation of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal
from scipy.interpolate import BarycentricInterpolator

from rtbci.errors import RecipeError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import RawSignal
from rtbci.signal.path import Maps, SignalPath
from rtbci.signal.raw import PointWindows, cut_windows, window_points
from tests.rtbci.signal.streams import (
    FEW,
    assert_identical,
    make_recipe,
    noise,
    push_in_pieces,
    wired_by_scipy,
)

RATES = (128.0, 160.0, 200.0, 250.0, 256.0, 300.0, 500.0, 512.0, 1000.0, 1024.0, 2048.0)

rates = st.sampled_from(RATES) | st.floats(128, 2048).map(lambda rate: round(rate, 2))
asked = st.sampled_from(
    [RawSignal(), RawSignal(sfreq=100, low=4, high=40), RawSignal(sfreq=128, low=0.5, high=60)]
)
cuts = st.lists(st.integers(1, 700), min_size=1, max_size=8)


def make_path(sfreq: float, channels: int = 2, **changes: object) -> SignalPath:
    recipe = make_recipe(channels, **({"signal": RawSignal()} | changes))
    return SignalPath(recipe, sfreq, recipe.channels)


def windows_of(maps: Maps, path: SignalPath) -> np.ndarray:
    return cut_windows(maps.points, maps.first_point, window_points(path.recipe))


def band_passed(x: np.ndarray, path: SignalPath) -> np.ndarray:
    """What the points are taken from, by SciPy."""
    recipe, sfreq = path.recipe, path.sfreq
    x = wired_by_scipy(x - x[0], recipe, sfreq)
    for order, edge, kind in (
        (4, recipe.signal.low, "highpass"),
        (8, recipe.signal.high, "lowpass"),
    ):
        sos = signal.butter(order, edge, kind, fs=sfreq, output="sos")
        x = signal.sosfilt(sos, x, axis=0)
    return x


def by_scipy(x: np.ndarray, path: SignalPath) -> np.ndarray:
    """Points of all samples, each the polynomial through the six samples around it."""
    y = band_passed(x, path)
    ratio = path.sfreq / path.recipe.signal.sfreq
    if ratio % 1 == 0:
        return y[:: int(ratio)]
    padded = np.concatenate([np.zeros((2, y.shape[1])), y])
    points = []
    while (sample := int(position := len(points) * ratio)) + 3 < len(y):
        around = BarycentricInterpolator(np.arange(-2, 4), padded[sample : sample + 6])
        points.append(around(position - sample))
    return np.array(points)


@FEW
@given(
    sfreq=rates,
    channels=st.integers(1, 5),
    wanted=asked,
    reference=st.sampled_from(["none", "average"]),
    notch_hz=st.sampled_from([None, 50.0]),
    seed=st.integers(0, 2**31),
)
def test_points_equal_scipy_s_filters_and_polynomials(
    sfreq, channels, wanted, reference, notch_hz, seed
):
    reference = reference if channels > 1 else "none"
    path = make_path(sfreq, channels, signal=wanted, reference=reference, notch_hz=notch_hz)
    x = noise(sfreq, 2.7, channels, seed)
    points = path.push(x).points
    expected = by_scipy(x, path)
    assert points.shape == expected.shape
    assert points.dtype == np.float32
    assert np.abs(points - expected).max() < 1e-6 * np.abs(expected).max()


@FEW
@given(sfreq=rates, wanted=asked, hop_s=st.sampled_from([1e-5, 0.1, 0.7]), cuts=cuts)
def test_windows_are_bit_identical_live_and_offline_however_samples_are_cut(
    sfreq, wanted, hop_s, cuts
):
    path = make_path(sfreq, signal=wanted, hop_s=hop_s, window_s=0.5)
    x = noise(sfreq, 2.3, 2, 1)
    whole = path.push(x)
    windows = windows_of(whole, path)
    assert windows.shape == (len(whole), 2, round(0.5 * wanted.sfreq))
    path.reset()
    assert_identical(push_in_pieces(path, x, cuts), whole)
    live = PointWindows(window_points(path.recipe), 2)
    for _ in range(2):
        path.reset()
        live.reset()
        at, turn, pieces = 0, 0, []
        while at < len(x):
            maps = path.push(x[at : at + cuts[turn % len(cuts)]])
            pieces.append(live.push(maps.points, maps.first_point))
            at, turn = at + cuts[turn % len(cuts)], turn + 1
        np.testing.assert_array_equal(np.concatenate(pieces), windows)


@FEW
@given(sfreq=rates, wanted=asked, share=st.floats(0.3, 1), seed=st.integers(0, 2**31))
def test_windows_hold_the_newest_points_and_no_later_sample_changes_them(
    sfreq, wanted, share, seed
):
    path = make_path(sfreq, signal=wanted, hop_s=0.05, window_s=0.4)
    x = noise(sfreq, 2, 2, seed)
    before = path.push(x)
    changed = round(share * (len(x) - 1))
    after_x = x.copy()
    after_x[changed:] += 1e3
    path.reset()
    after = path.push(after_x)
    early = before.last < changed
    assert early.any()
    np.testing.assert_array_equal(windows_of(after, path)[early], windows_of(before, path)[early])
    # Each is as new as its samples allow.
    ratio = sfreq / wanted.sfreq
    needed = 0 if ratio % 1 == 0 else 3
    newest = before.first_point + window_points(path.recipe) - 1
    assert (np.floor(newest * ratio) + needed <= before.last).all()
    assert (np.floor((newest + 1) * ratio) + needed > before.last).all()


def test_before_the_first_point_there_are_zeros():
    path = make_path(200, hop_s=0.005, window_s=0.5)
    maps = path.push(noise(200, 1, 2, 0))
    windows = windows_of(maps, path)
    absent = -maps.first_point[0]
    assert absent == 1  # 100 samples complete 63 points, and a window has 64
    assert not windows[0, :, :absent].any()
    np.testing.assert_array_equal(windows[0, :, absent:], maps.points[: 64 - absent].T)
    # The first sample's point is zero as well, whatever the amplifier's offset.
    assert not windows[0, :, absent].any()
    assert windows[0, :, absent + 1].all()


@pytest.mark.parametrize("sfreq", [128.0, 256.0, 512.0, 1024.0])
def test_points_are_samples_where_the_rate_is_a_multiple(sfreq):
    path = make_path(sfreq, window_s=1.0)
    x = noise(sfreq, 5, 2, 0)
    maps = path.push(x)
    step = round(sfreq / 128)
    expected = band_passed(x, path)[::step]
    np.testing.assert_allclose(maps.points, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    # Nothing later is waited for: the newest point is the newest sample that there is one at.
    np.testing.assert_array_equal(maps.first_point + 127, maps.last // step)


@FEW
@given(sfreq=rates, offsets=st.lists(st.floats(-50e3, 50e3), min_size=2, max_size=2))
def test_an_offset_of_50_millivolts_changes_nothing_from_the_start_on(sfreq, offsets):
    path = make_path(sfreq)
    x = noise(sfreq, 3, 2, 0)
    clean = path.push(x).points
    path.reset()
    shifted = path.push(x + np.array(offsets)).points
    assert np.abs(shifted - clean).max() < 1e-6 * np.abs(clean).max()


def amplitude_at(points: np.ndarray, frequency: float, rate: float) -> float:
    """Amplitude of a sine, by least squares."""
    phase = 2 * np.pi * frequency * np.arange(len(points)) / rate
    basis = np.column_stack([np.cos(phase), np.sin(phase)])
    return float(np.hypot(*np.linalg.lstsq(basis, points, rcond=None)[0]))


@pytest.mark.parametrize("sfreq", [*RATES, 130.0, 333.3])
def test_a_sine_of_10_hz_stays_one(sfreq):
    path = make_path(sfreq, 1)
    t = np.arange(round(12 * sfreq)) / sfreq
    points = path.push(20 * np.sin(2 * np.pi * 10 * t)[:, None]).points[-768:, 0]
    assert amplitude_at(points, 10, 128) == pytest.approx(20, rel=0.01)
    phase = 2 * np.pi * 10 * np.arange(768) / 128
    basis = np.column_stack([np.cos(phase), np.sin(phase)])
    rest = points - basis @ np.linalg.lstsq(basis, points, rcond=None)[0]
    assert np.abs(rest).max() < 0.01 * 20


@pytest.mark.parametrize("sfreq", [180.0, 200.0, 250.0, 500.0, 512.0, 1000.0, 2048.0])
def test_what_folds_into_the_band_is_below_8_thousandths(sfreq):
    path = make_path(sfreq, 1)
    t = np.arange(round(8 * sfreq)) / sfreq
    for frequency in (83, 100, 118, 128 + 10, 128 + 45, 2 * 128 + 10):
        if frequency < sfreq / 2:
            path.reset()
            x = 100 * np.sin(2 * np.pi * frequency * t)[:, None]
            points = path.push(x).points[-512:]
            assert np.abs(points).max() < 100 * (0.008 if frequency < 118 else 0.0005)


@pytest.mark.parametrize(
    ("sfreq", "bounds"), [(160, (0.012, 0.10)), (200, (0.004, 0.03)), (250, (0.001, 0.009))]
)
def test_interpolation_errs_by_no_more_than_is_said(sfreq, bounds):
    for frequency, bound in zip((30, 45), bounds, strict=True):
        path = make_path(sfreq, 1)
        x = np.sin(2 * np.pi * frequency * np.arange(12 * sfreq) / sfreq)[:, None]
        points = path.push(x).points[:, 0]
        # The sine that comes out of the filter, exactly where the points are.
        at_samples, at_points = (
            np.column_stack([np.cos(phase), np.sin(phase)])
            for rate, count in ((sfreq, len(x)), (128, len(points)))
            for phase in [2 * np.pi * frequency * np.arange(count) / rate]
        )
        steady = slice(6 * sfreq, None)
        y = band_passed(x, path)[:, 0]
        parts = np.linalg.lstsq(at_samples[steady], y[steady], rcond=None)[0]
        error = np.abs(points - at_points @ parts)[6 * 128 :].max() / np.hypot(*parts)
        assert 0.5 * bound < error < bound


@FEW
@given(
    sfreq=st.sampled_from([128.0, 200.0, 500.0, 512.0]),
    hits=st.lists(
        st.tuples(
            st.floats(0, 2),
            st.integers(0, 2),
            st.integers(1, 90),
            st.sampled_from([np.nan, np.inf, -np.inf, 1e300]),
        ),
        min_size=1,
        max_size=5,
    ),
    at_the_start=st.booleans(),
)
def test_samples_that_are_no_numbers_are_survived_and_forgotten(sfreq, hits, at_the_start):
    path = make_path(sfreq, 3, reference="average")
    x = noise(sfreq, 20, 3, 7)
    clean = path.push(x).points
    path.reset()
    for when, channel, length, value in hits:
        first = 0 if at_the_start else round(when * sfreq)
        x[first : first + length, channel] = value
    points = path.push(x).points
    assert np.isfinite(points).all()
    late = 14 * 128  # nine times as long as the filter needs to forget by a hundred
    assert np.abs(points[late:] - clean[late:]).max() < 1e-6 * np.abs(clean).max()


def test_a_settled_window_holds_nothing_of_the_start():
    for sfreq in (128, 200, 333.3, 1000):
        path = make_path(sfreq, 1, bands=make_recipe(1).bands[3:], window_s=0.7)
        x = np.zeros((round(8 * sfreq), 1))
        x[1:] = 1000.0  # a step at the start
        maps = path.push(x)
        windows = windows_of(maps, path)[:, 0]
        settled = maps.last + 1 - path.window >= path.settling
        assert settled.any()
        assert not settled.all()
        # The slowest pair of poles is at a hundredth, and the other may have added to it.
        assert np.abs(windows[settled]).max() < 1000 * 0.02
        assert (maps.first_point[settled] * sfreq / 128 >= path.settling - 5 - sfreq / 128).all()


def test_the_bank_settles_later_than_the_signal_and_the_later_counts():
    path = make_path(200)
    plain = SignalPath(make_recipe(), 200, SEED_CHANNELS[:2])
    assert path.settling == plain.settling
    low = make_path(200, signal=RawSignal(low=0.3))
    assert low.settling > 2 * plain.settling


def test_mains_above_all_bands_are_removed_from_the_signal():
    wide = RawSignal(sfreq=256, low=1, high=90)
    t = np.arange(500 * 20) / 500
    x = noise(500, 20, 1, 0) + 500 * np.sin(2 * np.pi * 100 * t)[:, None]
    kept, removed = (
        make_path(500, 1, signal=wide, notch_hz=notch).push(x).points[-2560:, 0]
        for notch in (None, 50.0)
    )
    assert amplitude_at(kept, 100, 256) > 50
    assert amplitude_at(removed, 100, 256) < 1


def test_points_in_tells_what_push_will_return():
    path = make_path(333.3)
    rng = np.random.default_rng(0)
    for size in rng.integers(0, 300, 50):
        promised = path.points_in(int(size))
        assert len(path.push(np.zeros((int(size), 2))).points) == promised
    assert SignalPath(make_recipe(), 200, SEED_CHANNELS[:2]).points_in(1000) == 0


def test_silence_neither_slows_nor_poisons_the_filter():
    path = make_path(200, 1)
    x = noise(200, 5, 1, 0)
    x[0] = 0.0  # no offset: what follows is silence for the filter too
    path.push(x)
    denormal = 0
    for _ in range(60):
        path.push(np.zeros((200 * 20, 1)))
        states = np.abs(path._points._state)
        denormal += np.count_nonzero((states > 0) & (states < np.finfo(float).tiny))
    assert not denormal
    assert not path.push(np.zeros((200, 1))).points.any()


def test_long_streams_do_not_drift():
    # A whole number of points and samples later, the same samples make the same points.
    path = make_path(200, 1)
    x = noise(200, 50, 1, 3) + 4e4
    first = path.push(x).points[-6000:]
    for _ in range(40):
        last = path.push(x).points[-6000:]
    assert np.abs(last[1000:] - first[1000:]).max() < 1e-6 * np.abs(first).max()


def test_a_window_that_grows_out_of_its_room_keeps_its_points():
    live = PointWindows(4, 1)
    points = np.arange(1, 1001, dtype=np.float32)[:, None]
    at = 0
    for size in (1, 2, 9, 0, 100, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 300, 2, 7):
        at += size
        found = live.push(points[at - size : at], np.array([at - 4]))
        expected = np.arange(at - 3, at + 1)
        np.testing.assert_array_equal(found[0, 0], np.maximum(expected, 0))
    assert live.push(points[:0], np.zeros(0, np.int64)).shape == (0, 1, 4)


def test_a_stream_that_is_too_slow_is_refused_in_one_line():
    bands = make_recipe().bands[:3]
    with pytest.raises(RecipeError, match=r"stream of 100 Hz .* network on .* 128 Hz") as caught:
        make_path(100, bands=bands)
    assert "\n" not in str(caught.value)
    make_path(128, bands=bands)


def test_a_window_without_points_is_refused():
    with pytest.raises(
        RecipeError, match="window of 0.01 s is too short .* 128 Hz: it has 1 point"
    ):
        make_path(1000, window_s=0.01)
    assert window_points(make_recipe()) == 0
