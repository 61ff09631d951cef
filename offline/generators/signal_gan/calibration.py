"""Bringing a generator's level in each class, band and channel to the measured one."""

from __future__ import annotations

import torch
from torch import Tensor

from offline.generators.signal_gan.anatomy import Anatomy
from offline.generators.signal_gan.networks import Range, Synthesiser
from offline.generators.signal_gan.octaves import Octaves, Spectra

_PAIRS = 16
_FARTHEST = 1.0
"""Nats of amplitude: a band hidden by its neighbours' skirts has no level to be found."""


def calibrate(
    network: Synthesiser, anatomy: Anatomy, octaves: Octaves, rounds: int, seed: int
) -> None:
    r"""Correct amplitudes until made windows measure what real ones did.

    In round :math:`k` windows are made of each class, and

    .. math:: a_{yb} \leftarrow a_{yb} + \frac{1}{2k} (\ell_{yb} - \hat\ell_{yb})

    with :math:`\ell` the mean logarithm of power, measured by the same spectra on either side:
    the stochastic approximation of Robbins and Monro (1951, equation 7), whose result is as exact
    as if all rounds' windows had been measured at once. Each drawn style comes with its opposite,
    so that styles leave the means alone.
    """
    spectra = Spectra(octaves)
    before = network.log_amplitude.detach().clone()
    generator = torch.Generator().manual_seed(seed)

    def draw(_level: int, positions: Range, count: int) -> Tensor:
        shape = 2 * _PAIRS, count, positions[1] - positions[0]
        return torch.randn(shape, generator=generator)

    for number in range(1, rounds + 1):
        for label in range(len(anatomy.level)):
            style = torch.randn(_PAIRS, network.places, generator=generator)
            labels = torch.full((2 * _PAIRS,), label)
            with torch.no_grad():
                made = network(labels, torch.cat([style, -style]), (0, octaves.points), draw)
            found = spectra.log_power(spectra.transform(made)).mean(dim=0)
            network.log_amplitude[label] += (anatomy.level[label] - found) / (2 * number)
        network.log_amplitude.clamp_(before - _FARTHEST, before + _FARTHEST)
