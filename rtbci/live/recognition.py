"""What models make of one hop, each by itself and together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.publish.wire import Quality, State

_WORST_FIRST: tuple[State, ...] = ("warming-up", "degraded", "ok")


@dataclass(frozen=True)
class Recognition:
    """What was recognised at one hop.

    Attributes
    ----------
    probabilities : array, shape (classes,)
        In the order of the recipe's classes.
    lsl_time : float
        LSL time of the last sample used, seconds.
    state : State
        Of this prediction.
    quality : Quality
        What may make it less trustworthy.
    """

    probabilities: NDArray[np.float64]
    lsl_time: float
    state: State
    quality: Quality


def average(members: Sequence[Recognition]) -> Recognition:
    """Return what several models say together of the same sample.

    Its probabilities are the mean of theirs (Lakshminarayanan et al. 2017, arXiv 1612.01474,
    section 2.4), its state the worst of theirs (warming-up, then degraded, then ok), and its
    quality names what any of them complains of. One model's is returned as it is.

    Parameters
    ----------
    members : sequence of Recognition
        At least one; all of the same last sample.
    """
    first, *others = members
    if not others:
        return first
    qualities = [member.quality for member in members]
    return Recognition(
        probabilities=np.mean([member.probabilities for member in members], axis=0),
        lsl_time=first.lsl_time,
        state=min((member.state for member in members), key=_WORST_FIRST.index),
        quality=Quality(
            bad_channels=_each_once(quality.bad_channels for quality in qualities),
            interpolated=_each_once(quality.interpolated for quality in qualities),
            # They end at the same sample, so what any of them lost the longest lost as well.
            gap_ms=max(quality.gap_ms for quality in qualities),
        ),
    )


def _each_once(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))
