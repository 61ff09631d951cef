"""How well a recogniser withstands inputs that were changed to mislead it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from offline.extras import require
from offline.proof.sets import evenly
from offline.training import one_thread
from rtbci.configuration import Settings

AttackName = Literal["fgsm", "pgd", "deepfool", "autoattack"]
"""Fast gradient sign (Goodfellow et al. 2015, arXiv 1412.6572), projected gradient descent (Madry
et al. 2018, arXiv 1706.06083), DeepFool (Moosavi-Dezfooli et al. 2016, arXiv 1511.04599) and
AutoAttack (Croce and Hein 2020, arXiv 2003.01690)."""

CLEAN = "clean"

_BATCH = 64
_LEAST_SIDE = 5  # the square attack begins with a square of nearly that side


class Robustness(Settings):
    """Which attacks a network is put under.

    Attributes
    ----------
    attacks : tuple of str
        Their names.
    eps : float
        The most that any number of a map may be changed by, in standard deviations of the training
        windows. DeepFool has no such limit: it looks for the least change that misleads.
    windows : int
        The most test windows that are attacked, spread evenly.
    """

    attacks: tuple[AttackName, ...] = ("fgsm", "pgd", "deepfool", "autoattack")
    eps: Annotated[float, Field(gt=0)] = 0.1
    windows: Annotated[int, Field(ge=10)] = 300


@dataclass(frozen=True)
class Withstood:
    """How a network fared.

    Attributes
    ----------
    accuracy : mapping of str to float
        Share of right answers: ``clean``, and under each attack of those that stay right.
    least_change : float
        Median Euclidean length of the change that DeepFool needed to mislead the network, over
        windows that it had got right; NaN where DeepFool was not asked for.
    """

    accuracy: Mapping[str, float]
    least_change: float


def require_toolbox() -> None:
    """Refuse attacks where what carries them out is missing.

    Raises
    ------
    ConfigError
        If the Adversarial Robustness Toolbox is not installed, or what it needs for AutoAttack.
    """
    require("attacks need the Adversarial Robustness Toolbox", "generators", "art", "multiprocess")


def attack(
    network: nn.Module,
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    settings: Robustness,
    seed: int,
) -> Withstood:
    """Put a network under attacks that know it and its gradients.

    The Adversarial Robustness Toolbox carries them out.

    Parameters
    ----------
    network : torch.nn.Module
        Inputs to logits, in evaluation mode.
    inputs : array, shape (windows, ...)
        What it sees, standardised.
    labels : array of int, shape (windows,)
        The true classes, as indices of its outputs.
    settings : Robustness
        Which attacks.
    seed : int
        Fixes the attacks' random starts.

    Raises
    ------
    ConfigError
        If the Adversarial Robustness Toolbox is not installed.
    """
    require_toolbox()
    logging.getLogger("art").setLevel(logging.ERROR)  # it warns that there are no bounds
    kept = evenly(len(labels), settings.windows)
    shown, truth = _as_pictures(inputs[kept]), labels[kept]
    wrapped = _OfPictures(network, inputs.shape[1:])
    accuracy, least_change = {}, math.nan
    with one_thread(), torch.random.fork_rng(devices=[]), _numpy_seeded(seed):
        torch.manual_seed(seed)
        estimators = _estimators(wrapped, shown, settings.eps)
        right = _right(estimators.free, shown, truth)
        accuracy[CLEAN] = float(right.mean())
        for name in settings.attacks:
            misled = _generator(name, estimators, settings.eps).generate(x=shown, y=truth)
            # Who was wrong is not made right: DeepFool leads away from whatever is answered.
            accuracy[name] = float((right & _right(estimators.free, misled, truth)).mean())
            if name == "deepfool":
                lengths = np.linalg.norm((misled - shown).reshape(len(shown), -1), axis=1)
                least_change = float(np.median(lengths[right])) if right.any() else math.nan
    return Withstood(accuracy, least_change)


class _OfPictures(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """A network that is given what it sees as a square picture: attacks are written for those."""

    def __init__(self, network: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.network = network
        self.shape = shape

    def forward(self, pictures: Tensor) -> Tensor:
        flat = pictures.flatten(1)[:, : math.prod(self.shape)]
        return self.network(flat.unflatten(1, self.shape))


def _as_pictures(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = inputs.reshape(len(inputs), -1)
    side = max(math.isqrt(flat.shape[1] - 1) + 1, _LEAST_SIDE)
    padded = np.pad(flat, ((0, 0), (0, side * side - flat.shape[1])))
    return np.ascontiguousarray(padded.reshape(-1, 1, side, side), np.float32)


@dataclass(frozen=True)
class _Estimators:
    """The network as the toolbox knows it; DeepFool's steps go wrong where there are bounds."""

    bounded: Any
    free: Any


def _estimators(network: nn.Module, shown: NDArray[np.float32], eps: float) -> _Estimators:
    from art.estimators.classification import PyTorchClassifier

    classes = int(network(torch.from_numpy(shown[:1])).shape[1])
    make = partial(
        PyTorchClassifier,
        model=network,
        loss=nn.CrossEntropyLoss(),
        input_shape=shown.shape[1:],
        nb_classes=classes,
        device_type="cpu",
    )
    bounds = (float(shown.min()) - eps, float(shown.max()) + eps)
    return _Estimators(make(clip_values=bounds), make())


def _generator(name: AttackName, estimators: _Estimators, eps: float) -> Any:
    from art.attacks import evasion

    quiet = {"verbose": False}
    step = eps / 4
    if name == "fgsm":
        return evasion.FastGradientMethod(estimators.free, eps=eps)
    if name == "pgd":
        return evasion.ProjectedGradientDescent(
            estimators.free, eps=eps, eps_step=step, max_iter=40, num_random_init=1, **quiet
        )
    deepfool = evasion.DeepFool(estimators.free, max_iter=50, batch_size=_BATCH, **quiet)
    if name == "deepfool":
        return deepfool
    bounded = estimators.bounded
    # The ratio of logits' differences needs a third class.
    losses = ("cross_entropy", "difference_logits_ratio")[: 2 if bounded.nb_classes > 2 else 1]
    parts = [
        evasion.AutoProjectedGradientDescent(
            bounded, eps=eps, eps_step=2 * eps, loss_type=loss, batch_size=_BATCH, **quiet
        )
        for loss in losses
    ]
    square = evasion.SquareAttack(bounded, eps=eps, max_iter=500, nb_restarts=1, **quiet)
    return evasion.AutoAttack(
        bounded, eps=eps, eps_step=step, batch_size=_BATCH, attacks=[*parts, deepfool, square]
    )


def _right(
    estimator: Any, shown: NDArray[np.float32], truth: NDArray[np.int64]
) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = estimator.predict(shown).argmax(axis=1) == truth
    return found


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """Fix NumPy's global random numbers, which the toolbox draws, and put them back."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
