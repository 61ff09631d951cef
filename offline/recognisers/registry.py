"""The recognisers by name: what each looks at, how it is built, what may be chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from offline.models.registry import NETWORKS
from offline.recognisers.balanced import (
    BalancedMlp,
    BalancedNaiveBayes,
    BalancedNeighbours,
)
from offline.recognisers.inputs import Needs
from offline.recognisers.network import NetworkClassifier
from offline.recognisers.regions import RegionMeans
from offline.recognisers.settings import RecogniserSettings
from offline.recognisers.tangent_space import TangentFeatures
from offline.recognisers.tempered import Tempered
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe

Estimator = Any
"""A scikit-learn classifier with ``predict_proba``; scikit-learn carries no types."""

Candidate = dict[str, float]
"""Hyper-parameters by name."""


@dataclass(frozen=True)
class Kind:
    """One kind of recogniser.

    Attributes
    ----------
    title : str
        For people.
    needs : {"maps", "covariances", "segments", "signal"}
        What it looks at.
    build : callable
        ``build(recipe, seed, settings, **candidate)`` makes an unfitted estimator.
    grid : tuple of dict
        Candidates, the most regularised first: of equals the first is taken.
    features : callable or None
        ``features(recipe, settings)`` makes a transformer without anything to choose, fitted once
        for all candidates and put before the estimator.
    most_windows : int or None
        A limit below the settings' for what would take too long or too much memory.
    takes_all : bool
        Whether the limits do not concern it.
    """

    title: str
    needs: Needs
    build: Callable[..., Estimator]
    grid: tuple[Candidate, ...] = ({},)
    features: Callable[[Recipe, RecogniserSettings], Estimator] | None = None
    most_windows: int | None = None
    takes_all: bool = False


def _trivial(recipe: Recipe, seed: int, settings: RecogniserSettings) -> Estimator:
    return DummyClassifier(strategy="prior")


def _logistic_regression(
    recipe: Recipe, seed: int, settings: RecogniserSettings, *, C: float
) -> Estimator:
    return LogisticRegression(C=C, class_weight="balanced", tol=1e-5, max_iter=1000)


def _linear_svm(recipe: Recipe, seed: int, settings: RecogniserSettings, *, C: float) -> Estimator:
    # The primal is solved without random numbers, and sooner where windows outnumber features.
    return Tempered(LinearSVC(C=C, class_weight="balanced", dual=False))


def _rbf_svm(recipe: Recipe, seed: int, settings: RecogniserSettings, *, C: float) -> Estimator:
    return Tempered(SVC(C=C, class_weight="balanced", cache_size=1000))


def _naive_bayes(
    recipe: Recipe, seed: int, settings: RecogniserSettings, *, var_smoothing: float
) -> Estimator:
    # Features are far from independent, so that its own probabilities are nearly 0 or 1.
    return Tempered(BalancedNaiveBayes(var_smoothing=var_smoothing))


def _k_nn(
    recipe: Recipe, seed: int, settings: RecogniserSettings, *, n_neighbors: int
) -> Estimator:
    return BalancedNeighbours(n_neighbors)


def _mlp(
    recipe: Recipe, seed: int, settings: RecogniserSettings, *, alpha: float, max_iter: int
) -> Estimator:
    return BalancedMlp((64,), alpha=alpha, max_iter=max_iter, random_state=seed)


def _region_means(recipe: Recipe, settings: RecogniserSettings) -> Estimator:
    return make_pipeline(RegionMeans(recipe), StandardScaler(copy=False))


def _tangent_features(recipe: Recipe, settings: RecogniserSettings) -> Estimator:
    return make_pipeline(TangentFeatures(), StandardScaler(copy=False))


def _network(kind: str, title: str) -> Kind:
    """Describe a network: its settings are those of its kind."""

    def build(recipe: Recipe, seed: int, settings: RecogniserSettings) -> Estimator:
        network = getattr(settings, kind)
        return Tempered(NetworkClassifier(recipe, network, settings.training, seed))

    needs: Needs = "signal" if NETWORKS[kind].sees == "signal" else "segments"
    return Kind(title, needs, build, takes_all=needs == "segments")


_C: tuple[Candidate, ...] = tuple({"C": C} for C in (1e-4, 1e-3, 1e-2, 1e-1, 1.0))

RECOGNISERS: dict[str, Kind] = {
    "trivial": Kind("the training part's shares", "maps", _trivial),
    "logistic-regression": Kind("logistic regression", "maps", _logistic_regression, _C),
    "regional": Kind(
        "logistic regression on means over regions",
        "maps",
        _logistic_regression,
        _C,
        features=_region_means,
    ),
    "linear-svm": Kind("linear support vector machine", "maps", _linear_svm, _C),
    "rbf-svm": Kind(
        "support vector machine, radial kernel",
        "maps",
        _rbf_svm,
        tuple({"C": C} for C in (0.1, 1.0, 10.0)),
        most_windows=5000,
    ),
    "naive-bayes": Kind(
        "Gaussian naive Bayes",
        "maps",
        _naive_bayes,
        tuple({"var_smoothing": share} for share in (1.0, 1e-1, 1e-2, 1e-9)),
    ),
    "k-nn": Kind(
        "k nearest neighbours",
        "maps",
        _k_nn,
        tuple({"n_neighbors": k} for k in (201, 51, 15)),
    ),
    "mlp": Kind(
        "multilayer perceptron",
        "maps",
        _mlp,
        tuple({"alpha": a, "max_iter": n} for a in (10.0, 1.0, 0.01) for n in (5, 30)),
    ),
    "tangent-space": Kind(
        "Riemannian tangent space, logistic regression",
        "covariances",
        _logistic_regression,
        tuple({"C": C} for C in (1e-5, 1e-4, 1e-3, 1e-2)),
        features=_tangent_features,
        most_windows=5000,
    ),
    **{kind: _network(kind, network.title) for kind, network in NETWORKS.items()},
}


def kind_named(name: str) -> Kind:
    """Return a recogniser's kind.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in RECOGNISERS:
        raise ConfigError(f"no recogniser {name!r}; there are {', '.join(RECOGNISERS)}")
    return RECOGNISERS[name]
