from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from offline.generators.generator import Real
from rtbci.errors import GeneratorError
from rtbci.recipe import Recipe
from tests.offline.generators.material import RECIPE, signal

EEGMAT = Path(__file__).parents[3] / "configs" / "datasets" / "eegmat.yaml"


def autoregressive(real: Real, recipe: Recipe = RECIPE, **chosen: float) -> Autoregressive:
    return Autoregressive(recipe, AutoregressiveSettings(**chosen)).fit(real)


def known(windows: int, samples: int, seed: int = 0) -> tuple[Real, np.ndarray]:
    """Windows of a known process of second order for class 0, and its coefficients."""
    rng = np.random.default_rng(seed)
    first = np.diag([1.5, 1.1, 0.4, 0.0]) + 0.05
    second = -np.diag([0.8, 0.5, 0.2, 0.3])
    x = np.zeros((windows * samples + 500, 4))
    noise = rng.standard_normal(x.shape) @ np.array(
        [[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0.3, 2, 0], [0, 0, 0, 1]]
    )
    for t in range(2, len(x)):
        x[t] = first @ x[t - 1] + second @ x[t - 2] + noise[t]
    own = x[500:].reshape(windows, samples, 4).transpose(0, 2, 1)
    others = rng.standard_normal((4, 4, samples))
    return (
        Real(np.concatenate([own, others]), np.repeat([0, 1, 2], [windows, 2, 2]),
             np.arange(windows + 4)),
        np.stack([first, second]),
    )  # fmt: skip


def lagged(x: np.ndarray, lag: int) -> np.ndarray:
    """Return the covariance of samples with those a lag before, of windows (n, channels, t)."""
    now, before = x[:, :, lag:], x[:, :, : x.shape[2] - lag]
    return np.einsum("nct,ndt->cd", now, before) / (now.shape[0] * now.shape[2])


def radius(generator: Autoregressive, label: int) -> float:
    """Return how far from nought the largest pole lies."""
    process = generator._processes[label]
    rows, channels = process.past.shape
    companion = np.zeros((rows, rows))
    companion[:-channels, channels:] = np.eye(rows - channels)
    companion[-channels:] = process.past.T
    return float(np.abs(np.linalg.eigvals(companion)).max())


def test_a_known_process_is_found_again_and_made_again():
    real, coefficients = known(60, 400)
    generator = autoregressive(real, order=2, shrinkage=0.0)
    past = generator._processes[0].past.T  # the oldest first
    assert np.abs(np.stack([past[:, 4:], past[:, :4]]) - coefficients).max() < 0.05
    made = generator.sample(200, 0).astype(np.float64)
    variance = lagged(made, 0).max()
    for lag in range(6):
        assert np.abs(lagged(made, lag) - lagged(real.x[:60], lag)).max() < 0.05 * variance


def test_the_first_sample_is_as_good_as_the_last():
    real, _ = known(20, 200)
    made = autoregressive(real, order=6).sample(6000, 0).astype(np.float64)
    start, end = (np.cov(made[:, :, t], rowvar=False) for t in (0, -1))
    assert np.abs(start - end).max() < 0.1 * np.abs(end).max()
    first = np.mean(made[:, :, 1:3] * made[:, :, 0:2], axis=(0, 2))
    last = np.mean(made[:, :, -2:] * made[:, :, -3:-1], axis=(0, 2))
    assert np.allclose(first, last, rtol=0.15, atol=0.1)


@given(
    order=st.integers(1, 12),
    shrinkage=st.sampled_from([0.0, 0.01, 1.0]),
    windows=st.integers(2, 4),
    samples=st.integers(13, 60),
    what=st.sampled_from(["noise", "drift", "sine", "flat", "twins", "ramp", "spike"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_it_is_stable_whatever_it_learns_from(order, shrinkage, windows, samples, what, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3 * windows, 4, samples))
    time = np.arange(samples)
    if what == "drift":
        x = np.cumsum(np.cumsum(x, axis=2), axis=2) * 100
    elif what == "sine":
        x = np.sin(0.3 * time) * np.ones((3 * windows, 4, 1))
    elif what == "flat":
        x[:, 1:] = 5.0
    elif what == "twins":
        x[:, 1], x[:, 2] = x[:, 0], -3 * x[:, 0]
    elif what == "ramp":
        x = x * 1e-3 + time * 1e4
    elif what == "spike":
        x[0, 2, samples // 2] = 1e6
    real = Real(x, np.repeat([0, 1, 2], windows), np.arange(3 * windows))
    generator = autoregressive(real, order=order, shrinkage=shrinkage)
    for label in range(3):
        assert radius(generator, label) < 1
        assert np.isfinite(generator.stream(seed).next(500, label)).all()


def test_an_offset_is_not_learned_and_every_channel_keeps_its_power_however_it_is_shrunk():
    real = signal(windows=40)
    centred = real.x[real.labels == 1] - real.x[real.labels == 1].mean(axis=2, keepdims=True)
    for shrinkage in (0.0, 0.5, 1.0):
        made = autoregressive(real, order=8, shrinkage=shrinkage).sample(400, 1)
        assert np.abs(made.mean(axis=(0, 2))).max() < 2  # of an offset of 1000
        assert np.allclose(made.std(axis=(0, 2)), centred.std(axis=(0, 2)), rtol=0.1)
    apart = np.corrcoef(made.transpose(1, 0, 2).reshape(4, -1))
    assert np.abs(apart - np.eye(4)).max() < 0.05


@given(cuts=st.lists(st.integers(0, 90), max_size=8), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_stream_is_the_same_however_it_is_cut(cuts, seed):
    generator = autoregressive(signal(), order=5)
    # Class by class, the last change before the one before has faded.
    script = [(0, 150), (2, 160), (1, 40), (0, 130)]
    whole, cut = generator.stream(seed), generator.stream(seed)
    for label, length in script:
        expected = whole.next(length, label)
        assert expected.dtype == np.float32
        assert expected.shape == (length, 4)
        edges = [0, *sorted(min(each, length) for each in cuts), length]
        parts = [cut.next(b - a, label) for a, b in itertools.pairwise(edges)]
        assert np.array_equal(np.concatenate(parts), expected)


def test_two_streams_of_a_seed_are_the_same_and_of_two_seeds_are_not():
    generator = autoregressive(signal())
    one = generator.stream(1).next(50, 0)
    assert np.array_equal(one, generator.stream(1).next(50, 0))
    assert not np.array_equal(one, generator.stream(2).next(50, 0))
    assert not np.array_equal(one, generator.stream(1).next(50, 2))


def apart() -> Real:
    """Class 0 is smooth and class 1 rough: what one expects of the next sample fails the other."""
    rng = np.random.default_rng(0)
    white = rng.standard_normal((60, 4, 400))
    low = scipy.signal.butter(4, 12, fs=200, output="sos")
    smooth = scipy.signal.sosfilt(low, white[:20])[..., 200:] * 20
    return Real(
        np.concatenate([smooth, white[20:40, :, 200:] * 5, white[40:, :, 200:]]),
        np.repeat([0, 1, 2], 20), np.arange(60),
    )  # fmt: skip


def test_a_change_of_class_neither_clicks_nor_dips():
    stream = autoregressive(apart(), order=10).stream(0)
    within = [stream.next(4000, label)[1000:] for label in (0, 1)]
    steps = [np.abs(np.diff(part, axis=0)).max() for part in within]
    power = np.mean([part.var(dtype=np.float64) for part in within])
    alternating = np.concatenate([within[1][-1:], *(stream.next(200, k % 2) for k in range(100))])
    assert np.abs(np.diff(alternating, axis=0)).max() < 1.1 * max(steps)
    parts = alternating[1:].reshape(100, 200, 4)
    # From smooth to rough: the first samples are still smooth. Halfway, both are half there.
    assert np.abs(np.diff(parts[1::2, :5], axis=1)).max() < 1.5 * min(steps)
    assert parts[:, 45:55].var(dtype=np.float64) == pytest.approx(power, rel=0.15)


def test_after_a_change_there_is_nothing_left_of_the_class_before():
    generator = autoregressive(apart(), order=10)
    stream = generator.stream(3)
    stream.next(300, 1)
    stream.next(100, 0)  # half a second
    smooth = stream.next(4000, 0)
    assert np.abs(np.diff(smooth, axis=0)).mean() == pytest.approx(
        np.abs(np.diff(generator.stream(5).next(8000, 0), axis=0)).mean(), rel=0.1
    )


def test_windows_as_short_as_the_order_are_refused():
    with pytest.raises(GeneratorError, match="windows of 20 samples are too short for order 20"):
        autoregressive(signal(samples=20), order=20)
    assert autoregressive(signal(samples=21), order=20).sample(2, 0).shape == (2, 4, 21)


def people(folder: Path, count: int) -> tuple[Recipe, Real]:
    """Seconds of real people at rest and at arithmetic, each recording one trial."""
    dataset = open_dataset(load_dataset_settings(EEGMAT), folder)
    channels = dataset.recordings[0].channels[:19]  # without A2-A1 and the ECG
    recipe = Recipe(classes=("rest", "arithmetic"), channels=channels)
    x, labels, trials = [], [], []
    for number, recording in enumerate(dataset.recordings[: 2 * count]):
        (trial,) = recording.trials
        samples = recording.read()[: len(channels), trial.start : trial.stop]
        seconds = samples.reshape(len(channels), -1, 200).transpose(1, 0, 2)
        x.append(seconds)
        labels += [trial.label] * len(seconds)
        trials += [number] * len(seconds)
    return recipe, Real(np.concatenate(x), np.array(labels), np.array(trials))


def test_real_eegs_spectrum_and_covariance_are_made_again(shared_data):
    recipe, real = people(shared_data("eegmat_200hz"), 4)
    generator = autoregressive(real, recipe)
    bands = [(4, 8), (8, 14), (14, 31), (31, 45), (55, 95)]  # the last is next to silent
    for label in range(2):
        own = real.x[real.labels == label].astype(np.float64)
        own -= own.mean(axis=2, keepdims=True)
        made = generator.sample(300, label).astype(np.float64)
        endless = generator.stream(1).next(60_000, label).reshape(300, 200, 19).transpose(0, 2, 1)
        hertz, density = scipy.signal.periodogram(own, 200, "hann")
        for each in (made, endless):
            _, found = scipy.signal.periodogram(each, 200, "hann")
            for low, high in bands:
                inside = (hertz >= low) & (hertz < high)
                power = [d[..., inside].sum(axis=-1).mean(axis=0) for d in (found, density)]
                nats = 0.5 * np.log(power[0] / power[1])
                assert np.abs(nats).mean() < 0.1
            real_cov, made_cov = lagged(own, 0), lagged(each - each.mean(axis=2)[..., None], 0)
            error = np.linalg.norm(made_cov - real_cov) / np.linalg.norm(real_cov)
            assert error < 0.35  # the two halves of the arithmetic's own seconds: 0.32
