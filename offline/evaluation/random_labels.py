"""Labels that mean nothing: what a recogniser scores on them, the protocol gave away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from offline.datasets.recording import Recording
from offline.evaluation.protocols import Fold
from offline.splits import TrialKey, labels_of

_STREAM = 7919  # keeps these draws apart from other uses of the same small seeds


def with_random_labels(
    recordings: Sequence[Recording], n_classes: int, draw: int, folds: Iterable[Fold] = ()
) -> tuple[Recording, ...]:
    """Return the recordings with each labelled trial's class drawn anew.

    Every trial's label is drawn by itself, all classes alike likely, so that the labels of one part
    of the data say nothing of another's; exchanging the true ones would (what one part has more of,
    the others have less of).

    Parameters
    ----------
    recordings : sequence of Recording
        Trials with the label -1 keep it.
    n_classes : int
        Number of classes.
    draw : int
        Fixes the draw.
    folds : iterable of Fold
        Folds whose training part must get at least two classes, one of them in the validation part
        too, since no recogniser can be fitted otherwise; where it does not, its trials are drawn
        again.
    """
    rng = np.random.default_rng([_STREAM, draw])
    label = {key: int(rng.integers(n_classes)) for key in labels_of(recordings)}
    listed = tuple(folds)
    while unfit := [fold for fold in listed if not _can_be_fitted(fold, label)]:
        again = {key for fold in unfit for key in (*fold.train, *fold.validation)}
        label |= {key: int(rng.integers(n_classes)) for key in sorted(again)}
    return tuple(
        replace(
            recording,
            trials=tuple(
                replace(trial, label=label.get((r, t), -1))
                for t, trial in enumerate(recording.trials)
            ),
        )
        for r, recording in enumerate(recordings)
    )


def _can_be_fitted(fold: Fold, label: dict[TrialKey, int]) -> bool:
    taught = {label[key] for key in fold.train}
    return len(taught) > 1 and not taught.isdisjoint(label[key] for key in fold.validation)
