"""A recogniser's own features: what its last layer sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from offline.generators.generator import Floats
from offline.models.ensemble import Ensemble
from offline.training import one_thread
from rtbci.errors import GeneratorError

_AT_ONCE = 1024


def penultimate_features(network: nn.Module, inputs: Floats) -> NDArray[np.float32]:
    """Return what a network's last linear layer is given.

    The network is asked in evaluation mode, and left in the mode that it was in.

    Parameters
    ----------
    network : torch.nn.Module
        Its logits come out of a linear layer, as those of all in :mod:`offline.models` do; not
        scripted. Of an ensemble, the members' features lie side by side.
    inputs : array, shape (examples, segments, planes, channels) or (examples, channels, points)
        What the network sees, standardised.

    Returns
    -------
    array, shape (examples, features)

    Raises
    ------
    GeneratorError
        If the network has no linear layer, or there are no inputs.
    """
    if not len(inputs):
        raise GeneratorError("there are no examples whose features could be compared")
    if isinstance(network, Ensemble):
        members = [penultimate_features(member, inputs) for member in network.members]
        return np.concatenate(members, axis=1)
    device = next(iter(network.parameters()), torch.empty(0)).device
    training, last, parts = network.training, _LastLinear(), []
    try:
        network.eval()
        with torch.inference_mode(), one_thread(), last:
            for start in range(0, len(inputs), _AT_ONCE):
                batch = torch.from_numpy(inputs[start : start + _AT_ONCE].astype(np.float32))
                network(batch.to(device))
                if last.given is None:
                    raise GeneratorError(
                        "the recogniser has no linear layer whose features could be compared"
                    )
                parts.append(last.given.flatten(1).float().cpu().numpy())
    finally:
        network.train(training)
    return np.concatenate(parts)


class _LastLinear(TorchFunctionMode):  # type: ignore[misc]  # mypy does not read torch, for speed
    """Remembers what was given to the linear map computed last, be it a module's or not.

    A hook would need a module that is called, and EEGNet bounds the norm of its last weights before
    it applies them itself.
    """

    given: Tensor | None = None

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function is nn.functional.linear:
            self.given = args[0]
        return function(*args, **(kwargs or {}))
