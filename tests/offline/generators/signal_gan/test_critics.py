from __future__ import annotations

import pytest
import torch

from offline.generators.signal_gan.critics import Critic


@pytest.mark.parametrize("strides", [(4, 2, 2, 2), (1, 1)])
def test_a_critic_sees_the_class_and_no_layer_of_it_stretches(strides):
    critic = Critic(5, 8, classes=3, strides=strides)
    x = torch.randn(6, 5, 200)
    for _ in range(50):  # spectral norms are found by iteration
        critic(x, torch.zeros(6, dtype=torch.int64))
    critic.eval()
    scores = torch.stack([critic(x, torch.full((6,), label)) for label in range(3)])
    assert scores.shape == (3, 6)
    assert (scores[0] - scores[1]).abs().max() > 1e-4
    for module in critic.modules():
        if hasattr(module, "parametrizations"):
            norm = torch.linalg.matrix_norm(module.weight.flatten(1), 2)
            assert norm.item() == pytest.approx(1, abs=0.02)
