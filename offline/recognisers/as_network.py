"""Fitted recognisers as the networks that live runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyriemann.geometry.base import invsqrtm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from torch import nn

from offline.models.linear import Linear, TangentSpaceNetwork
from offline.recognisers.choosing import FittedRecogniser
from offline.recognisers.network import NetworkClassifier
from offline.recognisers.registry import Estimator
from offline.recognisers.tempered import Tempered
from rtbci.errors import ConfigError
from rtbci.model.views import Sees


@dataclass(frozen=True)
class AsNetwork:
    """A recogniser in the form in which a model file holds it.

    Attributes
    ----------
    network : torch.nn.Module
        What it sees to logits (batch, classes).
    sees : {"maps", "signal", "covariances"}
        What that is.
    temperature : float
        What the logits are to be divided by.
    """

    network: nn.Module
    sees: Sees
    temperature: float


LIVE = ("logistic-regression", "regional", "linear-svm", "tangent-space")
"""Recognisers beside the networks that have a form for live."""


def as_network(fitted: FittedRecogniser) -> AsNetwork:
    """Return the network that says what a recogniser says.

    Raises
    ------
    ConfigError
        If its kind has no such form.
    """
    if fitted.needs == "covariances":
        return _tangent_space(fitted.estimator)
    inner, temperature = fitted.estimator, 1.0
    if isinstance(inner, Pipeline):
        return _regional(inner)
    if isinstance(inner, Tempered):
        inner, temperature = inner.estimator_, 1 / inner.inverse_temperature_
    if isinstance(inner, NetworkClassifier):
        sees: Sees = "signal" if fitted.needs == "signal" else "maps"
        return AsNetwork(inner.fitted_.network, sees, temperature)
    if not hasattr(inner, "coef_"):
        raise ConfigError(f"{type(inner).__name__} cannot run live; those that can: {LIVE}")
    return AsNetwork(Linear(*_scores(inner)), "maps", temperature)


def _regional(estimator: Pipeline) -> AsNetwork:
    means, weights, biases = _unscaled(estimator)
    return AsNetwork(Linear(weights @ means.weights_, biases), "maps", 1.0)


def _tangent_space(estimator: Pipeline) -> AsNetwork:
    features, weights, biases = _unscaled(estimator)
    whitening = np.stack([invsqrtm(space.reference_) for space in features.spaces_])
    network = TangentSpaceNetwork(whitening, weights, biases)
    return AsNetwork(network, "covariances", 1.0)


def _unscaled(
    estimator: Pipeline,
) -> tuple[Estimator, NDArray[np.float64], NDArray[np.float64]]:
    """Return what makes features, and scores linear in these: the scaling goes into the weights."""
    (features, scaler), linear = estimator[0], estimator[-1]
    weights, biases = _scores(linear)
    weights = weights / scaler.scale_
    return features, weights, biases - weights @ scaler.mean_


def _scores(linear: Estimator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and biases of each class's score."""
    weights, biases = np.asarray(linear.coef_), np.asarray(linear.intercept_)
    if len(weights) > 1:
        return weights, biases
    # Of two classes there is one score: the log-odds, or what takes their place.
    first = 0.0 if isinstance(linear, LogisticRegression) else -1.0
    return np.concatenate([first * weights, weights]), np.concatenate([first * biases, biases])
