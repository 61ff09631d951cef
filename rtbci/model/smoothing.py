"""Smoothing of predictions, looking back only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import RecipeError
from rtbci.recipe import Exponential, HiddenMarkov, Recipe
from rtbci.signal.compiled import compiled

# A class is held for at most this much less likely than its hop's likeliest. Without a limit, one
# hop that gives a class no chance at all would outweigh all hops after it.
_LEAST_LOG_ODDS = math.log(1e-12)


class Smoother:
    r"""Causal filter of a recogniser's log-probabilities, as the recipe's ``smoothing`` says.

    **None.** Each hop's probabilities stand by themselves.

    **Exponential.** The log-probabilities l of hop t are averaged with fading memory,

    .. math:: m_t = a\, m_{t-1} + (1 - a)\, l_t, \qquad a = \exp(-h / \tau),

    where h is the hop and tau the time constant; the memory starts at the first hop.

    **Hidden Markov model.** The classes are states, of which one gives way to any other alike. The
    forward pass (Rabiner 1989, equation 20, doi 10.1109/5.18626), scaled to sum 1 at each hop
    (his section V.A), gives the probability of each state after all hops so far:

    .. math::
        p_t(i) \propto \Bigl(\sum_j p_{t-1}(j)\, A_{ji}\Bigr)\, \exp(w\, l_t(i)),
        \qquad p_0(i) = 1 / K.

    It works on a recogniser whose outputs are posteriors under equal priors: these are
    proportional to likelihoods.

    *Dwell time.* States change in continuous time: each lasts an exponentially distributed time
    with a mean of exactly ``dwell_s`` = d, however often it is looked at. Seen at hops, K such
    states stay as they are with probability

    .. math:: A_{ii} = \frac1K + \frac{K-1}{K} \exp\Bigl(-\frac{K}{K-1} \frac hd\Bigr),

    which includes that a state was left and came back in between. For h far below d this is
    exp(-h / d); unlike it, it never says that a state is less likely than any other to be found
    again, and ten steps of 0.1 s are one step of 1 s. (A chain that leaves only at hops would
    last h / (1 - exp(-h / d)) on average, half a hop longer.)

    *Overlap.* Successive predictions look at mostly the same samples, which must not count as new
    evidence each time. A sample is looked at in s / h hops, where s is the length of signal that a
    prediction looks at: the window, and what its older segments add to it. So each hop's
    log-probabilities have the weight w = min(h / s, 1), and a sample counts once in all. That is
    exact where a window's log-probability is the sum of what its parts would say.

    Parameters
    ----------
    recipe : Recipe
        Kind of smoothing, classes, hop, window and segments.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._smoothing = recipe.smoothing
        self._classes = len(recipe.classes)
        self._weight = _share_of_new_signal(recipe)
        self._fading = _fading_per_hop(recipe)
        self.reset()

    def reset(self) -> None:
        """Forget all predictions."""
        self._memory = np.full(self._classes, 1 / self._classes)
        self._started = False

    def apply(self, log_probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Smooth the next hops in order of time.

        Parameters
        ----------
        log_probabilities : array, shape (hops, classes)
            Natural logarithms; minus infinity is allowed, and a constant that is added to all
            classes of a hop does not matter. Smoothing takes no class for less than 1e-12 times as
            likely as its hop's likeliest; what is not a number counts as that little.

        Returns
        -------
        array, shape (hops, classes)
            Probabilities, which sum to 1; the same, bit for bit, however many hops are given at a
            time.

        Raises
        ------
        RecipeError
            If there are not as many classes as in the recipe.
        """
        if log_probabilities.ndim != 2 or log_probabilities.shape[1] != self._classes:
            raise RecipeError(
                f"log-probabilities of shape {log_probabilities.shape} do not fit the recipe's "
                f"{self._classes} classes"
            )
        inputs = np.ascontiguousarray(log_probabilities, np.float64)
        probabilities = np.empty(inputs.shape)
        if self._smoothing is None:
            _softmax_each(inputs, probabilities)
        elif isinstance(self._smoothing, Exponential):
            _average(inputs, self._fading, self._started, self._memory, probabilities)
        else:
            _pass_forward(inputs, self._fading, self._weight, self._memory, probabilities)
        self._started = self._started or len(inputs) > 0
        return probabilities


def _share_of_new_signal(recipe: Recipe) -> float:
    """Return how much of the signal behind a prediction was not behind the one before it."""
    segment_s = recipe.segment_hops * recipe.hop_s
    seen_s = recipe.window_s + (recipe.segments - 1) * min(segment_s, recipe.window_s)
    return min(recipe.hop_s / seen_s, 1.0)


def _fading_per_hop(recipe: Recipe) -> float:
    """Return the share of what was known that fades within a hop.

    In the hidden Markov model this is (1 - A_ii) K / (K - 1): all that is known of a state fades
    towards equal probabilities, and the rows of A are (1 - fading) e_i + fading / K.
    """
    if isinstance(recipe.smoothing, Exponential):
        return -math.expm1(-recipe.hop_s / recipe.smoothing.time_constant_s)
    if isinstance(recipe.smoothing, HiddenMarkov):
        others = len(recipe.classes) - 1
        return -math.expm1(-recipe.hop_s / recipe.smoothing.dwell_s * (1 + 1 / others))
    return 1.0


@compiled
def _softmax(logs: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    top = logs.max()
    total = 0.0
    for c in range(logs.shape[0]):
        out[c] = math.exp(logs[c] - top)
        total += out[c]
    for c in range(logs.shape[0]):
        out[c] /= total


@compiled
def _softmax_each(inputs: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for k in range(inputs.shape[0]):
        _softmax(inputs[k], out[k])


@compiled
def _log_odds(logs: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Compare each class to the likeliest, with an end to how unlikely it can be."""
    top = -math.inf
    for c in range(logs.shape[0]):
        top = max(top, logs[c])
    for c in range(logs.shape[0]):
        difference = logs[c] - top
        # Not-a-number is above nothing: it ends here, since a memory would never get rid of it.
        out[c] = difference if difference > _LEAST_LOG_ODDS else _LEAST_LOG_ODDS


@compiled
def _average(
    inputs: NDArray[np.float64],
    fading: float,
    started: bool,
    memory: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Let ``memory`` follow the log odds of each hop and write out what it comes to."""
    odds = np.empty(inputs.shape[1])
    for k in range(inputs.shape[0]):
        _log_odds(inputs[k], odds)
        for c in range(odds.shape[0]):
            if started:
                memory[c] += fading * (odds[c] - memory[c])
            else:
                memory[c] = odds[c]
        started = True
        _softmax(memory, out[k])


@compiled
def _pass_forward(
    inputs: NDArray[np.float64],
    fading: float,
    weight: float,
    memory: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Let ``memory`` be the probability of each state after each hop and write it out."""
    classes = inputs.shape[1]
    odds = np.empty(classes)
    for k in range(inputs.shape[0]):
        _log_odds(inputs[k], odds)
        total = 0.0
        for c in range(classes):
            expected = memory[c] - fading * memory[c] + fading / classes
            memory[c] = expected * math.exp(weight * odds[c])
            total += memory[c]
        for c in range(classes):
            memory[c] /= total
            out[k, c] = memory[c]
