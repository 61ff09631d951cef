from __future__ import annotations

import numpy as np
import pytest
import torch

from offline.generators.generator import Real
from offline.generators.signal_gan.anatomy import measure, prepared, robust_scale
from offline.generators.signal_gan.octaves import Octaves

OCTAVES = Octaves(100.0, 200)


def mixed(gains: np.ndarray) -> tuple[np.ndarray, Real]:
    """White noise of known coherence; trials of eight windows, each as loud as it is said to be."""
    rng = np.random.default_rng(0)
    root = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.5, 0.75**0.5]])
    trials = np.repeat(np.arange(len(gains)), 8)
    x = root @ rng.standard_normal((len(trials), 3, 200)) * gains[trials, :, None]
    return root @ root.T, Real(x.astype(np.float32), trials % 2, trials)


def test_coherence_is_found_however_loud_people_and_electrodes_are():
    gains = np.exp(np.random.default_rng(1).normal(0, 1, (20, 3)))
    wanted, real = mixed(gains)
    found = measure(torch.from_numpy(real.x), real, OCTAVES, 2, 3)
    high = found.coherence[:, -6:].numpy()  # the lowest bands have too few bins for so few windows
    assert np.abs(high - wanted).max() < 0.15
    assert torch.allclose(found.coherence.diagonal(dim1=-2, dim2=-1), torch.ones(1))


def test_level_is_the_mean_and_styles_are_the_ways_in_which_trials_differ():
    gains = np.ones((20, 3))
    gains[:, 1] = np.exp(np.random.default_rng(1).normal(0, 1, 20))
    _, real = mixed(gains)
    found = measure(torch.from_numpy(real.x), real, OCTAVES, 2, 2)
    ours = found.styles[0].abs()
    deviations = np.log(gains[:, 1] ** 2).reshape(10, 2)  # of each class from its own mean
    wanted = np.sqrt(np.mean(np.square(deviations - deviations.mean(axis=0))))
    assert ours[:, 1].mean().item() == pytest.approx(wanted, rel=0.1)
    assert ours[:, [0, 2]].mean() < 0.2 * wanted
    assert measure(torch.from_numpy(real.x), real, OCTAVES, 2, 0).styles.shape[0] == 0
    assert measure(torch.from_numpy(real.x), real, OCTAVES, 2, 99).styles.shape[0] == 19


def test_scale_and_clipping_ignore_offsets_and_artefacts():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2, 300)) * np.array([[1.0], [20.0]]) + 500
    x[::5, :, 10] = 1e6
    scale = robust_scale(x)
    assert np.allclose(scale, [1, 20], rtol=0.05)
    ready = prepared(x, scale, clip=8.0)
    assert ready.abs().max() == 8
    assert abs(ready.median().item()) < 0.05
    assert robust_scale(np.zeros((5, 2, 300))).min() > 0


def test_trials_too_short_to_tell_how_channels_go_together_are_taken_as_one_head():
    _, real = mixed(np.ones((20, 3)))
    assert len(measure(torch.from_numpy(real.x), real, OCTAVES, 2, 3).heads.turns) == 3
    wide = Real(np.repeat(real.x, 50, axis=1), real.labels, real.trials)
    found = measure(torch.from_numpy(wide.x), wide, OCTAVES, 2, 3)
    assert len(found.heads.turns) == 0
    assert len(found.styles) == 3
