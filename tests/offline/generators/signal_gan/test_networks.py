from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.generators.signal_gan.networks import Synthesiser, needs
from offline.generators.signal_gan.octaves import Octaves
from offline.generators.signal_gan.stream import Noise

OCTAVES = Octaves(100.0, 200)


def synthesiser(seed: int = 0) -> Synthesiser:
    torch.manual_seed(seed)
    network = Synthesiser(OCTAVES, classes=2, channels=3, styles=2, heads=1, width=4, latents=2)
    for buffer in (network.log_amplitude, network.roots, network.styles, network.turns):
        buffer.normal_()
    return network.eval().requires_grad_(False)


NETWORK = synthesiser()
LABELS, STYLES = torch.tensor([0, 1]), torch.tensor([[0.3, -1.0, 1.0], [1.0, 0.2, -0.5]])


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 400), st.integers(1, 300), st.integers(0, 100), st.integers(0, 100))
def test_any_part_of_a_pass_is_what_a_pass_over_that_part_gives(first, length, before, after):
    first += NETWORK.first + before
    part = NETWORK(LABELS, STYLES, (first, first + length), Noise(1))
    whole = NETWORK(LABELS, STYLES, (first - before, first + length + after), Noise(1))
    assert part.shape == (2, 3, length)
    assert torch.allclose(part, whole[..., before : before + length], atol=1e-4 * whole.std())


def test_no_noise_is_asked_for_before_the_first_position():
    low = min(
        min(need.noise[0], need.inner[0])
        for need in needs(OCTAVES.levels, (NETWORK.first, NETWORK.first + NETWORK.piece))
    )
    assert low >= 0


def test_class_and_style_change_the_signal():
    span = NETWORK.first, NETWORK.first + 200
    usual = NETWORK(LABELS, STYLES, span, Noise(1))
    other_class = NETWORK(1 - LABELS, STYLES, span, Noise(1))
    other_style = NETWORK(LABELS, STYLES * torch.tensor([-1, 1, 1]), span, Noise(1))
    other_head = NETWORK(LABELS, STYLES * torch.tensor([1, 1, -1]), span, Noise(1))
    assert (usual - other_class).abs().mean() > 0.1 * usual.abs().mean()
    assert (usual - other_head).abs().mean() > 0.1 * usual.abs().mean()
    assert (usual - other_style).abs().mean() > 0.1 * usual.abs().mean()


def test_every_weight_learns():
    network = synthesiser().requires_grad_(True)

    def draw(_level, positions, count):
        return torch.randn(2, count, positions[1] - positions[0])

    network(LABELS, STYLES, (0, 200), draw).square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
