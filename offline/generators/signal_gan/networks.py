"""The generator: noises at many rates become EEG, by convolutions that nothing is padded for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from offline.generators.signal_gan.anatomy import Anatomy
from offline.generators.signal_gan.heads import roots
from offline.generators.signal_gan.octaves import HALF, UP, Octaves, doubling_filter

_SLOPE = 0.2  # of leaky rectifiers
_RIDGE = 1e-4
_GAIN = 2.0  # nats; the most by which a band's amplitude swells or shrinks
_SMALL = 0.2  # of the first weights by which features act on the signal
_FIRST_KERNEL, _KERNEL = 5, 3
_BETWEEN = 2  # features, which are smoothed anyway, are doubled by linear interpolation
_PIECE = 32  # positions of the lowest rate in a piece of a stream

Range = tuple[int, int]
"""First position and the one after the last, at a level's rate, counted from the stream's own 0."""

Draw = Callable[[int, Range, int], Tensor]
"""Standard normal noise (batch, count, positions) of a level, a range and a count.

A position's noise is always the same: that is what makes pieces of a stream fit together.
"""


@dataclass(frozen=True)
class Need:
    """What a level has to compute for a piece of the signal.

    Attributes
    ----------
    signal, hidden, inner : (int, int)
        Ranges of the level's signal, its features, and of what these are computed from.
    """

    signal: Range
    hidden: Range
    inner: Range

    @property
    def noise(self) -> Range:
        """Range of white noise from which the bands' noise is filtered."""
        return self.signal[0] - HALF, self.signal[1] + HALF


def needs(levels: int, signal: Range) -> tuple[Need, ...]:
    """Return what each level has to compute for a range of samples, the highest rate first."""
    found: list[Need] = []
    hidden = (signal[0] - 1, signal[1] + 1)
    for level in range(levels):
        lowest = level == levels - 1
        reach = (_FIRST_KERNEL if lowest else _KERNEL) // 2
        inner = (hidden[0] - reach, hidden[1] + reach)
        found.append(Need(signal, hidden, inner))
        signal = _below(signal, UP)
        # A level's features serve its own signal and the features of the next higher rate.
        below = _below(inner, _BETWEEN)
        hidden = (min(below[0], signal[0] - 1), max(below[1], signal[1] + 1))
    return tuple(found)


def _below(above: Range, taps: int) -> Range:
    """Return the range at half the rate that a range is made from, by so many values each."""
    return -((taps - above[0]) // 2), (above[1] - 1 + taps) // 2 + 1


class Synthesiser(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""Signals of a class and a style from noise.

    Level :math:`k`, from the lowest rate to the highest, computes features :math:`h_k`, gains and
    an additive part of them, and adds its bands to the signal that comes from below:

    .. math::

        h_k &= \phi(W_k * (\mathrm{up}(h_{k+1}) + B_k n_k + E_k e)) \\
        g_b &= \exp(\gamma \tanh(G_b h_k / \gamma)) \\
        x_k &= \mathrm{up}(x_{k+1}) + \sum_{b \in k} A_b(e)\,
               (g_b \odot (f_b * \nu_b) + T_k R_k (h_k(t + 1) - h_k(t - 1))) \\
        A_b(e) &= \mathrm{diag}(\exp(a_{by} + \tfrac12 \textstyle\sum_j z_j s_{jb}))\, C_{by}^{1/2}

    with :math:`\phi` a leaky rectifier, :math:`n` and :math:`\nu` independent white noises,
    :math:`e = (y, z)` class and style, :math:`f_b` the band's filter, :math:`C_{by}` the class's
    measured coherence of channels and :math:`s` the measured styles
    (:class:`~offline.generators.signal_gan.anatomy.Anatomy`).  Noise that enters at every rate is
    StyleGAN's (Karras et al. 2019, arXiv 1812.04948, section 2), signals that are summed over rates
    StyleGAN2's (Karras et al. 2020, arXiv 1912.04958, figure 7), filtered noise under learned
    gains DDSP's (Engel et al. 2020, arXiv 2001.04643, section 3.5).

    A last product turns all channels into those of a head, :math:`x = E(z) x_0`
    (:class:`~offline.generators.signal_gan.heads.Heads`).

    Without training :math:`g` is all but 1, and the signal is Gaussian with each class's spectrum
    and coherence. What training adds is what a Gaussian lacks: bursts, heavy tails, rhythms that
    rise and fall together. The mean over time is 0, as :math:`\nu` is independent of :math:`g`.

    Parameters
    ----------
    octaves : Octaves
        Rates and bands.
    classes, channels, styles, heads : int
        Numbers of each; see :class:`~offline.generators.signal_gan.anatomy.Anatomy`.
    width, latents : int
        Features, and noises, at each rate.
    """

    def __init__(
        self,
        octaves: Octaves,
        classes: int,
        channels: int,
        styles: int,
        heads: int,
        width: int,
        latents: int,
    ) -> None:
        super().__init__()
        bands = len(octaves.centres)
        self._levels = octaves.levels
        self._bands = [octaves.bands_of(level) for level in range(octaves.levels)]
        self._latents, self.channels = latents, channels
        self.register_buffer("log_amplitude", torch.zeros(classes, bands, channels))
        self.register_buffer("roots", torch.zeros(classes, bands, channels, channels))
        self.register_buffer("styles", torch.zeros(styles, bands, channels))
        self.register_buffer("turns", torch.zeros(heads, channels, channels))
        self.register_buffer("centre", torch.eye(channels).repeat(2, 1, 1))
        self.register_buffer("doubling", doubling_filter(), persistent=False)
        self.register_buffer("linear", torch.full((_BETWEEN,), 1 / _BETWEEN), persistent=False)
        self.layers = nn.ModuleList(
            _Level(octaves, level, channels, classes + styles + heads, width, latents)
            for level in range(octaves.levels)
        )

    def start_from(self, anatomy: Anatomy) -> None:
        """Begin with the Gaussian signal of what was measured."""
        variances = torch.cat([layer.variances for layer in reversed(self.layers)])
        with torch.no_grad():
            self.log_amplitude.copy_(anatomy.level / 2 - variances.log()[:, None] / 2)
            self.roots.copy_(roots(anatomy.coherence, _RIDGE))
            self.styles.copy_(anatomy.styles)
            self.turns.copy_(anatomy.heads.turns)
            self.centre.copy_(torch.stack([anatomy.heads.root, anatomy.heads.inverse]))

    @property
    def places(self) -> int:
        """How many numbers place a trial: styles and heads."""
        return len(self.styles) + len(self.turns)

    @property
    def piece(self) -> int:
        """Samples that a stream is best made in at a time: a whole number at every rate."""
        return _PIECE << (self._levels - 1)

    @property
    def first(self) -> int:
        """The first sample for which no rate needs noise of a negative position."""
        return self.piece * math.ceil((2 * HALF + UP) / _PIECE)

    def forward(self, labels: Tensor, styles: Tensor, signal: Range, draw: Draw) -> Tensor:
        """Return signals (batch, channels, samples) on the channels' own scales.

        Parameters
        ----------
        labels : Tensor of int64, shape (batch,)
            Classes.
        styles : Tensor, shape (batch, places)
            Standard normal numbers, of styles and then of heads.
        signal : (int, int)
            Which samples.
        draw : callable
            The noise, for the whole batch or for one that all share.
        """
        n_classes = len(self.log_amplitude)
        given = torch.cat([functional.one_hot(labels, n_classes).to(styles.dtype), styles], dim=1)
        own = styles[:, : len(self.styles)]
        shift = torch.einsum("ns,sbc->nbc", own, self.styles) / 2
        amplitude = (self.log_amplitude[labels] + shift).exp()
        hidden: Tensor | None = None
        made: Tensor | None = None
        at: Need | None = None
        for level in reversed(range(self._levels)):
            need = needs(self._levels, signal)[level]
            layer, bands = self.layers[level], self._bands[level]
            below = None
            if hidden is not None and at is not None:
                below = _doubled(hidden, at.hidden, need.inner, self.linear)
            latent = draw(2 * level, need.inner, self._latents)
            hidden = layer.features(below, latent, given)
            noise = draw(2 * level + 1, need.noise, layer.count * self.channels)
            mixing = amplitude[:, bands, :, None] * self.roots[labels, bands]
            offset = need.signal[0] - need.hidden[0] - 1
            length = need.signal[1] - need.signal[0]
            here = layer.signal(hidden[..., offset : offset + length + 2], noise, mixing)
            if made is not None and at is not None:
                here = here + _doubled(made, at.signal, need.signal, self.doubling)
            made, at = here, need
        assert made is not None
        turned = torch.einsum("nh,hcd->ncd", styles[:, len(self.styles) :], self.turns) / 2
        head = self.centre[0] @ torch.linalg.matrix_exp(turned) @ self.centre[1]
        return head @ made


class _Level(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """One rate of the generator."""

    def __init__(
        self, octaves: Octaves, level: int, channels: int, given: int, width: int, latents: int
    ) -> None:
        super().__init__()
        lowest = level == octaves.levels - 1
        filters = octaves.filters(level)
        self.count = len(filters)
        self.register_buffer("filters", filters[:, None], persistent=False)
        self.register_buffer("variances", filters.square().sum(dim=1), persistent=False)
        self.noise = nn.Conv1d(latents, width, 1)
        self.given = nn.Linear(given, width)
        self.mix = nn.Conv1d(width, width, _FIRST_KERNEL if lowest else _KERNEL)
        self.gains = nn.Conv1d(width, self.count * channels, 1)
        self.events = nn.Conv1d(width, max(width // 4, 1), 1, bias=False)
        self.places = nn.Conv1d(max(width // 4, 1), channels, 1, bias=False)
        with torch.no_grad():
            self.gains.bias.zero_()
            self.gains.weight.mul_(_SMALL)
            self.places.weight.mul_(_SMALL**2)

    def features(self, below: Tensor | None, latent: Tensor, given: Tensor) -> Tensor:
        """Return features (batch, width, positions)."""
        entering = self.noise(latent) + self.given(given)[..., None]
        if below is not None:
            entering = entering + below
        features: Tensor = functional.leaky_relu(self.mix(entering), _SLOPE)
        return features

    def signal(self, hidden: Tensor, noise: Tensor, mixing: Tensor) -> Tensor:
        """Return the level's part of the signal (batch, channels, positions)."""
        batch, channels = len(mixing), mixing.shape[2]
        narrow = self._filtered(noise.unflatten(1, (self.count, channels)))
        gains = (_GAIN * torch.tanh(self.gains(hidden[..., 1:-1]) / _GAIN)).exp()
        events = self.events(hidden)
        # Before channels are mixed: what is added goes together as everything else does.
        steps = self.places(events[..., 2:] - events[..., :-2])
        sources = gains.unflatten(1, (self.count, channels)) * narrow + steps[:, None]
        together = mixing.transpose(1, 2).reshape(batch, channels, self.count * channels)
        part: Tensor = together @ sources.flatten(1, 2)
        return part

    def _filtered(self, noise: Tensor) -> Tensor:
        """Return noise (batch, bands, channels, positions) in its bands, less what nothing fills.

        The transform's length is the noise's: what wraps around is what is cut off.
        """
        points = noise.shape[-1]
        spectra = torch.fft.rfft(noise) * torch.fft.rfft(self.filters, points)
        return torch.fft.irfft(spectra, points)[..., 2 * HALF :]


def _doubled(values: Tensor, had: Range, wanted: Range, taps: Tensor) -> Tensor:
    """Return values (batch, features, positions) at twice their rate, in the wanted range."""
    before = len(taps) // 2 - 1  # of the values that one in between is made of
    count = values.shape[-1] - len(taps) + 1
    # A product with a banded matrix is several times as fast as a convolution of single channels.
    banded = values.new_zeros(values.shape[-1], count)
    for place, tap in enumerate(taps):
        banded.diagonal(-place).fill_(tap)
    between = values @ banded
    there = values[..., before : before + count]
    full = torch.stack([there, between], dim=-1).flatten(-2)
    first = wanted[0] - 2 * (had[0] + before)
    return full[..., first : first + wanted[1] - wanted[0]]
