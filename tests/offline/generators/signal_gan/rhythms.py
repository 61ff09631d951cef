"""Signals of known structure: few channels, a rhythm that differs between classes."""

from __future__ import annotations

import numpy as np
import scipy.signal

from offline.generators.generator import Floats, Real
from offline.generators.signal_gan.generator import SignalGAN
from offline.generators.signal_gan.settings import SignalGANSettings
from rtbci.recipe import Recipe

SFREQ = 100.0
RECIPE = Recipe(classes=("calm", "awake"), channels=("F3", "FZ", "F4", "CZ"))
MIXING = np.array(
    [[1.0, 0.2, 0.0, 0.0], [0.8, 0.6, 0.0, 0.0], [0.5, 0.0, 1.0, 0.0], [0, 0.3, 0, 3]]
)


def rhythmic(windows: int = 24, points: int = 200, seed: int = 0) -> Real:
    """Windows, four a trial, of mixed 1/f noise and bursts of 10 Hz, twice as strong in class 1."""
    rng = np.random.default_rng(seed)
    labels = np.arange(windows) // 4 % 2
    pink = scipy.signal.lfilter([1.0], [1.0, -0.9], rng.standard_normal((windows, 4, points + 100)))
    alpha = scipy.signal.butter(2, (8, 12), "bandpass", fs=SFREQ, output="sos")
    rhythm = scipy.signal.sosfilt(alpha, rng.standard_normal((windows, 4, points + 100)))
    slow = scipy.signal.butter(2, 1, fs=SFREQ, output="sos")
    swelling = np.exp(
        3 * scipy.signal.sosfilt(slow, rng.standard_normal((windows, 1, points + 100)))
    )
    strength = np.where(labels == 1, 6 * 2**0.5, 6.0)[:, None, None]
    sources = (pink + strength * swelling * rhythm)[..., 100:]
    offset = 1000.0 * rng.standard_normal((windows, 4, 1))
    return Real((5 * MIXING @ sources + offset).astype(np.float32), labels, np.arange(windows) // 4)


def tiny(real: Real | None = None, seed: int = 0, **chosen: float) -> SignalGAN:
    """A generator that is trained in a second."""
    settings = {"epochs": 2, "batch_size": 8, "width": 4, "critic_width": 8, "latents": 2}
    wanted = SignalGANSettings.model_validate({**settings, "device": "cpu", **chosen})
    return SignalGAN(RECIPE, wanted, SFREQ).fit(real or rhythmic(), seed)


def band_power(x: Floats, low: float, high: float) -> Floats:
    """Mean power of windows (..., points) in a band, over all but the last axis's windows."""
    frequencies, power = scipy.signal.welch(x, SFREQ, nperseg=100, axis=-1)
    inside = (frequencies >= low) & (frequencies < high)
    return np.asarray(power[..., inside].sum(axis=-1))
