"""Findings and pictures made up from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from offline.datasets.config import LeftOut
from offline.evaluation.findings import Findings
from offline.evaluation.report.pictures import Pictures
from offline.evaluation.summary import (
    Abstaining,
    Calibration,
    CalibrationBin,
    OverTime,
    Spread,
    Summary,
)
from rtbci.montage.names import SEED_CHANNELS

CLASSES = ("negative", "neutral", "positive")
BANDS = ("delta DE", "theta DE", "alpha DE", "beta DE", "gamma DE")


def summary(
    name: str = "cnn",
    level: float = 0.7,
    subjects: tuple[str, ...] = ("1", "2", "3"),
    classes: tuple[str, ...] = CLASSES,
    seed: int = 0,
    **changes: Any,
) -> Summary:
    """Return a summary that looks like one of a recogniser of a certain balanced accuracy."""
    random = np.random.default_rng([seed, *name.encode()])
    n = len(classes)
    scores = np.clip(random.normal(level, 0.08, len(subjects)), 0, 1)
    wrong = (1 - level) / (n - 1)
    shares = np.full((n, n), wrong) + np.eye(n) * (level - wrong)
    confusion = np.stack([random.multinomial(random.integers(800, 1200), row) for row in shares])
    edges = np.linspace(1 / n, 1, 11)
    seconds = np.arange(1.0, 241.0)
    parts: dict[str, Any] = {
        "recogniser": name,
        "classes": classes,
        "windows": int(confusion.sum()),
        "trials": 6 * len(subjects),
        "seeds": 2,
        "confusion": confusion,
        "accuracy": spread(np.clip(scores + 0.01, 0, 1)),
        "balanced_accuracy": spread(scores),
        "macro_f1": spread(np.clip(scores - 0.02, 0, 1)),
        "trial_accuracy": spread(np.clip(scores + 0.1, 0, 1)),
        "per_subject": dict(zip(subjects, scores.tolist(), strict=True)),
        "accuracy_by_subject": dict(
            zip(subjects, np.clip(scores + 0.01, 0, 1).tolist(), strict=True)
        ),
        "calibration": Calibration(
            tuple(
                CalibrationBin(float(c), float(c - 0.05 * random.random()), int(w))
                for c, w in zip(
                    (edges[:-1] + edges[1:]) / 2, random.integers(1, 4000, 10), strict=True
                )
            ),
            expected_error=float(0.1 * random.random()),
            brier=float(0.3 + 0.4 * random.random()),
        ),
        "abstaining": Abstaining(
            threshold=edges,
            coverage=np.linspace(1, 0.02, 11),
            accuracy=np.linspace(level, 1, 11),
            balanced_accuracy=np.append(np.linspace(level, 0.95, 10), np.nan),
            risk_area=0.5 * (1 - level),
        ),
        "over_time": OverTime(
            seconds,
            np.clip(random.normal(level, 0.05, 240), 0, 1),
            np.clip(level + 0.1 * (1 - np.exp(-seconds / 30)), 0, 1),
            np.linspace(6 * len(subjects), 1, 240).astype(np.int64),
        ),
        "permutation_p": 0.0004998,
        "lag_s": 0.0,
        "lag_told": 1.0,
    }
    return Summary(**(parts | changes))


def spread(scores: np.ndarray) -> Spread:
    """Describe scores of subjects."""
    mean, sd = float(scores.mean()), float(scores.std(ddof=1)) if len(scores) > 1 else 0.0
    half = 1.96 * sd / np.sqrt(len(scores))
    return Spread(mean, sd, mean - half, mean + half, 0.012)


def findings(
    names: tuple[str, ...] = ("cnn", "svm", "trivial"),
    subjects: tuple[str, ...] = ("1", "2", "3"),
    classes: tuple[str, ...] = CLASSES,
    **changes: Any,
) -> Findings:
    """Return findings of an honest protocol on recorded data."""
    levels = np.linspace(0.75, 1 / len(classes), len(names))
    chance = 1 / len(classes)

    def control(name: str) -> tuple[Summary, ...]:
        return tuple(summary(name, chance, subjects, classes, seed=k) for k in (1, 2))

    parts: dict[str, Any] = {
        "dataset": "SEED",
        "simulated": False,
        "causal": True,
        "protocol": "leave one subject out",
        "leaky": False,
        "classes": classes,
        "subjects": subjects,
        "summaries": tuple(
            summary(name, level, subjects, classes)
            for name, level in zip(names, levels, strict=True)
        ),
        "controls": {name: control(name) for name in names},
        "left_out": (LeftOut("7_20140101.mat", "holds 61 channels, 62 are named"),),
        "provenance": {
            "date": "2026-01-02T03:04:05+00:00",
            "versions": {"rtbci": "0.1.0", "numpy": "2.3.1"},
            "seeds": [0, 1],
            "data_hash": "5f1d" * 16,
            "recipe": {
                "channels": list(SEED_CHANNELS),
                "bands": [
                    {"name": "delta", "low": 1.0, "high": 4.0},
                    {"name": "theta", "low": 4.0, "high": 8.0},
                ],
                "window_s": 1.0,
                "notch_hz": None,
            },
        },
    }
    return Findings(**(parts | changes))


def pictures(classes: tuple[str, ...] = CLASSES, **changes: Any) -> Pictures:
    """Return pictures of smooth maps and of spectra that fall with the frequency."""
    from rtbci.montage.positions import electrode_positions

    random = np.random.default_rng(0)
    places = electrode_positions(SEED_CHANNELS)
    slopes = random.normal(0, 1, (len(classes), len(BANDS), 3))
    maps = slopes @ places.T
    frequencies = np.arange(0.5, 60.5, 0.5)
    bump = 6 * np.exp(-((frequencies - 10) ** 2) / 4)
    spectra = np.stack(
        [15 - 14 * np.log10(frequencies) + (1 + k / 4) * bump for k in range(len(classes))]
    )
    parts: dict[str, Any] = {
        "channels": SEED_CHANNELS,
        "interpolated": ("T8", "CB1"),
        "bands": BANDS,
        "class_maps": maps - maps.mean(axis=0),
        "frequencies": frequencies,
        "spectra": spectra,
    }
    return Pictures(**(parts | changes))
