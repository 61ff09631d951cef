"""Fitting a recogniser on the training part and choosing its hyper-parameters on validation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from offline.recognisers.inputs import Inputs, Needs, Seen, thinned
from offline.recognisers.registry import Estimator, kind_named
from offline.recognisers.settings import RecogniserSettings
from offline.recognisers.tempered import Labelled, fit_with
from offline.scores import LEAST_PROBABILITY, Scores
from offline.training import one_thread
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe


@dataclass(frozen=True)
class FittedRecogniser:
    """A recogniser that can be asked.

    Attributes
    ----------
    estimator : scikit-learn classifier
        Fitted to the training part.
    needs : {"maps", "covariances", "segments", "signal"}
        What it looks at.
    chosen : dict
        What did best on the validation part: the candidate, and of a network the epoch.
    validation : float
        Its balanced accuracy there.
    """

    estimator: Estimator
    needs: Needs
    chosen: dict[str, object]
    validation: float


def most_windows(name: str, settings: RecogniserSettings) -> int | None:
    """Return how many training windows a recogniser takes at most; None if all.

    :func:`fit_chosen` thins by itself. Who computes something large for each window can thin
    before, with :func:`~offline.recognisers.inputs.thinned`, to the same effect.
    """
    kind = kind_named(name)
    if kind.takes_all:
        return None
    return min(settings.max_train_windows, kind.most_windows or settings.max_train_windows)


def fit_chosen(
    name: str,
    train: Inputs,
    train_labels: NDArray[np.integer],
    validation: Inputs,
    validation_labels: NDArray[np.integer],
    recipe: Recipe,
    seed: int,
    settings: RecogniserSettings,
    checkpoint: Path | None = None,
) -> FittedRecogniser:
    """Fit each candidate to the training part and keep the one that does best on validation.

    Nothing is fitted again with the validation part added: what was chosen is what is tested.

    Parameters
    ----------
    name : str
        Key of ``RECOGNISERS``.
    train, validation : Inputs
        Windows to learn from, and to choose, calibrate and stop on.
    train_labels, validation_labels : arrays of int, shape (windows,)
        Their classes, as indices of ``recipe.classes``.
    recipe : Recipe
        Classes, channels and grid.
    seed : int
        Fixes all random numbers; the same seed gives the same recogniser on the same machine.
    settings : RecogniserSettings
        How.
    checkpoint : Path, optional
        File from which the training of a network goes on where it was interrupted; others take no
        notice.

    Raises
    ------
    ConfigError
        If there is no such recogniser, the training part has fewer than two classes, or no
        validation window is of a class that it has.
    """
    kind, most = kind_named(name), most_windows(name, settings)
    X, y = _part(train, train_labels, kind.needs, most)
    held_out, labels = _part(validation, validation_labels, kind.needs, most)
    _refuse_unfit(y, labels, recipe)
    with in_one_thread():
        transform = None
        if kind.features is not None:
            transform = kind.features(recipe, settings).fit(X, y)
            X, held_out = transform.transform(X), transform.transform(held_out)
        known = np.isin(labels, y)
        fitted = [
            fit_with(
                kind.build(recipe, seed, settings, **candidate),
                (X, y),
                validation=(held_out[known], labels[known]),
                checkpoint=checkpoint,
            )
            for candidate in kind.grid
        ]
        scores = [_balanced_accuracy(each, held_out, labels, recipe) for each in fitted]
    best = int(np.argmax(scores))
    estimator = fitted[best] if transform is None else make_pipeline(transform, fitted[best])
    chosen = {**kind.grid[best], **getattr(fitted[best], "chosen_", {})}
    return FittedRecogniser(estimator, kind.needs, chosen, scores[best])


def log_probabilities(
    fitted: FittedRecogniser, inputs: Inputs, n_classes: int
) -> NDArray[np.float64]:
    """Return the logarithm of each class's probability.

    A class that the training part lacked, or that is held for less likely, has the probability
    1e-12.

    Parameters
    ----------
    fitted : FittedRecogniser
        Whom to ask.
    inputs : Inputs
        Windows; each is judged by itself.
    n_classes : int
        Number of classes of the recipe.

    Returns
    -------
    array, shape (windows, n_classes)
        Natural logarithms, in the order of the recipe's classes.
    """
    with in_one_thread():
        return _log_probabilities(fitted.estimator, inputs.seen_by(fitted.needs), n_classes)


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Let BLAS, OpenMP and PyTorch compute in one thread: folds run beside each other."""
    with threadpool_limits(1), one_thread():
        yield


def _part(inputs: Inputs, labels: NDArray[np.integer], needs: Needs, most: int | None) -> Labelled:
    seen, rows = inputs.seen_by(needs), thinned(labels, most)
    return (seen, labels) if len(rows) == len(labels) else (seen[rows], labels[rows])


def _refuse_unfit(
    train: NDArray[np.integer], validation: NDArray[np.integer], recipe: Recipe
) -> None:
    present = [recipe.classes[k] for k in np.unique(train)]
    if len(present) < 2:
        raise ConfigError(
            f"the training part has windows of {' and '.join(present) or 'no class'} only; "
            "a recogniser needs two classes"
        )
    if not np.isin(validation, train).any():
        raise ConfigError(
            f"the validation part has no window of the training part's classes {', '.join(present)}"
        )


def _balanced_accuracy(
    estimator: Estimator,
    X: Seen,
    labels: NDArray[np.integer],
    recipe: Recipe,
) -> float:
    named = _log_probabilities(estimator, X, len(recipe.classes)).argmax(axis=1)
    return Scores.of(labels.astype(np.int64), named, recipe.classes).balanced_accuracy


def _log_probabilities(estimator: Estimator, X: Seen, n_classes: int) -> NDArray[np.float64]:
    least = np.log(LEAST_PROBABILITY)
    full = np.full((len(X), n_classes), least)
    with np.errstate(divide="ignore"):  # the logarithm of a zero is raised to the least just below
        if hasattr(estimator, "predict_log_proba"):
            said = estimator.predict_log_proba(X)
        else:
            said = np.log(estimator.predict_proba(X))
    full[:, estimator.classes_] = np.maximum(said, least)
    normalised: NDArray[np.float64] = full - logsumexp(full, axis=1, keepdims=True)
    return normalised
