from __future__ import annotations

import torch

from offline.generators.signal_gan.anatomy import measure, prepared, robust_scale
from offline.generators.signal_gan.calibration import calibrate
from offline.generators.signal_gan.networks import Synthesiser
from offline.generators.signal_gan.octaves import Octaves, Spectra
from tests.offline.generators.signal_gan.rhythms import SFREQ, rhythmic


def test_levels_that_training_has_shifted_come_back():
    real, octaves = rhythmic(), Octaves(SFREQ, 200)
    x = prepared(real.x, robust_scale(real.x), 10.0)
    anatomy = measure(x, real, octaves, 2, 3)
    torch.manual_seed(0)
    network = Synthesiser(
        octaves, 2, 4, len(anatomy.styles), len(anatomy.heads.turns), width=4, latents=2
    ).requires_grad_(False)
    network.start_from(anatomy)
    network.log_amplitude += 0.5
    network.log_amplitude[1, 8] -= 0.8
    calibrate(network, anatomy, octaves, rounds=6, seed=3)

    def draw(_level, positions, count):
        return torch.randn(200, count, positions[1] - positions[0])

    spectra = Spectra(octaves)
    for label in (0, 1):
        half = torch.randn(100, network.places)
        labels = torch.full((200,), label)
        made = network(labels, torch.cat([half, -half]), (0, 200), draw)
        found = spectra.log_power(spectra.transform(made)).mean(dim=0)
        assert (found - anatomy.level[label]).abs().mean() < 0.12
        assert (found - anatomy.level[label]).abs().max() < 0.5
