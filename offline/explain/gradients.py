"""Attributions of a network's evidence to its inputs, by gradients (Captum)."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from offline.examples import Examples
from offline.extras import require
from offline.training import one_thread
from rtbci.model.views import Sees

_STEPS = 32  # of the integral; a network's evidence is then met to a few per cent
_BATCH = 32  # windows; each is that many times as many inputs as the integral has steps


def captum_version() -> str:
    """Return the version of the library that attributes.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    require("explain: true needs Captum", "explain", "captum")
    return version("captum")


def attributions(
    network: Callable[[Tensor], Tensor],
    sees: Sees,
    examples: Examples,
    labels: NDArray[np.integer],
    temperature: float = 1.0,
) -> NDArray[np.float64]:
    r"""Return how much each number of a window speaks for the window's true class.

    What is explained is the true class's evidence, its logit less the mean of the others',

    .. math:: m_k(x) = \Big(z_k(x) - \frac{1}{K - 1} \sum_{j \ne k} z_j(x)\Big) / T

    of two classes the log-odds.

    Of maps, these are integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365, equation
    1) from the map of zeros, which is the mean of standardised maps: they add up to
    :math:`m_k(x) - m_k(0)`. The integral is a Gauss-Legendre sum. Of the signal, the gradient times
    the signal (Shrikumar et al. 2016, arXiv 1605.01713): what the evidence would lose, to first
    order, if a sample were zero. Both are exactly weight times input where a network is linear.

    Parameters
    ----------
    network : callable
        What it sees to logits (batch, classes), in evaluation mode.
    sees : {"maps", "signal"}
        What that is.
    examples : Examples
        Windows.
    labels : array of int, shape (windows,)
        Which of the network's outputs is the true class's.
    temperature : float
        What the logits are to be divided by, :math:`T`.

    Returns
    -------
    array, shape (windows, ...)
        Nats, in the shape of what the network sees; positive speaks for the true class.

    Raises
    ------
    ConfigError
        If Captum is not installed.
    ValueError
        If the network sees covariances, which have no zero that means nothing.
    """
    if sees == "covariances":
        raise ValueError("covariances have no baseline to attribute from")
    captum_version()
    from captum.attr import InputXGradient, IntegratedGradients

    def evidence(seen: Tensor, label: Tensor) -> Tensor:
        logits = network(seen) / temperature
        own = logits.gather(1, label[:, None])[:, 0]
        return own - (logits.sum(dim=1) - own) / (logits.shape[1] - 1)

    def attributed(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        seen = torch.from_numpy(examples.batch(rows)).requires_grad_()
        label = torch.from_numpy(labels[rows].astype(np.int64))
        if sees == "signal":
            found = InputXGradient(evidence).attribute(seen, additional_forward_args=label)
        else:
            found = IntegratedGradients(evidence).attribute(
                seen, 0.0, additional_forward_args=label, n_steps=_STEPS
            )
        result: NDArray[np.float64] = found.detach().double().numpy()
        return result

    batches = np.array_split(np.arange(len(labels)), math.ceil(len(labels) / _BATCH) or 1)
    with one_thread():
        return np.concatenate([attributed(rows) for rows in batches])
