"""Band power held against SciPy's Welch over many shapes of stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from rtbci.errors import RecipeError
from rtbci.recipe import SEED_BANDS, Band
from rtbci.signal.path import SignalPath
from tests.rtbci.signal.streams import FEW, make_recipe, noise, wired_by_scipy


def by_scipy(x: np.ndarray, path: SignalPath) -> np.ndarray:
    """Log density of each band and window, (hops, bands, channels)."""
    recipe, sfreq = path.recipe, path.sfreq
    x = wired_by_scipy(x, recipe, sfreq)
    n = min(path.window, round(sfreq))
    frequencies = np.arange(n // 2 + 1) * sfreq / n
    planes = []
    for end in range(path.window, len(x) + 1, path.hop):
        _, density = signal.welch(
            x[end - path.window : end],
            sfreq,
            nperseg=n,
            noverlap=n // 2,
            detrend="constant",
            scaling="density",
            axis=0,
        )
        planes.append(
            [
                density[(frequencies >= band.low) & (frequencies < band.high)].mean(axis=0)
                for band in recipe.bands
            ]
        )
    return np.log(np.array(planes))


@FEW
@given(
    sfreq=st.sampled_from([125.0, 128.0, 200.0, 250.0, 256.0, 500.0, 512.0, 1000.0, 1024.0])
    | st.floats(125, 1024).map(lambda rate: round(rate, 2)),
    channels=st.integers(1, 6),
    window_s=st.sampled_from([0.5, 0.75, 1.0, 1.3, 2.0, 2.5, 4.0]),
    hop_s=st.sampled_from([0.01, 0.1, 0.25, 0.7, 1.0]),
    reference=st.sampled_from(["none", "average"]),
    notch_hz=st.sampled_from([None, 50, 60]),
    features=st.sampled_from([("psd",), ("de", "psd"), ("psd", "de")]),
    seed=st.integers(0, 2**31),
)
def test_planes_equal_scipy_s_welch(
    sfreq, channels, window_s, hop_s, reference, notch_hz, features, seed
):
    recipe = make_recipe(
        channels,
        bands=(Band(name="low", low=1, high=4.5), *SEED_BANDS[1:]),
        window_s=window_s,
        hop_s=hop_s,
        reference=reference if channels > 1 else "none",
        notch_hz=notch_hz,
        features=features,
    )
    path = SignalPath(recipe, sfreq, recipe.channels)
    # Drifting and far from zero, as an amplifier's input is.
    x = noise(sfreq, window_s + 10.5 * max(hop_s, 1 / sfreq), channels, seed) + 3e3
    x += np.linspace(0, 200, len(x))[:, None]
    maps = path.push(x)
    reference_planes = by_scipy(x, path)
    assert maps.values.shape == (len(reference_planes), *recipe.map_shape)
    named = [name.endswith("PSD") for name in recipe.planes]
    assert np.abs(maps.values[:, named] - reference_planes).max() < 1e-9
    assert maps.covariances is None


def test_bins_belong_to_the_band_that_they_begin():
    # 200 samples a second and a segment of a second: a bin each hertz, and 4 Hz begins theta.
    recipe = make_recipe(1, features=("psd",), window_s=2.0, hop_s=2.0)
    path = SignalPath(recipe, 200, recipe.channels)
    t = np.arange(400) / 200
    x = 10 * np.sin(2 * np.pi * 4 * t)[:, None] + 1e-3 * noise(200, 2, 1, 0)
    power = np.exp(path.push(x).values[0, :, 0])
    # A sine of 10 uV has 50 uV^2; Hann's window puts 1/6, 2/3 and 1/6 of it on three bins.
    assert power[0] * 3 == pytest.approx(50 / 6, rel=1e-3)
    assert power[1] * 4 == pytest.approx(50 * 5 / 6, rel=1e-3)
    assert power[2] < 1e-3


def test_power_alone_needs_no_filter_bank():
    recipe = make_recipe(2, features=("psd",))
    path = SignalPath(recipe, 200, recipe.channels)
    both = SignalPath(make_recipe(2, features=("de", "psd")), 200, recipe.channels)
    x = noise(200, 20, 2, 0)
    alone, beside = path.push(x), both.push(x)
    np.testing.assert_array_equal(alone.values, beside.values[:, 5:])
    np.testing.assert_array_equal(alone.bad, beside.bad)
    assert path.settling == both.settling
    assert not path._state.bank.size


def test_an_artefact_leaves_with_the_window():
    recipe = make_recipe(1, features=("psd",))
    path = SignalPath(recipe, 200, recipe.channels)
    x = noise(200, 10, 1, 0)
    clean = path.push(x).values
    path.reset()
    x[600:650] += 1e5
    hit = path.push(x)
    touched = (hit.last >= 600) & (hit.last - 199 < 650)
    np.testing.assert_array_equal(hit.values[~touched], clean[~touched])
    assert (np.abs(hit.values[touched] - clean[touched]).max(axis=(1, 2)) > 1).all()


@pytest.mark.parametrize(
    ("window_s", "said"),
    [
        (0.1, r"band delta \(1-4 Hz\) holds no frequency .* 20 samples at 200 Hz, .* each 10 Hz"),
        (0.01, "band delta"),
    ],
)
def test_a_band_between_two_bins_is_refused_in_one_line(window_s, said):
    with pytest.raises(RecipeError, match=said) as caught:
        SignalPath(make_recipe(features=("psd",), window_s=window_s), 200, ("FP1", "FPZ"))
    assert "\n" not in str(caught.value)
    SignalPath(make_recipe(window_s=window_s), 200, ("FP1", "FPZ"))  # DE has no bins
