from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn
from torch.nn import functional

from offline.models.conformer import Conformer, ConformerSettings, EncoderLayer, SelfAttention
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.recipe import RawSignal, Recipe
from tests.offline.models.networks import size
from tests.offline.models.rhythms import (
    PITCH,
    PLACE,
    RECIPES,
    SMALL,
    accuracy_after_training,
    check_contract,
    make_recipe,
    noise,
    seen_points,
)

PAPER = ConformerSettings(filters=40, heads=10, layers=6, expansion=4)


@pytest.mark.parametrize("recipe", RECIPES)
def test_gives_each_windows_logits_for_every_recipe_scripted_and_not(recipe):
    check_contract(Conformer(recipe, ConformerSettings()), recipe)


@pytest.mark.parametrize("rhythm", [PLACE, PITCH], ids=["place", "pitch"])
def test_learns_where_a_rhythm_is_and_how_fast(rhythm):
    network = Conformer(SMALL, ConformerSettings())
    assert accuracy_after_training(network, rhythm) > 0.95


def test_has_the_papers_tokens_for_the_papers_windows():
    network = Conformer(make_recipe(22, 250.0, 4.0, 4), PAPER)
    assert network.temporal.kernel_size == (25,)
    assert (network.pool[2].kernel_size, network.pool[2].stride) == ((75,), (15,))
    assert network.head[1].in_features == 61 * 40


def test_is_a_small_part_of_the_papers_size():
    recipe = make_recipe(62, 128.0, 1.0, 3)
    small = size(Conformer(recipe, ConformerSettings()))
    assert small < size(Conformer(recipe, PAPER)) / 8


@pytest.mark.parametrize("sfreq", [64.0, 100.0, 128.0, 200.0, 256.0])
def test_tokens_last_equally_long_at_every_rate(sfreq):
    network = Conformer(make_recipe(4, sfreq, 2.0, 2), ConformerSettings())
    assert network.temporal.kernel_size[0] == round(0.1 * sfreq)
    assert network.pool[2].kernel_size[0] == round(0.3 * sfreq)
    assert network.pool[2].stride[0] == round(0.06 * sfreq)


def test_one_convolution_computes_what_the_papers_two_compute():
    recipe = make_recipe(9, 128.0, 1.0, 3)
    network = Conformer(recipe, ConformerSettings()).eval().to(torch.float64)
    met = {}
    network.pool.register_forward_hook(lambda _, given, __: met.update(sources=given[0]))
    signal = noise(recipe, 4).to(torch.float64)
    network(signal)
    filtered = functional.conv2d(signal[:, None], network.temporal.weight[:, :, None])
    expected = functional.conv2d(filtered, network.spatial.weight)[:, :, 0]
    assert torch.allclose(met["sources"], expected[:, :, -met["sources"].shape[2] :])


def attention_by_hand(tokens, attention, heads):
    """Vaswani et al. (2017), equation 1 and section 3.2.2, one head after the other."""
    width = tokens.shape[1]
    share = width // heads
    weights = attention.project.weight.detach().numpy().reshape(3, heads, share, width)
    biases = attention.project.bias.detach().numpy().reshape(3, heads, share)
    results = []
    for head in range(heads):
        q, k, v = (tokens @ weights[part, head].T + biases[part, head] for part in range(3))
        results.append(softmax(q @ k.T / math.sqrt(share), axis=1) @ v)
    mixed = np.concatenate(results, axis=1) @ attention.mix.weight.detach().numpy().T
    return mixed + attention.mix.bias.detach().numpy()


@pytest.mark.parametrize(("width", "heads", "count"), [(16, 4, 10), (12, 1, 3), (40, 10, 61)])
def test_attention_follows_its_equation(width, heads, count):
    attention = SelfAttention(width, heads, dropout=0.5).eval().to(torch.float64)
    tokens = 3 * torch.randn(2, count, width, dtype=torch.float64)
    with torch.inference_mode():
        attended = attention(tokens).numpy()
    for window, result in zip(tokens.numpy(), attended, strict=True):
        assert np.allclose(result, attention_by_hand(window, attention, heads))


@pytest.mark.parametrize(("width", "heads", "expansion"), [(16, 4, 2), (12, 1, 1), (40, 10, 4)])
def test_an_encoder_layer_is_a_transformers(width, heads, expansion):
    ours = EncoderLayer(width, heads, expansion, dropout=0.0).to(torch.float64)
    theirs = nn.TransformerEncoderLayer(
        width,
        heads,
        expansion * width,
        dropout=0.0,
        activation="gelu",
        batch_first=True,
        norm_first=True,
        dtype=torch.float64,
    )
    pairs = [
        (theirs.norm1, ours.relate[0]),
        (theirs.self_attn.out_proj, ours.relate[1].mix),
        (theirs.norm2, ours.transform[0]),
        (theirs.linear1, ours.transform[1]),
        (theirs.linear2, ours.transform[4]),
    ]
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for to, of in pairs:
            to.load_state_dict(of.state_dict())
        theirs.self_attn.in_proj_weight.copy_(ours.relate[1].project.weight)
        theirs.self_attn.in_proj_bias.copy_(ours.relate[1].project.bias)
    tokens = torch.randn(3, 7, width, dtype=torch.float64)
    assert torch.allclose(ours(tokens), theirs(tokens))


def test_attention_lets_every_token_see_every_other():
    attention = SelfAttention(8, 2, dropout=0.0)
    tokens = torch.randn(1, 5, 8, requires_grad=True)
    for k in range(5):
        (gradient,) = torch.autograd.grad(attention(tokens)[0, k].sum(), tokens)
        assert (gradient.abs().amax(dim=2) > 0).all()


def test_leaves_out_in_training_only():
    recipe = make_recipe(4, 64.0, 1.0, 2)
    quiet = Conformer(recipe, ConformerSettings(dropout=0.0, encoder_dropout=0.0))
    tokens = torch.randn(4, 6, 16)
    assert torch.equal(quiet.encoder(tokens), quiet.encoder(tokens))
    for settings in (ConformerSettings(dropout=0.0), ConformerSettings(encoder_dropout=0.0)):
        network, signal = Conformer(recipe, settings), noise(recipe, 8)
        assert not torch.equal(network(signal), network(signal))
        network.eval()
        assert torch.equal(network(signal), network(signal))


def test_a_rest_that_no_token_takes_is_the_oldest():
    recipe = make_recipe(4, 100.0, 1.0, 2)  # 39 points for the first token, 6 for each other
    seen = seen_points(Conformer(recipe, ConformerSettings()), recipe)
    assert seen == 1 * [False] + 99 * [True]


def test_a_recipe_without_signal_is_refused():
    with pytest.raises(ConfigError, match=r"keeps none: set recipe.signal") as caught:
        Conformer(Recipe(), ConformerSettings())
    assert "\n" not in str(caught.value)


def test_a_window_that_is_too_short_is_refused():
    signal = RawSignal(sfreq=128.0)
    with pytest.raises(ConfigError, match=r"window_s is 0.25 s, too short.*0.1 \+ 0.3 s") as caught:
        Conformer(Recipe(window_s=0.25, signal=signal), ConformerSettings())
    assert "\n" not in str(caught.value)
    least = Conformer(Recipe(window_s=0.4, signal=signal), ConformerSettings())
    assert least.head[1].in_features == 16


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"heads": 3}, "3 heads cannot share 16 filters evenly"),
        ({"layers": 0}, "layers = 0"),
        ({"stride_s": 0.0}, "stride_s = 0.0"),
        ({"encoder_dropout": 1.0}, "encoder_dropout = 1.0"),
        ({"positions": True}, "unknown key 'positions'"),
    ],
)
def test_a_size_out_of_bounds_is_refused(content, said):
    with pytest.raises(ConfigError, match=f"model.yaml: {said}"):
        validate(ConformerSettings, content, source="model.yaml")
