"""How large a signal-GAN is, and how it learns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from offline.device import DeviceName
from offline.models.layers import Width
from rtbci.configuration import Settings

Weight = Annotated[float, Field(ge=0, le=1000)]


class SignalGANSettings(Settings):
    """Size, training and losses.

    Attributes
    ----------
    epochs : int
        Passes over the windows; with 0 there is no adversarial training, and all that is left is
        each class's Gaussian signal of the measured cross-spectra.
    batch_size : int
        Windows a step, the same number of each class.
    width : int
        Features of the generator's network at each of its rates.
    critic_width : int
        Features of the two critics' first layers.
    latents : int
        White noises that the network is given at each rate.
    styles : int
        The most directions in which trials of a class differ from each other, of their bands' power
        and again of how channels go together: each stream, and each window that is sampled, is
        drawn its own place in them. 0 makes all alike.
    learning_rate : float
        Of Adam, for the generator; the critics' is twice as high (Heusel et al. 2017, arXiv
        1706.08500).
    time, spectrum : float
        Weights of the adversarial losses by the critic that sees the signal and by the one that
        sees its bands' power over time.
    power : float
        Weight of :func:`~offline.generators.signal_gan.losses.power_loss`.
    averaging : float
        Decay a step of the moving average of weights that is kept.
    clip : float
        Robust standard deviations of a channel at which artefacts are cut off before learning.
    device : {"auto", "cpu", "cuda"}
        What is computed on; ``auto`` is a graphics card where there is one.
    """

    kind: Literal["signal-gan"] = "signal-gan"
    epochs: Annotated[int, Field(ge=0)] = 20
    batch_size: Annotated[int, Field(ge=4)] = 36
    width: Width = 24
    critic_width: Width = 48
    latents: Width = 8
    styles: Annotated[int, Field(ge=0, le=256)] = 8
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    time: Weight = 1.0
    spectrum: Weight = 1.0
    power: Weight = 1.0
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.98
    clip: Annotated[float, Field(gt=1)] = 10.0
    device: DeviceName = "auto"
