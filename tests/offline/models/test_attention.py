from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.models.attention import (
    Attention,
    AttentionSettings,
    SpatialAttention,
    SpectralAttention,
    TemporalAttention,
)
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.recipe import SEED_BANDS, Recipe
from tests.offline.models.networks import (
    accuracy,
    check_contract,
    learn,
    random_maps,
    recipes,
    settled,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RECIPE = Recipe(
    channels=("F3", "FZ", "F4", "C3", "CZ", "C4", "P3", "PZ", "P4"),
    bands=SEED_BANDS[:2],
    features=("de", "psd"),
    segments=6,
    classes=("negative", "positive"),
)
KINDS = ("spectral", "spatial", "temporal")
ALL_OFF = dict.fromkeys(KINDS, False)
NONE = AttentionSettings(**ALL_OFF)


def parameters(module):
    return [parameter.detach().double().numpy() for parameter in module.parameters()]


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


@given(recipe=recipes(), on=st.tuples(*[st.booleans()] * 3))
@settings(max_examples=8, deadline=None)
def test_gives_logits_for_any_recipe_and_the_same_when_scripted(recipe, on):
    chosen = AttentionSettings(**dict(zip(KINDS, on, strict=True)))
    check_contract(Attention(recipe, chosen), recipe)


def test_the_weights_of_planes_are_those_of_the_equation():
    attention = SpectralAttention(4)
    maps = random_maps(RECIPE, 3)
    first, first_bias, second, second_bias = parameters(attention)
    values = maps.double().numpy()
    hidden = np.maximum(values.mean(-1) @ first.T + first_bias, 0)
    gains = 2 * sigmoid(hidden @ second.T + second_bias)
    weighed = attention(maps).detach().numpy()
    np.testing.assert_allclose(weighed, gains[..., None] * values, atol=1e-5)


def test_the_weights_of_electrodes_are_those_of_the_equation():
    attention = SpatialAttention(4, 9)
    with torch.no_grad():
        attention.bias.normal_()
    maps = random_maps(RECIPE, 3)
    by_name = {
        name: value.detach().double().numpy() for name, value in attention.named_parameters()
    }
    values = maps.double().numpy()
    scores = np.einsum("p,btpc->btc", by_name["mix.weight"][0], values) + by_name["bias"]
    weighed = attention(maps).detach().numpy()
    np.testing.assert_allclose(weighed, 2 * sigmoid(scores)[:, :, None] * values, atol=1e-5)


@given(segments=st.integers(1, 8), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_weights_of_segments_are_those_of_the_equation_and_sum_to_one(segments, seed):
    attention = TemporalAttention(5)
    states = 3 * torch.randn(4, segments, 5, generator=torch.Generator().manual_seed(seed))
    inner, bias, outer = parameters(attention)
    values = states.double().numpy()
    raised = np.exp(np.tanh(values @ inner.T + bias) @ outer[0])
    expected = raised / raised.sum(1, keepdims=True)
    weights = attention.weights(states).detach().numpy()
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    summed = np.einsum("bt,bts->bs", expected, values)
    np.testing.assert_allclose(attention(states).detach().numpy(), summed, atol=1e-5)


def test_no_state_depends_on_a_later_segment():
    maps = random_maps(RECIPE, 4)
    network = settled(Attention(RECIPE, AttentionSettings()), maps)
    with torch.inference_mode():
        before = network.states(maps)
        for segment in range(RECIPE.segments):
            changed = maps.clone()
            changed[:, segment] += 1
            after = network.states(changed)
            assert torch.equal(after[:, :segment], before[:, :segment])
            assert (after[:, segment:] != before[:, segment:]).flatten(2).any(2).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_attention_that_is_off_has_nothing_to_learn(kind):
    names = {
        on: {
            name
            for name, _ in Attention(RECIPE, NONE.model_copy(update={kind: on})).named_parameters()
        }
        for on in (False, True)
    }
    part = {"temporal": "over_time"}.get(kind, kind)
    assert names[True] - names[False]
    assert {name.split(".")[0] for name in names[True] - names[False]} == {part}


def test_without_attention_planes_and_electrodes_pass_and_the_last_state_counts():
    maps = random_maps(RECIPE, 4)
    network = settled(Attention(RECIPE, NONE), maps)
    with torch.inference_mode():
        pictures = network.on_grid(maps).flatten(0, 1)
        vectors = network.vector(network.blocks(pictures)).unflatten(0, (4, RECIPE.segments))
        last = network.recurrent(vectors)[1][0][0]  # what the layer itself says is its last state
        assert torch.allclose(network(maps), network.head(last), atol=1e-6)


def small(**off):
    """Return a network that is quick to train."""
    return Attention(
        RECIPE, AttentionSettings(widths=(6, 8), hidden=24, state=16, dropout=0, **off)
    )


def rising_or_falling(examples, seed):
    """Return ramps at FZ, up or down: the same values in another order, at any level."""
    maps = 0.3 * random_maps(RECIPE, examples, seed)
    labels = torch.randint(0, 2, (examples,), generator=torch.Generator().manual_seed(seed))
    ramp = torch.linspace(-1, 1, RECIPE.segments)
    maps[:, :, 0, 1] += torch.where(labels[:, None] == 1, ramp, -ramp)
    return maps, labels


def in_the_marked_segment(examples, seed):
    """Return maps with C3 up or down at random; that of the segment with a mark at PZ counts."""
    generator = torch.Generator().manual_seed(seed)
    maps = 0.2 * random_maps(RECIPE, examples, seed)
    sides = torch.randint(0, 2, (examples, RECIPE.segments), generator=generator)
    marked = torch.randint(0, RECIPE.segments, (examples,), generator=generator)
    rows = torch.arange(examples)
    maps[:, :, 0, 3] += 2.0 * sides - 1
    maps[rows, marked, 1, 7] += 2
    return maps, sides[rows, marked]


@pytest.mark.parametrize("off", [{}, ALL_OFF], ids=["attention", "none"])
def test_learns_a_change_over_time(off):
    torch.manual_seed(0)
    network = learn(small(**off), *rising_or_falling(384, 1), epochs=10)
    maps, labels = rising_or_falling(300, 2)
    assert accuracy(network, maps, labels) > 0.95
    assert accuracy(network, maps.flip(1), labels) < 0.05


def test_learns_to_look_at_the_segment_that_matters():
    torch.manual_seed(0)
    network = learn(small(), *in_the_marked_segment(512, 1), epochs=15)
    assert accuracy(network, *in_the_marked_segment(300, 2)) > 0.9


def test_what_is_off_in_a_file_is_off():
    read = validate(AttentionSettings, {"kind": "attention", "spatial": False}, source="net.yaml")
    assert [getattr(read, kind) for kind in KINDS] == [True, False, True]
    with pytest.raises(ConfigError, match=r"state = 0: .*greater than or equal to 1"):
        validate(AttentionSettings, {"state": 0}, source="net.yaml")
    with pytest.raises(ConfigError, match="unknown key 'attention'"):
        validate(AttentionSettings, {"attention": False}, source="net.yaml")
