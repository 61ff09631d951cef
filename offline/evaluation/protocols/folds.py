"""Folds, and which windows of a recording are in which part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from offline.splits import ByRecording, TrialKey, windows_of


@dataclass(frozen=True)
class Share:
    """Which of the windows that are dealt at random a fold tests; LEAKY.

    Attributes
    ----------
    fold, folds : int
        Number of the fold, from 0, and how many there are. Of all windows one in ``folds`` is
        tested, the next one in ``folds`` chosen on, the rest trained on.
    seed : int
        Fixes the deal.
    """

    fold: int
    folds: int
    seed: int


@dataclass(frozen=True)
class Fold:
    """Trials that are trained on, chosen on and tested on.

    Attributes
    ----------
    name : str
        What tells it from the protocol's other folds.
    train, validation, test : tuple of TrialKey
        No trial is in two parts, unless there is a share.
    share : Share or None
        Where windows are dealt at random whatever their trial: each part then names all trials,
        and the share says which of their windows it has.
    """

    name: str
    train: tuple[TrialKey, ...]
    validation: tuple[TrialKey, ...]
    test: tuple[TrialKey, ...]
    share: Share | None = None


def fold_windows(
    fold: Fold,
    part: Literal["train", "validation", "test"],
    features: ByRecording,
    stride: int,
    history: int = 0,
) -> dict[int, NDArray[np.intp]]:
    """Return the windows of one part, by recording and in order of time.

    Parameters
    ----------
    fold : Fold
        The fold.
    part : {"train", "validation", "test"}
        Which of its parts.
    features : sequence or mapping of Features
        By the recording's index.
    stride : int
        Every which window is taken, counted from each trial's first; 1 for all.
    history : int
        Windows before it that have to lie in its trial as well.

    Returns
    -------
    dict of int to array of int, shape (windows,)
        Indices into the recording's windows. No window is in two parts, whatever their strides.
    """
    windows = windows_of(getattr(fold, part), features, stride, history)
    if fold.share is None:
        return windows
    dealt: dict[int, NDArray[np.intp]] = {}
    for recording, found in windows.items():
        place = _places(fold.share, recording, len(features[recording].trial))[found]
        chosen = {
            "test": place == 0,
            "validation": place == 1,
            "train": place > 1,
        }[part]
        if chosen.any():
            dealt[recording] = found[chosen]
    return dealt


def _places(share: Share, recording: int, windows: int) -> NDArray[np.intp]:
    """Deal a recording's windows: 0 is tested in this fold, 1 in the next, and so on.

    All windows are dealt, strided or not, so that a part's windows do not depend on the strides of
    the others.
    """
    rng = np.random.default_rng((share.seed, recording))
    return (rng.permutation(windows) - share.fold) % share.folds
