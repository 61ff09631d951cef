from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.proof.sets import ExampleSet
from offline.proof.signals import (
    amplitude_distance,
    autocorrelation_difference,
    covariance_distance,
    kurtosis_difference,
    signal_differences,
    spectrum_difference,
)
from rtbci.errors import GeneratorError
from rtbci.recipe import SEED_BANDS
from tests.offline.proof.examples import (
    SFREQ,
    drawn,
    phase_randomised,
    shuffled,
    white,
    with_x,
)

FEW = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 1000)


def measured(real: ExampleSet, other: ExampleSet) -> dict[str, float]:
    """All measures by name."""
    found = dataclasses.asdict(signal_differences(real, other, SFREQ, SEED_BANDS))
    return {**found.pop("spectrum"), **found}


def test_the_same_people_are_nearer_than_noise_and_surrogates(people):
    real, again = (each[np.arange(0, len(each), 2)] for each in people.signals[:2])
    same, noise, turned = (
        measured(real, x) for x in (again, white(again), phase_randomised(again))
    )
    for name in [*(band.name for band in SEED_BANDS), "covariance", "autocorrelation"]:
        assert same[name] < 0.5 * noise[name], name
    # A surrogate has the spectrum of what it was made from, and nothing that joins the channels.
    assert same["covariance"] < 0.4 * turned["covariance"]
    assert all(turned[band.name] < noise[band.name] for band in SEED_BANDS)


def test_a_set_has_no_distance_from_itself_in_any_order_and_with_any_offsets(people):
    real, other = (each[np.arange(0, len(each), 2)] for each in people.signals[:2])
    offsets = 2000 * np.random.default_rng(0).standard_normal((len(real), real.x.shape[1], 1))
    for name, value in measured(real, with_x(real, real.x + offsets)).items():
        assert value == pytest.approx(0, abs=1e-4), name
    assert measured(shuffled(real), shuffled(other)) == pytest.approx(measured(real, other))


@FEW
@given(seed=seeds, nats=st.floats(-3, 3))
def test_amplifying_shifts_every_band_by_as_many_nats(seed, nats):
    real = drawn(12, (3, 500), seed)
    louder = with_x(real, np.exp(nats) * real.x)
    found = spectrum_difference(real, louder, SFREQ, SEED_BANDS)
    assert list(found) == [band.name for band in SEED_BANDS]
    assert list(found.values()) == pytest.approx([abs(nats)] * 5, abs=1e-3)


def test_a_rhythm_is_found_in_its_band_and_a_class_does_not_make_up_for_another():
    real = drawn(40, (2, 400), seed=0)
    wave = 3 * np.sin(2 * np.pi * 10 * np.arange(400) / SFREQ)
    found = spectrum_difference(real, with_x(real, real.x + wave), SFREQ, SEED_BANDS)
    power = 9 / 2 / (2 * 6 / SFREQ)  # of the wave, over the noise's between 8 and 14 Hz
    assert found["alpha"] == pytest.approx(0.5 * np.log(1 + power), abs=0.05)
    assert max(found[name] for name in ("delta", "theta", "beta", "gamma")) < 0.05
    gains = np.exp(np.where(real.labels == 0, 0.5, -0.5))[:, None, None]
    parted = spectrum_difference(real, with_x(real, gains * real.x), SFREQ, SEED_BANDS)
    assert parted["beta"] == pytest.approx(0.5, abs=1e-3)


@FEW
@given(seed=seeds)
def test_the_covariance_distance_is_that_of_generalised_eigenvalues(seed):
    real, other = drawn(12, (4, 60), seed, classes=1), drawn(12, (4, 60), seed + 1, classes=1)
    mixing = np.random.default_rng(seed).standard_normal((4, 4)) + 2 * np.eye(4)
    other = with_x(other, mixing @ other.x)
    means = [np.mean([np.cov(x, bias=True) for x in each.x], axis=0) for each in (real, other)]
    means = [0.9 * mean + 0.1 * np.trace(mean) / 4 * np.eye(4) for mean in means]
    expected = np.sqrt((np.log(scipy.linalg.eigh(*means, eigvals_only=True)) ** 2).sum())
    assert covariance_distance(real, other) == pytest.approx(expected, rel=1e-4)


def test_an_average_reference_and_a_flat_channel_have_a_distance():
    real, other = drawn(20, (5, 300), 0), drawn(20, (5, 300), 1)
    for each in (real, other):
        each.x[:] -= each.x.mean(axis=1, keepdims=True)
        each.x[:, 2] = 0
    assert 0 < covariance_distance(real, other) < 1
    assert np.isfinite(list(measured(real, other).values())).all()


def autoregressive(coefficient: float, seed: int) -> ExampleSet:
    noise = drawn(40, (1, 5200), seed)
    return with_x(noise, scipy.signal.lfilter([1], [1, -coefficient], noise.x)[..., 200:])


def test_the_autocorrelation_is_that_of_the_process():
    lags = np.arange(1, 21)
    for one, two in ((0.9, 0.5), (0.8, -0.3)):
        expected = np.sqrt(np.mean(((one**lags - two**lags) * (1 - lags / 5000)) ** 2))
        found = autocorrelation_difference(
            autoregressive(one, 0), autoregressive(two, 1), SFREQ, longest_s=0.1
        )
        assert found == pytest.approx(expected, rel=0.03)


@FEW
@given(seed=seeds, length=st.integers(21, 70))
def test_the_autocorrelation_is_that_of_numpy(seed, length):
    real, other = drawn(10, (2, length), seed, classes=1), drawn(10, (2, length), seed + 1, 1)
    means = []
    for each in (real, other):
        centred = each.x - each.x.mean(axis=-1, keepdims=True)
        whole = [[np.correlate(c, c, "full")[length - 1 :] for c in x] for x in centred]
        means.append(np.mean([[r[1:21] / r[0] for r in x] for x in whole], axis=0))
    expected = np.sqrt(np.mean((means[0] - means[1]) ** 2))
    found = autocorrelation_difference(real, other, SFREQ, longest_s=0.1)
    assert found == pytest.approx(expected, rel=1e-6)


def test_amplitudes_are_compared_on_the_real_ones_scale():
    real = drawn(100, (3, 300), seed=0)
    strong = with_x(real, 40 * np.array([1, 5, 20])[:, None] * real.x)
    # |x| of a Gaussian is sqrt(2 / pi) on average, so doubled it has gone as far.
    for each in (real, strong):
        doubled = amplitude_distance(each, with_x(each, 2 * each.x))
        assert doubled == pytest.approx(np.sqrt(2 / np.pi), rel=0.02)
    assert amplitude_distance(real, drawn(100, (3, 300), seed=1)) < 0.02


def test_a_flatter_distribution_has_less_kurtosis():
    real = drawn(100, (2, 300), seed=0)
    uniform = with_x(real, scipy.stats.norm.cdf(real.x))
    assert kurtosis_difference(real, uniform) == pytest.approx(1.2, abs=0.1)
    assert kurtosis_difference(real, with_x(real, 7 * real.x)) == pytest.approx(0, abs=1e-6)


def test_long_windows_are_measured_by_all_their_parts():
    """Amplitudes are thinned out: what happens late in a window counts as well."""
    real = drawn(50, (2, 2000), seed=0, classes=1)
    late = real.x.copy()
    late[..., 1000:] *= 3
    expected = np.sqrt(2 / np.pi)  # half of the samples go twice as far
    assert amplitude_distance(real, with_x(real, late)) == pytest.approx(expected, rel=0.05)


def test_windows_that_cannot_be_measured_are_refused_in_one_line():
    short = drawn(20, (2, 40), seed=0)
    with pytest.raises(
        GeneratorError, match="0.2 s at 200 Hz holds no frequency of the band delta"
    ):
        spectrum_difference(short, short, SFREQ, SEED_BANDS)
    with pytest.raises(GeneratorError, match="0.2 s is too short for an autocorrelation up to 0.5"):
        autocorrelation_difference(short, short, SFREQ)
    flat = drawn(20, (40,), seed=0)
    for measure in (covariance_distance, amplitude_distance, kurtosis_difference):
        with pytest.raises(GeneratorError, match="windows .channels, samples.; one has"):
            measure(flat, flat)
        with pytest.raises(GeneratorError, match="9 compared examples"):
            measure(short, short[np.arange(29)])
