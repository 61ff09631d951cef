"""The real signal of a fold: windows that are learned from, and two parts that are held out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from offline.evaluation.fitting import Bench
from offline.evaluation.protocols import Fold
from offline.generators import Real
from offline.generators.material import signal_in
from offline.proof.sets import ExampleSet, matched
from offline.splits import TrialKey
from rtbci.errors import GeneratorError


@dataclass(frozen=True)
class SignalParts:
    """Windows of the real signal, side by side, in microvolts.

    Attributes
    ----------
    train : Real
        What generators learn from.
    validation, test : ExampleSet
        Held out, as many of each class in both; as in :class:`~offline.proof.parts.Parts`.
    sfreq : float
        Sampling rate, hertz.
    """

    train: Real
    validation: ExampleSet
    test: ExampleSet
    sfreq: float


def signal_parts_of(bench: Bench, fold: Fold, window_s: float, most: int) -> SignalParts:
    """Return the real signal of a fold.

    Parameters
    ----------
    bench : Bench
        Recordings, recipe and protocol.
    fold : Fold
        One of the protocol's.
    window_s : float
        Length of a window, seconds.
    most : int
        The most windows of a held-out part.

    Raises
    ------
    GeneratorError
        If a recording has no signal, lacks a channel or has another sampling rate than others, or
        no trial is as long as a window; one line.
    """
    recordings, recipe = bench.material.recordings, bench.material.recipe
    _refuse_unlike(bench, (*fold.train, *fold.validation, *fold.test))
    train, sfreq = signal_in(recordings, fold.train, recipe, window_s)
    validation, test = (
        ExampleSet.of_trials(signal_in(recordings, keys, recipe, window_s)[0])
        for keys in (fold.validation, fold.test)
    )
    told = f"{fold.name}, held-out windows of {window_s:g} s (signal_s) of validation and test"
    held = matched(validation, test, most, np.random.default_rng(0), told)
    return SignalParts(train, *held, sfreq)


def _refuse_unlike(bench: Bench, keys: Iterable[TrialKey]) -> None:
    used = [bench.material.recordings[r] for r in sorted({r for r, _ in keys})]
    for each in used:
        if each.shipped is not None:
            raise GeneratorError(
                f"{each.name}: holds feature maps and no signal that a generator could learn"
            )
    rates = sorted({each.sfreq for each in used})
    if len(rates) > 1:
        told = ", ".join(f"{rate:g}" for rate in rates)
        raise GeneratorError(f"recordings at {told} Hz: a generator's signal has one rate")
