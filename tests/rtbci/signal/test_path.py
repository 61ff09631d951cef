"""The signal path's promises, held against SciPy over many shapes of stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtbci.errors import ChannelError, RecipeError, UnitError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.montage.positions import known_electrodes
from rtbci.recipe import SEED_BANDS, Band, RawSignal, Recipe
from rtbci.signal.path import SignalPath
from rtbci.signal.raw import window_points
from tests.rtbci.signal.streams import (
    FEW,
    assert_identical,
    filtered_by_scipy,
    make_recipe,
    noise,
    push_in_pieces,
)


def by_scipy(x: np.ndarray, path: SignalPath) -> np.ndarray:
    """DE of each window by SciPy's own sections and NumPy's variance, (hops, bands, channels)."""
    recipe, ends = path.recipe, np.arange(path.window, len(x) + 1, path.hop)
    bands = []
    for y in filtered_by_scipy(x, recipe, path.sfreq):
        variance = np.stack([y[end - path.window : end].var(axis=0) for end in ends])
        floored = np.maximum(variance, recipe.variance_floor)
        bands.append(0.5 * np.log(2 * np.pi * np.e * floored))
    return np.stack(bands, axis=1)


def relative_variance_error(de: np.ndarray, reference: np.ndarray) -> float:
    """Largest relative difference of the variances behind two sets of DE maps."""
    return float(np.abs(np.expm1(2 * (de - reference))).max())


streams = st.fixed_dictionaries(
    {
        "sfreq": st.sampled_from([125.0, 128.0, 200.0, 256.0, 500.0, 512.0, 1000.0, 2048.0])
        | st.floats(125, 2048).map(lambda rate: round(rate, 2)),
        "channels": st.integers(1, 8),
        "window_s": st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0]),
        "hop_s": st.sampled_from([1e-5, 0.01, 0.05, 0.1, 0.25, 0.5, 0.7, 1.0]),
        "order": st.integers(1, 5),
        "reference": st.sampled_from(["none", "average"]),
        "seed": st.integers(0, 2**31),
    }
)


def build(stream: dict) -> tuple[SignalPath, np.ndarray]:
    recipe = make_recipe(
        stream["channels"],
        window_s=stream["window_s"],
        hop_s=stream["hop_s"],
        filter_order=stream["order"],
        reference=stream["reference"] if stream["channels"] > 1 else "none",
    )
    path = SignalPath(recipe, stream["sfreq"], recipe.channels)
    return path, noise(stream["sfreq"], 3, stream["channels"], stream["seed"])


@FEW
@given(stream=streams, cuts=st.lists(st.integers(1, 700), min_size=1, max_size=8))
def test_features_are_bit_identical_however_the_samples_are_cut(stream, cuts):
    path, x = build(stream)
    whole = path.push(x)
    path.reset()
    assert_identical(push_in_pieces(path, x, cuts), whole)
    assert whole.covariances is None


@FEW
@given(stream=streams)
def test_features_equal_scipy_sosfilt_and_variance(stream):
    path, x = build(stream)
    maps = path.push(x)
    reference = by_scipy(x, path)
    assert maps.values.shape == reference.shape
    np.testing.assert_array_equal(maps.last, path.window - 1 + path.hop * np.arange(len(maps)))
    assert relative_variance_error(maps.values, reference) < 1e-9


@FEW
@given(stream=streams, offsets=st.lists(st.floats(-50e3, 50e3), min_size=8, max_size=8))
def test_an_offset_of_50_millivolts_changes_nothing_after_a_second(stream, offsets):
    path, x = build(stream)
    clean = path.push(x)
    path.reset()
    shifted = path.push(x + np.array(offsets[: x.shape[1]]))
    late = clean.last >= path.sfreq
    assert late.any()
    assert np.abs(shifted.values - clean.values)[late].max() < 1e-6


@FEW
@given(
    sfreq=st.sampled_from([125.0, 256.0, 1000.0]),
    hop_s=st.sampled_from([0.004, 0.1, 0.7]),
    seed=st.integers(0, 2**31),
    start=st.floats(0.5, 4),
)
def test_a_10_millivolt_artefact_leaves_without_a_trace(sfreq, hop_s, seed, start):
    recipe = make_recipe(2, hop_s=hop_s)
    path = SignalPath(recipe, sfreq, recipe.channels)
    x = noise(sfreq, 40, 2, seed)
    clean = path.push(x)
    path.reset()
    first = round(start * sfreq)
    x[first : first + round(0.3 * sfreq), 0] += 1e4
    hit = path.push(x)
    # The slowest filter forgets by a factor of 100 in `settling` samples: eight times is 1e-16.
    over = hit.last - path.window + 1 > first + 0.3 * sfreq + 8 * path.settling
    assert over.any()
    assert relative_variance_error(hit.values[over], clean.values[over]) < 1e-9
    assert np.abs(hit.values - clean.values).max() > 1  # it was there


@FEW
@given(
    sfreq=st.sampled_from([125.0, 200.0, 512.0]),
    hop_s=st.sampled_from([0.01, 0.1, 1.0]),
    reference=st.sampled_from(["none", "average"]),
    hits=st.lists(
        st.tuples(
            st.floats(0, 3),
            st.integers(0, 3),
            st.integers(1, 60),
            st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -3e38]),
        ),
        min_size=1,
        max_size=6,
    ),
    at_the_start=st.booleans(),
)
def test_samples_that_are_no_numbers_are_survived(sfreq, hop_s, reference, hits, at_the_start):
    recipe = make_recipe(4, hop_s=hop_s, reference=reference)
    path = SignalPath(recipe, sfreq, recipe.channels)
    x = noise(sfreq, 36, 4, 7)
    ordinary = path.push(x)
    path.reset()
    damaged = np.zeros(x.shape, bool)
    for when, channel, length, value in hits:
        first = 0 if at_the_start else round(when * sfreq)
        x[first : first + length, channel] = value
        damaged[first : first + length, channel] = True
    maps = path.push(x)
    assert np.isfinite(maps.values).all()
    expected = np.stack([damaged[k - path.window + 1 : k + 1].any(axis=0) for k in maps.last])
    np.testing.assert_array_equal(maps.bad, expected)
    late = maps.last - np.flatnonzero(damaged.any(axis=1)).max() >= 30 * sfreq
    assert late.any()
    assert np.abs(maps.values - ordinary.values)[late].max() < 1e-6


def test_the_wire_s_float32_gives_the_same_as_those_numbers_in_float64():
    path = SignalPath(make_recipe(), 200, SEED_CHANNELS[:2])
    x = noise(200, 5, 2, 0).astype(np.float32)
    single = path.push(x)
    path.reset()
    np.testing.assert_array_equal(path.push(x.astype(np.float64)).values, single.values)


@pytest.mark.slow
def test_no_drift_after_ten_million_samples():
    recipe = make_recipe(1, hop_s=0.25)
    path = SignalPath(recipe, 200, recipe.channels)
    x = noise(200, 500, 1, 3) + 4e4
    first = path.push(x).values
    for _ in range(99):
        last = path.push(x).values
    assert path.samples == 10_000_000
    # The recording is played again and again: past the splice the numbers must be the first ones.
    assert relative_variance_error(last[-200:], first[-200:]) < 1e-9


def test_the_sample_before_stands_in_for_one_that_is_no_number():
    path = SignalPath(make_recipe(1), 200, SEED_CHANNELS[:1])
    x = noise(200, 20, 1, 0) + 40e3  # an amplifier's offset: any other stand-in would be a step
    ordinary = path.push(x).values
    path.reset()
    x[2000] = np.nan
    assert np.abs(path.push(x).values - ordinary).max() < 0.5


@pytest.mark.parametrize("hop", [1, 3])
def test_a_window_far_shorter_than_a_wave_keeps_its_digits(hop):
    bands = (Band(name="slow", low=0.5, high=1),)
    recipe = make_recipe(1, bands=bands, window_s=3 / 2048, hop_s=hop / 2048, filter_order=1)
    path = SignalPath(recipe.model_copy(update={"variance_floor": 1e-300}), 2048, recipe.channels)
    x = noise(2048, 3, 1, 0)
    # Within the window the signal hardly moves: what it varies by is far below what it is.
    assert relative_variance_error(path.push(x).values, by_scipy(x, path)) < 1e-9


def test_a_channel_without_signal_is_flagged():
    path = SignalPath(make_recipe(3), 200, SEED_CHANNELS[:3])
    x = noise(200, 4, 3, 0)
    x[:, 1] = 4711.0
    bad = path.push(x).bad
    assert bad[:, 1].all()
    assert not bad[:, [0, 2]].any()


def test_silence_for_an_hour_neither_slows_nor_poisons_the_filters():
    recipe = make_recipe(1)
    path = SignalPath(recipe, 200, recipe.channels)
    x = noise(200, 5, 1, 0)
    x[0] = 0.0  # no offset: what follows is silence for the filters too
    path.push(x)
    denormal = 0
    for _ in range(60):
        maps = path.push(np.zeros((200 * 60, 1)))
        states = np.abs(path._state.bank)
        denormal += np.count_nonzero((states > 0) & (states < np.finfo(float).tiny))
    assert not denormal
    floor = 0.5 * np.log(2 * np.pi * np.e * recipe.variance_floor)
    np.testing.assert_allclose(maps.values, floor, rtol=1e-12)
    x = noise(200, 60, 1, 1)
    after = path.push(x).values[-1]
    path.reset()
    assert relative_variance_error(after, path.push(x).values[-1]) < 1e-9


@pytest.mark.parametrize("channels", [62, 256])
def test_many_channels_at_a_hop_of_one_sample(channels):
    names = known_electrodes()[:channels]
    recipe = Recipe.model_construct(
        **{**dict(make_recipe(2, hop_s=1e-5, window_s=0.25)), "channels": names}
    )
    path = SignalPath(recipe, 2048, names)
    x = noise(2048, 0.5, channels, 0)
    maps = path.push(x)
    assert len(maps) == 1024 - 512 + 1
    reference = by_scipy(
        x[:, -2:], SignalPath(make_recipe(2, hop_s=1e-5, window_s=0.25), 2048, SEED_CHANNELS[:2])
    )
    assert relative_variance_error(maps.values[..., -2:], reference) < 1e-9


def test_mains_are_removed_as_scipy_s_notch_does():
    recipe = make_recipe(2, notch_hz=50)
    path = SignalPath(recipe, 500, recipe.channels)
    t = np.arange(500 * 20) / 500
    x = noise(500, 20, 2, 5) + 500 * np.sin(2 * np.pi * 50 * t)[:, None]
    maps = path.push(x)
    assert relative_variance_error(maps.values, by_scipy(x, path)) < 1e-9
    plain = SignalPath(make_recipe(2), 500, recipe.channels).push(x)
    assert (plain.values[-1, 4] - maps.values[-1, 4]).min() > 1


def test_a_known_sine_has_the_de_of_its_power():
    recipe = make_recipe(1, window_s=2.0, hop_s=1.0)
    path = SignalPath(recipe, 200, recipe.channels)
    t = np.arange(200 * 30) / 200
    x = 20 * np.sin(2 * np.pi * 10 * t)[:, None]
    alpha = path.push(x).values[-1, 2, 0]
    assert alpha == pytest.approx(0.5 * np.log(2 * np.pi * np.e * 20**2 / 2), abs=0.01)


def test_units_channel_order_and_spelling_do_not_matter():
    recipe = make_recipe(3)
    x = noise(200, 5, 3, 0)
    plain = SignalPath(recipe, 200, ["FP1", "FPZ", "FP2"]).push(x).values
    stream = np.column_stack([x[:, 2] * 1e-3, np.full(len(x), 9.0), x[:, 0] * 1e-6, x[:, 1]])
    names, units = ["EEG Fp2-REF", "ECG", "fp1", "Fpz.."], ["mV", "beats", "volts", "µV"]
    other = SignalPath(recipe, 200, names, units).push(stream).values
    np.testing.assert_allclose(other, plain, rtol=1e-12)


def test_a_missing_channel_is_interpolated_as_mne_does():
    import mne

    recipe = Recipe()
    rng = np.random.default_rng(0)
    common = noise(200, 5, 1, 0)
    x = common + rng.normal(size=(1000, 62))
    names = [name for name in SEED_CHANNELS if name not in ("CZ", "P3")]
    kept = [k for k, name in enumerate(SEED_CHANNELS) if name in names]
    path = SignalPath(recipe, 200, names)
    assert path.interpolated == ("CZ", "P3")

    from rtbci.montage.positions import electrode_positions

    info = mne.create_info(list(SEED_CHANNELS), 200, "eeg")
    positions = dict(zip(SEED_CHANNELS, electrode_positions(SEED_CHANNELS), strict=True))
    info.set_montage(mne.channels.make_dig_montage(positions, coord_frame="head"))
    raw = mne.io.RawArray(x.T, info, verbose="error")
    raw.info["bads"] = ["CZ", "P3"]
    raw.interpolate_bads(origin=(0.0, 0.0, 0.04), verbose="error")
    expected = SignalPath(recipe, 200, SEED_CHANNELS).push(raw.get_data().T).values
    np.testing.assert_allclose(path.push(x[:, kept]).values, expected, rtol=1e-7)


def test_a_channel_named_bad_is_not_used():
    recipe = Recipe()
    x = noise(200, 3, 62, 0)
    path = SignalPath(recipe, 200, SEED_CHANNELS, bad=["Cz"])
    before = path.push(x).values
    x[:, SEED_CHANNELS.index("CZ")] = 1e5 * np.random.default_rng(0).normal(size=len(x))
    path.reset()
    np.testing.assert_array_equal(path.push(x).values, before)


def test_a_band_at_nyquist_is_refused_in_one_line():
    with pytest.raises(
        RecipeError, match=r"gamma \(31-50 Hz\) reaches the Nyquist frequency 50 Hz"
    ):
        SignalPath(make_recipe(), 100, SEED_CHANNELS[:2])


def test_too_many_missing_channels_are_listed():
    with pytest.raises(ChannelError, match="60 of the model's 62 channels are missing: FPZ, AF3"):
        SignalPath(Recipe(), 200, ["Fp1", "Fp2", "TP9"])


def test_unknown_units_and_odd_chunks_are_refused():
    with pytest.raises(UnitError, match=r"'furlongs'.*--unit"):
        SignalPath(make_recipe(), 200, SEED_CHANNELS[:2], "furlongs")
    path = SignalPath(make_recipe(), 200, SEED_CHANNELS[:2])
    with pytest.raises(ChannelError, match=r"\(10, 3\)"):
        path.push(np.zeros((10, 3)))


def test_hops_in_tells_what_push_will_return():
    path = SignalPath(make_recipe(hop_s=0.13), 200, SEED_CHANNELS[:2])
    rng = np.random.default_rng(0)
    for size in rng.integers(0, 300, 50):
        need, promised = path.until_next_map, path.hops_in(int(size))
        assert (promised > 0) == (size >= need)
        assert len(path.push(np.zeros((int(size), 2)))) == promised


def test_bands_may_be_any():
    bands = (
        Band(name="low", low=0.5, high=4),
        *SEED_BANDS[1:],
        Band(name="wide", low=20, high=900),
    )
    recipe = make_recipe(1, bands=bands, filter_order=4)
    path = SignalPath(recipe, 2048, recipe.channels)
    x = noise(2048, 4, 1, 0)
    assert relative_variance_error(path.push(x).values, by_scipy(x, path)) < 1e-9


BESIDE = {
    "features": ("psd", "de"),
    "covariance": True,
    "signal": RawSignal(sfreq=110, low=0.5, high=40),
}


def build_beside(stream: dict) -> tuple[SignalPath, np.ndarray]:
    """Make a path that computes all there is: as :func:`build`, in bands that have bins."""
    plain, x = build(stream)
    bands = (Band(name="slow", low=1, high=12), *SEED_BANDS[3:])
    window_s = max(stream["window_s"], 0.25)
    changed = {**BESIDE, "bands": bands, "window_s": window_s}
    recipe = Recipe(**{**dict(plain.recipe), **changed})
    return SignalPath(recipe, plain.sfreq, recipe.channels), x


@FEW
@given(stream=streams, cuts=st.lists(st.integers(1, 700), min_size=1, max_size=8), data=st.data())
def test_all_products_are_bit_identical_however_the_samples_are_cut(stream, cuts, data):
    stream["hop_s"] = max(stream["hop_s"], 2 / stream["sfreq"])  # each hop has its own spectrum
    path, x = build_beside(stream)
    damaged = data.draw(st.integers(0, len(x) - 1))
    x[damaged, 0] = np.nan
    x = x[: round(1.7 * stream["sfreq"])]
    whole = path.push(x)
    path.reset()
    assert_identical(push_in_pieces(path, x, cuts), whole)
    path.reset()
    assert_identical(push_in_pieces(path, x, [path.hop, 1]), whole)
    # What is computed beside it leaves DE as it is.
    plain = {"features": ("de",), "covariance": False, "signal": None}
    recipe = path.recipe.model_copy(update=plain)
    alone = SignalPath(recipe, path.sfreq, recipe.channels).push(x)
    np.testing.assert_array_equal(whole.values[:, 3:], alone.values)
    np.testing.assert_array_equal(whole.last, alone.last)
    assert alone.points is None
    assert alone.first_point is None


@FEW
@given(stream=streams, share=st.floats(0, 1), value=st.floats(-1e6, 1e6) | st.just(np.nan))
def test_a_later_sample_changes_no_earlier_product(stream, share, value):
    stream["hop_s"] = max(stream["hop_s"], 0.02)
    path, x = build_beside(stream)
    before = path.push(x)
    change = round(share * (len(x) - 1))
    x[change] = value
    x[change + 1 :] *= -3
    path.reset()
    after = path.push(x)
    earlier = before.last < change
    for name in ("values", "bad", "covariances", "first_point"):
        np.testing.assert_array_equal(getattr(after, name)[earlier], getattr(before, name)[earlier])
    window = window_points(path.recipe)
    ended = before.first_point[earlier].max(initial=-window) + window
    np.testing.assert_array_equal(after.points[:ended], before.points[:ended])
    if not earlier.all() and np.isfinite(value):
        assert (after.values != before.values).any()


def test_warming_up_leaves_no_trace_in_any_product():
    recipe = make_recipe(3, **BESIDE)
    x = noise(200, 5, 3, 0)
    cold, warm = (SignalPath(recipe, 200, recipe.channels) for _ in range(2))
    cold.push(x[:333])
    warm.push(x[:333])
    warm.warm_up()
    assert_identical(warm.push(x[333:]), cold.push(x[333:]))


def test_channels_without_signal_or_numbers_are_flagged_with_every_feature():
    recipe = make_recipe(4, **BESIDE)
    path = SignalPath(recipe, 200, recipe.channels)
    x = noise(200, 12, 4, 0)
    x[:, 1] = 4711.0
    x[:, 2] = np.nan
    x[800:810, 3] = np.inf
    maps = path.push(x)
    assert np.isfinite(maps.values).all()
    assert np.isfinite(maps.covariances).all()
    de = 0.5 * np.log(2 * np.pi * np.e * recipe.variance_floor)
    widths = np.array([band.high - band.low for band in recipe.bands])
    floors = np.concatenate([np.log(recipe.variance_floor / widths), np.full(5, de)])
    for channel in (1, 2):
        np.testing.assert_allclose(maps.values[..., channel] - floors, 0, atol=1e-12)
        assert maps.bad[:, channel].all()
        assert not maps.covariances[:, :, channel].any()
        assert not maps.covariances[..., channel].any()
    assert not maps.bad[:, 0].any()
    hit = (maps.last >= 800) & (maps.last - 199 < 810)
    np.testing.assert_array_equal(maps.bad[:, 3], hit)


def test_a_channel_that_goes_flat_is_flagged_once_all_planes_are_at_the_floor():
    x = noise(200, 90, 2, 0)
    x[2000:, 1] = x[1999, 1]
    flagged = {}
    for features in (("de",), ("psd",), ("de", "psd")):
        recipe = make_recipe(2, features=features)
        maps = SignalPath(recipe, 200, recipe.channels).push(x)
        assert not maps.bad[:, 0].any()
        assert maps.bad[-1, 1]
        flagged[features] = maps.last[maps.bad[:, 1]].min()
    # The spectrum forgets with its window, a filter later.
    assert 2000 + 199 - 1 <= flagged["psd",] <= 2000 + 199 + 20
    assert flagged["de", "psd"] == flagged["de",] > flagged["psd",]
