"""What a proof finds, made up from a seed: the names say how good each generator is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.ablation import BASE, Ablated, Variant
from offline.evaluation.config import Evaluation
from offline.evaluation.material import Material
from offline.proof.config import Proof
from offline.proof.distances import KernelDistance
from offline.proof.fidelity import REAL, TEST, Compared, Fidelity
from offline.proof.maps import EffectPattern, MapDifferences
from offline.proof.memorisation import Memorisation
from offline.proof.robustness import Withstood
from offline.proof.run import Proven
from offline.proof.sets import ExampleSet
from offline.proof.signal_fidelity import SignalCompared, SignalFidelity
from offline.proof.signals import SignalDifferences
from offline.proof.transfer import Transfer
from offline.proof.two_sample import TwoSample
from offline.proof.use import Use
from rtbci.configuration import validate
from rtbci.recipe import Recipe
from tests.offline.evaluation.report.examples import CLASSES, findings, summary

CHANNELS = ("FP1", "FP2", "F7", "F8", "T7", "T8", "CZ", "O1", "O2")
SFREQ = 100.0
GENERATORS = {"floor": "gaussian", "good": "esc-gan", "poor": "wgan-gp"}
HOW_FAR = {REAL: 0.0, "floor": 0.5, "good": 0.2, "poor": 2.0}
LOSSES = {"critic": (2.0, 1.0, 0.5), "generator": (-1.0, 0.0, 1.0)}
ATTACKS = ("clean", "fgsm")
KEPT = (0.1, 0.5)


def recipe(**changes: Any) -> Recipe:
    """Return a recipe of few electrodes."""
    return Recipe(**{"channels": CHANNELS, "classes": CLASSES} | changes)


def effect(n_channels: int = len(CHANNELS)) -> NDArray[np.float64]:
    """Return what tells the classes apart, shape (classes, planes, channels); mean nought."""
    drawn = np.random.default_rng(7).normal(size=(len(CLASSES), 5, n_channels))
    return drawn - drawn.mean(axis=0)


def maps(
    far: float = 0.0, seed: int = 0, n: int = 12, n_channels: int = len(CHANNELS)
) -> ExampleSet:
    """Return maps of all classes, whose effect fades and turns round the farther they are."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), n)
    x = (1 - far) * effect(n_channels)[labels] + 0.05 * rng.normal(
        size=(len(labels), 5, n_channels)
    )
    return ExampleSet(x.astype(np.float32), labels, 1000 * seed + np.arange(len(labels)))


def row(name: str, far: float, **changes: Any) -> Fidelity:
    """Return a row that gets worse with the distance."""
    parts: dict[str, Any] = {
        "name": name,
        "differences": MapDifferences((far,) * 5, (far,) * 5, far, EffectPattern(1 - far, 1.0)),
        "frechet": far,
        "kernel": KernelDistance(far, 0.1),
        "two_sample": TwoSample(min(0.5 + far / 4, 1.0), 0.01, "rbf-svm", 36),
        "transfer": Transfer(0.9 - far / 4, 0.9, 0.9),
        "memorisation": Memorisation(1.0, 0.01, 0.0, 0.0, False),
        "different": 1.0,
        "fit_s": 1.0,
        "losses": LOSSES if GENERATORS.get(name) in ("esc-gan", "wgan-gp") else {},
    }
    return Fidelity(**parts | changes)


def compared(fold: str = "1", seed: int = 0, n_channels: int = len(CHANNELS)) -> Compared:
    """Return one fold's real and generated maps; a map's first two numbers are its features."""
    made = {
        name: maps(far, seed + k, n_channels=n_channels)
        for k, (name, far) in enumerate(HOW_FAR.items(), 1)
    }
    test = maps(0.0, seed, n_channels=n_channels)
    features = {name: each.x[:, 0, :3] for name, each in {TEST: test, **made}.items()}
    rows = tuple(row(name, far + 0.01 * seed) for name, far in HOW_FAR.items())
    return Compared(fold, rows, made, test, features)


def waves(gain: float, n: int = 4, length: int = 200, seed: int = 0) -> ExampleSet:
    """Return windows of 10-Hz waves in noise; the wave is strongest at the back of the head."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), n)
    strong = np.where(np.char.startswith(CHANNELS, "O"), 20.0, 2.0)[:, None] * gain
    seconds = np.arange(length) / SFREQ
    phases = rng.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    x = strong * np.sin(2 * np.pi * 10 * seconds + phases)
    x = x + gain * rng.normal(size=(len(labels), len(CHANNELS), length))
    return ExampleSet(x.astype(np.float32), labels, 1000 * seed + np.arange(len(labels)))


def signals(fold: str = "1") -> SignalCompared:
    """Return one fold's real and generated signals: one generator is twice as loud."""
    made = {REAL: waves(1.0, seed=1), "loud": waves(2.0, seed=2)}
    differences = SignalDifferences({"alpha": 0.7}, 3.0, 0.1, 0.2, 0.3)
    rows = tuple(SignalFidelity(name, differences, math.nan, 1.0, {}) for name in made)
    return SignalCompared(fold, SFREQ, rows, made, waves(1.0))


def ablated(recognisers: tuple[str, ...] = ("cnn", "linear-svm"), level: float = 0.6) -> Ablated:
    """Return what recognisers score without and with each generator."""
    names = (BASE, *GENERATORS)
    found = {
        name: findings(
            recognisers,
            summaries=tuple(summary(r, level + 0.05 * k, seed=k) for r in recognisers),
            controls={},
            simulated=True,
        )
        for k, name in enumerate(names)
    }
    asked = {"datasets": ["data.yaml"], "recognisers": list(recognisers)}
    variants = tuple(
        Variant(name, {}, validate(Evaluation, asked | {"output": name}, "made up"))
        for name in names
    )
    return Ablated(variants, found)


def use(**changes: Any) -> Use:
    """Return the use of each generator, also where little of a class is kept."""
    whole = ablated(**changes)
    return Use(whole, {kept: ablated(level=0.3 + kept / 2, **changes) for kept in KEPT})


def withstood() -> dict[str, tuple[Withstood, ...]]:
    """Return how two folds' networks fare under attack."""
    return {
        name: tuple(
            Withstood({"clean": 0.8 + 0.02 * k, "fgsm": 0.3 + 0.1 * k + 0.1 * fold}, math.nan)
            for fold in (0, 1)
        )
        for k, name in enumerate((BASE, *GENERATORS))
    }


def proven(**changes: Any) -> Proven:
    """Return all that a proof on simulated data finds."""
    asked = {
        "evaluation": {"datasets": ["data.yaml"]},
        "output": "found",
        "generators": {name: {"kind": kind} for name, kind in GENERATORS.items()},
        "scarce": {"label": "negative", "kept": KEPT},
        "robustness": {"attacks": ["fgsm"]},
    }
    parts: dict[str, Any] = {
        "proof": validate(Proof, asked, "made up", Path()),
        "material": Material((), (), recipe(), "made up", True, True, ()),
        "compared": (compared("1"), compared("2", seed=10)),
        "signals": (signals(),),
        "use": use(),
        "withstood": withstood(),
    }
    return Proven(**parts | changes)
