from __future__ import annotations

import torch

from offline.generators.signal_gan.octaves import Octaves
from offline.generators.signal_gan.views import Views


def test_what_critics_see_is_on_one_scale_and_tells_when_a_rhythm_swells():
    torch.manual_seed(0)
    real = torch.randn(100, 3, 400).cumsum(dim=-1) * torch.tensor([[0.1], [1.0], [10.0]])
    views = Views(Octaves(200.0, 400), real)
    spectrum = views.spectrum(real)
    assert views.inputs == (6, spectrum.shape[1])
    assert torch.allclose(spectrum.std(dim=(0, 2)), torch.ones(spectrum.shape[1]), atol=0.05)
    slopes = views.signal(real)[:, 3:]
    assert torch.allclose(slopes.std(dim=(0, 2)), torch.ones(3), atol=0.05)

    burst = real[:1].clone()
    burst[:, 1, 300:] += 30 * torch.sin(2 * torch.pi * 40 * torch.arange(100) / 200)
    change = views.spectrum(burst) - views.spectrum(real[:1])
    by_channel = change.unflatten(1, (-1, 3))[0].abs()
    assert by_channel[:, 1, -1].max() > 1
    assert by_channel[:, [0, 2]].max() == 0
    assert by_channel[:, 1, 0].max() == 0
