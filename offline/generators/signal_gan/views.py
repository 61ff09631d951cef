"""What the two critics are shown of a window."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from offline.generators.signal_gan.octaves import PER_OCTAVE, Octaves

_FRAME_S, _HOP_S = 0.5, 0.125
_FLOOR = 1e-8
_LEAST = 1e-3


class Views(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """The signal with its slope, and the power of each octave over time; both standardised.

    The slope is there because a critic that is shown the signal alone looks at slow waves, which
    are most of it.

    Parameters
    ----------
    octaves : Octaves
        Rate and bands.
    real : Tensor, shape (windows, channels, points)
        What mean and deviation are taken of.

    Attributes
    ----------
    inputs : (int, int)
        Rows of either view.
    """

    def __init__(self, octaves: Octaves, real: Tensor) -> None:
        super().__init__()
        frame = round(_FRAME_S * octaves.sfreq)
        self._frame, self._hop = frame, max(round(_HOP_S * octaves.sfreq), 1)
        gains = octaves.gains(np.fft.rfftfreq(frame, 1 / octaves.sfreq)) ** 2
        by_octave = gains.reshape(-1, PER_OCTAVE, gains.shape[1]).sum(axis=1)
        by_octave = by_octave[by_octave.sum(axis=1) > 0.5]  # a frame does not resolve the lowest
        self.register_buffer("weights", torch.from_numpy(by_octave).float())
        self.register_buffer("taper", torch.hann_window(frame))
        self.register_buffer("slope", torch.ones(real.shape[1], 1))
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))
        self.slope = real.diff(dim=-1).std(dim=(0, 2))[:, None].clamp(min=_LEAST)
        seen = self.spectrum(real)
        self.mean = seen.mean(dim=(0, 2))[:, None]
        self.std = seen.std(dim=(0, 2))[:, None].clamp(min=_LEAST)
        self.inputs = 2 * real.shape[1], seen.shape[1]

    def signal(self, x: Tensor) -> Tensor:
        """Return windows (batch, channels, points) with their slopes, (batch, 2 channels, ...)."""
        return torch.cat([x[..., 1:], x.diff(dim=-1) / self.slope], dim=1)

    def spectrum(self, x: Tensor) -> Tensor:
        """Return log powers of frames, (batch, octaves * channels, frames)."""
        frames = x.unfold(-1, self._frame, self._hop)
        centred = frames - frames.mean(dim=-1, keepdim=True)
        bins = torch.fft.rfft(centred * self.taper) / self._frame
        power = (bins.real.square() + bins.imag.square()) @ self.weights.T
        return (torch.log(power + _FLOOR).permute(0, 3, 1, 2).flatten(1, 2) - self.mean) / self.std
