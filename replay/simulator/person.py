"""Who is simulated: one person's rhythms, and what emotions do to them, on one day.

The effects' directions are those that Zheng & Lu 2015 (doi 10.1109/TAMD.2015.2431497) found in
SEED: positive emotion raises lateral temporal beta and gamma, neutral emotion parietal and
occipital alpha, negative emotion prefrontal delta (here with theta) while gamma stays low. Their
sizes are chosen so that one-second windows are neither trivial nor hopeless to classify.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replay.simulator.head import REGIONS
from rtbci.recipe import EMOTIONS

BANDS: tuple[str, ...] = ("delta", "theta", "alpha", "beta", "gamma")

# Microvolts RMS that a rhythm would have on the scalp if the whole cortex made it as this region
# does. Columns as in REGIONS: prefrontal, frontal midline, frontal, central, temporal, parietal,
# occipital.
_AMPLITUDE = np.array(
    [
        [5.0, 4.5, 4.0, 4.0, 3.5, 4.0, 4.0],
        [2.5, 5.0, 3.0, 2.5, 2.0, 2.5, 2.0],
        [1.5, 1.5, 2.0, 3.0, 2.5, 6.0, 9.0],
        [1.8, 1.8, 2.4, 3.0, 2.8, 1.8, 1.4],
        [0.8, 0.7, 0.8, 0.8, 1.3, 0.7, 0.7],
    ]
)

# Change of the logarithm of an amplitude: emotion, band, region, size.
_EFFECTS: tuple[tuple[str, str, str, float], ...] = (
    ("positive", "beta", "temporal", 0.40),
    ("positive", "beta", "frontal", 0.15),
    ("positive", "gamma", "temporal", 0.62),
    ("positive", "gamma", "frontal", 0.18),
    ("positive", "alpha", "occipital", -0.14),
    ("neutral", "alpha", "parietal", 0.40),
    ("neutral", "alpha", "occipital", 0.54),
    ("negative", "delta", "prefrontal", 0.27),
    ("negative", "theta", "prefrontal", 0.27),
    ("negative", "theta", "frontal midline", 0.18),
    ("negative", "gamma", "temporal", -0.22),
)

_SHAPE = (len(BANDS), len(REGIONS))


@dataclass(frozen=True)
class Person:
    """One person on one day.

    Attributes
    ----------
    amplitude : array, shape (bands, regions)
        Microvolts RMS, before any emotion.
    gain : array, shape (emotions, bands, regions)
        Factor that an emotion puts on an amplitude.
    alpha_hz : float
        The individual alpha peak.
    background_uv : float
        Background activity from 1 to 45 Hz, microvolts RMS.
    background_slope : float
        The background's power falls with frequency to this power.
    tilt : array, shape (sources, 3)
        How far each source's dipole leans away from the radius, in its own lengths.
    """

    amplitude: NDArray[np.float64]
    gain: NDArray[np.float64]
    alpha_hz: float
    background_uv: float
    background_slope: float
    tilt: NDArray[np.float64]


def draw_person(seed: int, subject: int, session: int, n_sources: int) -> Person:
    """Draw a person from ``seed`` and ``subject``, and the day from ``session`` as well."""
    trait = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, subject)))
    day = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, subject, session)))
    effects = _mean_effects()
    strength = np.exp(trait.normal(0, 0.25))
    personal = strength * effects + trait.normal(0, 0.14, effects.shape)
    today = personal * np.exp(day.normal(0, 0.12)) + day.normal(0, 0.06, effects.shape)
    log_amplitude = (
        np.log(_AMPLITUDE)
        + trait.normal(0, 0.20, (len(BANDS), 1))
        + trait.normal(0, 0.15, _SHAPE)
        + day.normal(0, 0.05, _SHAPE)
    )
    return Person(
        amplitude=np.exp(log_amplitude),
        gain=np.exp(today),
        alpha_hz=float(np.clip(trait.normal(10.2, 0.7), 8.8, 11.8)),
        background_uv=float(9 * np.exp(trait.normal(0, 0.15) + day.normal(0, 0.05))),
        background_slope=float(np.clip(trait.normal(1.3, 0.12), 1.0, 1.6)),
        tilt=trait.normal(0, 0.4, (n_sources, 3)),
    )


def _mean_effects() -> NDArray[np.float64]:
    """Return the population's effects, shape (emotions, bands, regions)."""
    regions = tuple(REGIONS)
    effects = np.zeros((len(EMOTIONS), *_SHAPE))
    for emotion, band, region, size in _EFFECTS:
        effects[EMOTIONS.index(emotion), BANDS.index(band), regions.index(region)] = size
    return effects
