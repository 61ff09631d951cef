from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from offline.proof.fidelity import REAL, TEST
from offline.proof.report.signals import (
    band_power,
    butterfly_figure,
    power_figure,
    spectra_figure,
    typical,
)
from rtbci.recipe import Band
from tests.offline.evaluation.report.examples import CLASSES
from tests.offline.proof.report.examples import CHANNELS, SFREQ, recipe, signals, waves

ALPHA = Band(name="alpha", low=8.0, high=14.0)


def test_a_butterfly_has_every_channel_and_one_scale_of_the_real_ones():
    found = signals()
    axes = np.reshape(butterfly_figure(found, CLASSES).get_axes(), (2, len(CLASSES)))
    assert [each.get_title() for each in axes[0]] == list(CLASSES)
    assert [each.get_ylabel().split("\n")[0] for each in axes[:, 0]] == [TEST, "loud"]
    for name, row in zip((TEST, "loud"), axes, strict=True):
        windows = found.test if name == TEST else found.made[name]
        for label, panel in enumerate(row):
            shown = np.stack([line.get_ydata() for line in panel.lines])
            np.testing.assert_allclose(shown, typical(windows.of(label)))
            assert panel.lines[0].get_xdata()[-1] == pytest.approx(2 - 1 / SFREQ)
    real = max(np.abs(line.get_ydata()).max() for panel in axes[0] for line in panel.lines)
    assert {panel.get_ylim() for panel in axes.ravel()} == {axes[0, 0].get_ylim()}
    assert real < axes[0, 0].get_ylim()[1] < 1.5 * real


def test_of_long_windows_two_seconds_are_shown():
    long = waves(1.0, length=500)
    found = replace(signals(), test=long, made={REAL: long, "loud": long})
    panel = butterfly_figure(found, CLASSES).get_axes()[0]
    assert len(panel.lines[0].get_xdata()) == 2 * SFREQ


def test_the_typical_window_is_of_median_strength_and_has_no_offset():
    windows = (
        np.random.default_rng(0).normal(size=(5, 3, 50)) * np.array([9, 1, 3, 2, 7])[:, None, None]
    )
    windows += 100.0
    found = typical(windows)
    np.testing.assert_allclose(found, windows[2] - windows[2].mean(axis=-1, keepdims=True))
    assert typical(windows[:0]) is None


def test_a_class_without_windows_says_so():
    found = signals()
    rows = found.test.labels != 1
    axes = butterfly_figure(replace(found, test=found.test[rows]), CLASSES).get_axes()
    assert [text.get_text() for text in axes[1].texts] == ["no windows"]
    assert not axes[0].texts


@pytest.mark.parametrize("length", [200, 100])
def test_spectra_are_welchs_with_the_real_ones_behind(length):
    found = replace(
        signals(),
        test=waves(1.0, length=length),
        made={name: waves(gain, length=length, seed=1) for name, gain in ((REAL, 1), ("loud", 2))},
    )
    figure = spectra_figure(found, CLASSES)
    for label, panel in enumerate(figure.get_axes()):
        assert panel.get_title() == CLASSES[label]
        held_out, real, loud = panel.lines
        frequencies, density = welch(
            found.test.of(label).astype(float), SFREQ, nperseg=min(length, 200)
        )
        kept = (frequencies > 0) & (frequencies <= 60)
        np.testing.assert_allclose(held_out.get_xdata(), frequencies[kept])
        expected = 10 * np.log10(np.median(density.mean(axis=0), axis=0))[kept]
        np.testing.assert_allclose(held_out.get_ydata(), expected, rtol=1e-6)
        # Twice as loud is 6 dB.
        apart = np.subtract(loud.get_ydata(), real.get_ydata())
        np.testing.assert_allclose(apart, 20 * np.log10(2), atol=1e-3)
    assert [text.get_text() for text in figure.legends[0].texts] == [TEST, REAL, "loud"]


def test_band_power_is_that_of_the_waves():
    found = band_power(waves(1.0, n=30), SFREQ, ALPHA, len(CLASSES))
    assert found.shape == (len(CLASSES), len(CHANNELS))
    back = [name.startswith("O") for name in CHANNELS]
    # A wave of 20 microvolts has 200 square microvolts; white noise of one adds 6 of 50 Hz.
    np.testing.assert_allclose(found[:, back], 10 * np.log10(200 + 6 / 50), atol=0.1)
    np.testing.assert_allclose(found[:, np.logical_not(back)], 10 * np.log10(2 + 6 / 50), atol=0.3)
    assert np.isnan(band_power(waves(1.0)[np.arange(4)], SFREQ, ALPHA, 2)[1]).all()


def test_power_on_the_head_is_less_the_real_mean_and_shows_what_is_louder():
    figure = power_figure(signals(), recipe(), ALPHA)
    heads = np.reshape([each for each in figure.get_axes() if each.images], (len(CLASSES), 3)).T
    means = {
        name: np.mean([np.ma.mean(each.images[0].get_array()) for each in row])
        for name, row in zip((TEST, REAL, "loud"), heads, strict=True)
    }
    assert means["loud"] - means[REAL] == pytest.approx(6, abs=1.0)
    # Most of the head lies between the quiet front and the loud back.
    assert abs(means[TEST]) < 3
    assert len({each.images[0].get_clim() for each in heads.ravel()}) == 1
    assert {each.get_xlabel() for each in figure.get_axes()} == {"", "dB"}
