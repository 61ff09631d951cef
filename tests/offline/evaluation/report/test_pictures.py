from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt, welch

from offline.datasets.recording import Trial, recording_of
from offline.evaluation.material import Material
from offline.evaluation.report.pictures import (
    class_means,
    mean_spectra,
    pictures_of,
    spectrum,
)
from rtbci.recipe import Recipe

SFREQ = 100.0
TRIALS = (Trial(50, 1250, 1), Trial(1300, 2300, 0), Trial(2300, 2500, -1))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_class_means_are_those_of_the_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    subjects = ["a", "b", "a"]
    maps = [random.normal(3, 1, (n, 2, 4)) for n in (30, 40, 20)]
    labels = [np.concatenate([np.arange(3), random.integers(-1, 3, len(m) - 3)]) for m in maps]
    by_subject = []
    for name in ("a", "b"):
        mine = [k for k, subject in enumerate(subjects) if subject == name]
        values = np.concatenate([maps[k] for k in mine])
        classes = np.concatenate([labels[k] for k in mine])
        means = np.stack([values[classes == c].mean(axis=0) for c in range(3)])
        by_subject.append(means - means.mean(axis=0))
    found = class_means(zip(maps, labels, strict=True), subjects, 3)
    np.testing.assert_allclose(found, np.mean(by_subject, axis=0), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-12)


def test_a_subjects_level_and_a_classs_share_do_not_matter() -> None:
    labels = [np.repeat([0, 1], [90, 10]), np.repeat([0, 1], [10, 90])]
    maps = [
        np.where(each[:, None, None] == 1, 1.0, 0.0) + level
        for each, level in zip(labels, (0.0, 100.0), strict=True)
    ]
    found = class_means(zip(maps, labels, strict=True), ["a", "b"], 2)
    np.testing.assert_allclose(found.ravel(), [-0.5, 0.5])


def test_bad_values_and_absent_classes_do_not_spread() -> None:
    maps = np.ones((4, 1, 2))
    maps[2:] = 3.0
    maps[0, 0, 0] = np.nan
    labels = np.array([0, 0, 1, 1])
    found = class_means([(maps, labels)], ["a"], 3)
    np.testing.assert_allclose(found[:2, 0], [[-1, -1], [1, 1]])
    assert np.isnan(found[2]).all()


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 2499), max_size=8, unique=True))
def test_the_spectrum_is_scipys_however_the_recording_is_cut(cuts: list[int]) -> None:
    samples = np.random.default_rng(0).normal(50, 10, (3, 2500)).astype(np.float32)
    blocks = np.split(samples, sorted(cuts), axis=1)
    frequencies, power = spectrum(blocks, TRIALS, SFREQ, 3)
    assert frequencies[0] == 0.5
    assert frequencies[-1] == 50.0
    for label, trial in ((1, TRIALS[0]), (0, TRIALS[1])):
        stretch = samples[:, trial.start : trial.stop].astype(np.float64)
        expected = np.median(welch(stretch, SFREQ, nperseg=200)[1], axis=0)
        np.testing.assert_allclose(power[label], expected[1:], rtol=1e-9)
    assert np.isnan(power[2]).all()


def test_power_density_has_its_unit() -> None:
    noise = np.random.default_rng(1).normal(0, 10, (8, 40_000))
    _, power = spectrum([noise], [Trial(0, 40_000, 0)], 200.0, 1)
    # White noise of variance 100 square microvolts spreads it over 0 to 100 Hz.
    np.testing.assert_allclose(np.median(power), 1.0, rtol=0.05)


def test_a_channel_with_gaps_and_a_short_trial_are_left_out() -> None:
    samples = np.random.default_rng(2).normal(size=(3, 1000))
    samples[1, 500] = np.nan
    trials = (Trial(0, 900, 0), Trial(900, 1000, 1))
    _, power = spectrum([samples], trials, SFREQ, 2)
    _, without = spectrum([samples[[0, 2]]], trials, SFREQ, 2)
    np.testing.assert_allclose(power[0], without[0])
    assert np.isnan(power[1]).all()


def test_spectra_are_averaged_in_decibels_over_recordings_then_subjects() -> None:
    low, high = np.arange(0.5, 40.5, 0.5), np.arange(0.5, 60.5, 0.5)
    spectra = [
        (low, np.full((1, 80), 1.0)),
        (low, np.full((1, 80), 100.0)),
        (high, np.full((1, 120), 1e4)),
    ]
    frequencies, decibels = mean_spectra(spectra, ["a", "a", "b"], 1)
    np.testing.assert_array_equal(frequencies, low)
    np.testing.assert_allclose(decibels, 25.0)


def test_features_without_samples_have_no_spectra() -> None:
    frequencies, decibels = mean_spectra([], [], 3)
    assert frequencies.size == 0
    assert decibels.shape == (3, 0)


def test_a_flat_channel_has_a_finite_spectrum() -> None:
    found = spectrum([np.zeros((2, 1000))], [Trial(0, 1000, 0)], SFREQ, 1)
    assert np.isfinite(mean_spectra([found], ["a"], 1)[1]).all()


@pytest.fixture
def material(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Material:
    """Two subjects with more alpha over OZ in class 1; the second one's T7 was not recorded."""
    monkeypatch.setenv("RTBCI_CACHE", str(tmp_path))
    recipe = Recipe(classes=("closed", "open"), channels=("CZ", "T7", "OZ", "FZ", "PZ", "T8"))
    trials = (Trial(1000, 3000, 0), Trial(3000, 5000, 1))
    alpha = butter(3, (8, 14), "bandpass", fs=125, output="sos")
    recordings = []
    for subject, names in (("a", "Cz T3 Oz Fz Pz T8 EOG"), ("b", "T8 PZ FZ OZ CZ")):
        channels = tuple(names.split())
        random = np.random.default_rng(ord(subject))
        samples = random.normal(0, 5, (len(channels), 5200))
        if "EOG" in channels:
            samples[channels.index("EOG")] *= 1000
        place = [name.upper() for name in channels].index("OZ")
        samples[place, 3000:5000] += sosfilt(alpha, random.normal(0, 60, 2000))
        recordings.append(recording_of(samples, 125.0, channels, subject=subject, trials=trials))
    return Material(
        recordings=tuple(recordings),
        tested_only=(),
        recipe=recipe.model_copy(update={"hop_s": 0.5}),
        name="made",
        simulated=True,
        causal=True,
        left_out=(),
    )


def test_pictures_of_recordings(material: Material) -> None:
    found = pictures_of(material)
    assert found.channels == material.recipe.channels
    assert found.interpolated == ("T7",)
    assert found.bands[2] == "alpha DE"
    assert found.class_maps.shape == (2, 5, 6)
    plane, channel = np.unravel_index(found.class_maps[1].argmax(), (5, 6))
    assert (found.bands[plane], found.channels[channel]) == ("alpha DE", "OZ")
    assert found.class_maps[1, 2, 2] > 0.5
    assert found.spectra.shape == (2, len(found.frequencies))
    # White noise of variance 25 over 62.5 Hz; neither EOG nor OZ moves the median.
    assert np.median(found.spectra) == pytest.approx(10 * np.log10(0.4), abs=0.5)


def test_a_channel_that_fails_does_not_show_in_the_maps(material: Material) -> None:
    whole = pictures_of(material)
    broken = material.recordings[0]
    samples = broken.read()
    samples[3, 4000:] = np.nan  # FZ, during half of class 1
    failing = replace(broken, blocks=lambda: iter((samples,)))
    found = pictures_of(replace(material, recordings=(failing, material.recordings[1])))
    np.testing.assert_allclose(found.class_maps[:, :, 3], whole.class_maps[:, :, 3], atol=0.3)


def test_shipped_features_have_maps_but_no_spectra(material: Material) -> None:
    maps = np.random.default_rng(0).normal(size=(40, 5, 6))
    channels = material.recipe.channels
    shipped = replace(
        material.recordings[0],
        sfreq=1.0,
        channels=channels,
        trials=(Trial(0, 20, 0), Trial(20, 40, 1)),
        n_samples=40,
        shipped=lambda: maps,
    )
    found = pictures_of(replace(material, recordings=(shipped,)))
    half = (maps[:20].mean(axis=0) - maps[20:].mean(axis=0)) / 2
    np.testing.assert_allclose(found.class_maps[0], half)
    assert found.frequencies.size == 0


def test_an_infinite_map_is_left_out() -> None:
    maps = np.array([[[1.0]], [[np.inf]], [[3.0]]])
    found = class_means([(maps, np.array([0, 0, 1]))], ["a"], 2)
    assert found.ravel() == pytest.approx([-1.0, 1.0])
