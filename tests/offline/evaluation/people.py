"""A few people whose classes differ in the strength of a rhythm: small, and quickly recognised."""

from __future__ import annotations

import numpy as np

from offline.datasets.config import LeftOut
from offline.datasets.recording import Recording, Trial, recording_of
from offline.evaluation.fitting import Bench
from offline.evaluation.material import Material
from offline.evaluation.protocols import Protocol, Sessions
from offline.models.cnn import CnnSettings
from offline.recognisers import RecogniserSettings
from offline.training import TrainingSettings
from rtbci.recipe import RawSignal, Recipe

SFREQ = 128.0
CHANNELS = ("F3", "FZ", "F4", "C3", "CZ", "C4")
CLASSES = ("low", "high")
LABELS = (0, 1, 1, 0, 1, 0)
TRIAL_S = 6
RECIPE = Recipe(
    classes=CLASSES,
    channels=CHANNELS,
    hop_s=0.5,
    smoothing={"kind": "exponential", "time_constant_s": 0.5},
    covariance=True,
    signal=RawSignal(sfreq=64, high=28),
    segments=2,
)
SETTINGS = RecogniserSettings(
    cnn=CnnSettings(widths=(4, 4, 4), hidden=4),
    training=TrainingSettings(epochs=2, batch_size=16),
)


def samples(seed: int, skill: float = 1.0) -> np.ndarray:
    """Return EEG (channels, samples) in which 10 Hz is stronger in trials of the class high."""
    rng = np.random.default_rng(seed)
    n = round(TRIAL_S * SFREQ)
    time = np.arange(n) / SFREQ
    parts = [
        rng.normal(size=(len(CHANNELS), n)) * 10
        + (5 + 10 * skill * label) * np.sin(2 * np.pi * 10 * time + rng.random())
        for label in LABELS
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def trials() -> tuple[Trial, ...]:
    n = round(TRIAL_S * SFREQ)
    return tuple(Trial(k * n, (k + 1) * n, label) for k, label in enumerate(LABELS))


def person(subject: int, session: int = 1, skill: float = 1.0) -> Recording:
    return recording_of(
        samples(100 * subject + session, skill),
        SFREQ,
        CHANNELS,
        name=f"{subject}-{session}",
        subject=str(subject),
        session=str(session),
        trials=trials(),
    )


def material(
    recordings: tuple[Recording, ...],
    recipe: Recipe = RECIPE,
    left_out: tuple[LeftOut, ...] = (),
) -> Material:
    return Material(
        recordings=recordings,
        tested_only=(),
        recipe=recipe,
        name="people",
        simulated=True,
        causal=True,
        left_out=left_out,
    )


def bench(
    subjects: int = 2,
    sessions: int = 2,
    protocol: Protocol | None = None,
    recipe: Recipe = RECIPE,
    skill: float = 1.0,
) -> Bench:
    people = tuple(
        person(subject, session, skill)
        for subject in range(1, subjects + 1)
        for session in range(1, sessions + 1)
    )
    return Bench(material(people, recipe), protocol or Sessions(), SETTINGS, stride=1)
