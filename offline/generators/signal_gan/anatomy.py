"""What is measured of real windows before anything is trained: levels, coherences, styles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from offline.generators.generator import Floats, Real
from offline.generators.signal_gan.heads import (
    Heads,
    components,
    moved,
    normalised,
    principal_heads,
)
from offline.generators.signal_gan.octaves import Octaves, Spectra

_CHUNK = 256  # windows that are transformed at once
_LENGTH = 12  # samples a trial and channel; less does not tell a trial's coherence
_LEAST_SCALE = 1e-3  # microvolts: a dead electrode stays nearly silent


@dataclass(frozen=True)
class Anatomy:
    r"""Class-wise second-order structure of a training part, channels on their own scales.

    Attributes
    ----------
    level : Tensor, shape (classes, bands, channels)
        Mean logarithm of a window's power. Geometric means hardly feel single artefacts.
    spread : Tensor, shape (classes, bands, channels)
        Standard deviation of that logarithm.
    coherence : Tensor, shape (classes, bands, channels, channels)
        Real part of the channels' coherency: what volume conduction does. Each window counts
        relative to how loud its trial's channels :math:`d` and its own moment :math:`s` are,
        :math:`R_b = \mathrm{mean}_i\, C_{bi} / (s_{bi} d_{bi} d_{bi}^\top)`, so that neither
        loud people nor loud moments decide. It is brought to where the heads' centre is.
    styles : Tensor, shape (styles, bands, channels)
        Principal components of trials' log powers about their class's, at one standard deviation.
    heads : Heads
        The same of their coherences, over all bands.
    """

    level: Tensor
    spread: Tensor
    coherence: Tensor
    styles: Tensor
    heads: Heads

    def to(self, place: torch.device) -> Anatomy:
        """Return the same on a device."""
        return Anatomy(
            self.level.to(place),
            self.spread.to(place),
            self.coherence.to(place),
            self.styles.to(place),
            self.heads.to(place),
        )


def robust_scale(x: Floats) -> Floats:
    """Return each channel's deviation by its median absolute one, shape (channels,), microvolts.

    It is found on windows from which their own medians are taken: offsets do not count.
    """
    every = x[:: max(len(x) // 2000, 1)]
    deviations = np.abs(every - np.median(every, axis=-1, keepdims=True))
    scale = 1.4826 * np.median(deviations, axis=(0, 2))
    return np.asarray(np.maximum(scale, _LEAST_SCALE), np.float32)


def prepared(x: Floats, scale: Floats, clip: float) -> Tensor:
    """Return windows without offsets, on each channel's scale, artefacts cut off; float32."""
    centred = (x - np.median(x, axis=-1, keepdims=True)) / scale[:, None]
    return torch.from_numpy(centred.clip(-clip, clip).astype(np.float32))


def measure(x: Tensor, real: Real, octaves: Octaves, classes: int, styles: int) -> Anatomy:
    """Measure prepared windows (windows, channels, points)."""
    spectra = Spectra(octaves)
    power = torch.cat([spectra.log_power(spectra.transform(x[rows])) for rows in _chunks(len(x))])
    labels = torch.from_numpy(real.labels)
    of_class = [power[labels == label] for label in range(classes)]
    level = torch.stack([part.mean(dim=0) for part in of_class])
    spread = torch.stack([part.std(dim=0, correction=0) for part in of_class])
    trials, which = np.unique(np.stack([real.trials, real.labels]), axis=1, return_inverse=True)
    belongs = torch.from_numpy(which.ravel())
    means = torch.stack([power[belongs == k].mean(dim=0) for k in range(trials.shape[1])])
    usual = level[torch.from_numpy(trials[1])]
    deviations = means - usual
    # A trial's own power in one band and channel, of a few windows, is too noisy to divide by.
    expected = usual + deviations.mean(dim=1, keepdim=True)
    by_class, by_trial = _coherence(x, labels, belongs, power, expected, spectra)
    # Of a trial with less signal than this the least directions are a matter of chance.
    enough = len(x) * octaves.points >= _LENGTH * x.shape[1] * len(by_trial)
    heads = principal_heads(by_trial, styles if enough else 0)
    coherence = moved(by_class, by_trial, heads) if enough else by_class
    return Anatomy(level, spread, coherence, components(deviations, styles), heads)


def _coherence(
    x: Tensor, labels: Tensor, belongs: Tensor, power: Tensor, usual: Tensor, spectra: Spectra
) -> tuple[Tensor, Tensor]:
    """Return coherence of each class in each band, and of each trial over all of them."""
    bands, channels = power.shape[1:]
    of_class = torch.zeros(int(labels.max()) + 1, bands, channels, channels)
    of_trial = torch.zeros(len(usual), channels, channels)
    for rows in _chunks(len(x)):
        transformed = spectra.transform(x[rows])
        for band in range(bands):
            expected = usual[belongs[rows], band]
            loudness = (power[rows, band] - expected).exp().mean(dim=1)
            deviation = (expected / 2).exp() * loudness.sqrt()[:, None]
            cross = spectra.cross(transformed, band)
            cross = cross / (deviation[:, :, None] * deviation[:, None, :])
            of_class[:, band].index_add_(0, labels[rows], cross)
            # A wide band tells more.
            of_trial.index_add_(0, belongs[rows], cross * spectra.weights[band].sum())
    return normalised(of_class), normalised(of_trial)


def _chunks(count: int) -> Iterator[slice]:
    return (slice(first, first + _CHUNK) for first in range(0, count, _CHUNK))
