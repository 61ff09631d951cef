from __future__ import annotations

import pytest
import torch
from torch import nn

from offline.models.eegnet import EEGNet, EEGNetSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import RawSignal, Recipe
from tests.offline.models.networks import settled, size
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


@pytest.mark.parametrize("recipe", RECIPES)
def test_gives_each_windows_logits_for_every_recipe_scripted_and_not(recipe):
    check_contract(EEGNet(recipe, EEGNetSettings()), recipe)


@pytest.mark.parametrize("rhythm", [PLACE, PITCH], ids=["place", "pitch"])
def test_learns_where_a_rhythm_is_and_how_fast(rhythm):
    network = EEGNet(SMALL, EEGNetSettings())
    assert accuracy_after_training(network, rhythm) > 0.95


def in_the_papers_order(network: EEGNet, settings: EEGNetSettings) -> nn.Sequential:
    """The layers of the paper's table 2 on windows (batch, 1, channels, points)."""
    f1, depth, f2 = settings.temporal_filters, settings.depth, settings.pointwise_filters
    channels = network.spatial.in_features
    layers = nn.Sequential(
        nn.Conv2d(1, f1, (1, 64), padding="same", bias=False),
        nn.BatchNorm2d(f1),
        nn.Conv2d(f1, f1 * depth, (channels, 1), groups=f1, bias=False),
        nn.BatchNorm2d(f1 * depth),
        nn.ELU(),
        nn.AvgPool2d((1, 4)),
        nn.Conv2d(f1 * depth, f1 * depth, (1, 16), padding="same", groups=f1 * depth, bias=False),
        nn.Conv2d(f1 * depth, f2, 1, bias=False),
        nn.BatchNorm2d(f2),
        nn.ELU(),
        nn.AvgPool2d((1, 8)),
        nn.Flatten(),
        nn.Linear(network.dense.in_features, network.dense.out_features),
    ).to(torch.float64)
    bounded = {2: settings.spatial_norm, 12: settings.dense_norm}
    ours = {
        0: network.temporal[1],
        2: network.spatial,
        6: network.separable[0][1],
        7: network.separable[1],
        12: network.dense,
    }
    with torch.no_grad():
        for k, layer in ours.items():
            weight = layer.weight.clone()
            if k in bounded:
                lengths = weight.norm(dim=1, keepdim=True)
                weight *= (bounded[k] / lengths).clamp(max=1)
            layers[k].weight.copy_(weight.reshape(layers[k].weight.shape))
        layers[12].bias.copy_(network.dense.bias)
        layers[1].weight.uniform_(0.5, 2.0)
        layers[1].bias.normal_()
        for ours_norm, k in ((network.average[0], 3), (network.separable[2][0], 8)):
            layers[k].load_state_dict(ours_norm.state_dict())
    return layers


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("stretch", [0.5, 10.0])
def test_computes_what_the_papers_layers_compute(stretch):
    recipe = make_recipe(9, 128.0, 1.0, 3)
    settings = EEGNetSettings(temporal_filters=3, depth=2, pointwise_filters=5, dropout=0.0)
    network = EEGNet(recipe, settings).to(torch.float64)
    settled(network, noise(recipe, 16, seed=1).double() + 0.5).train()
    with torch.no_grad():
        network.spatial.weight.mul_(stretch)  # below and above the bounds
        network.dense.weight.mul_(stretch)
    paper = in_the_papers_order(network, settings)
    for layer in [*network.modules(), *paper.modules()]:
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 1e-12  # the one thing by which two normalisations differ from one
    signal = noise(recipe, 40).to(torch.float64)
    expected = paper(signal[:, None])
    assert torch.allclose(network(signal), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("f1", "channels", "window_s", "classes", "kernel_s", "published"),
    [
        (8, 64, 1.0, 2, 0.5, 2258),  # P300
        (8, 64, 1.5, 2, 0.5, 2322),  # movement-related cortical potentials
        (8, 22, 2.0, 4, 0.25, 1716),  # sensorimotor rhythms
        (4, 64, 1.0, 2, 0.5, 1066),
        (4, 22, 2.0, 4, 0.25, 796),
    ],
)
def test_has_the_papers_parameters_but_for_one_normalisation(
    f1, channels, window_s, classes, kernel_s, published
):
    f2, steps = 2 * f1, round(window_s * 4)
    by_layer = (
        round(128 * kernel_s) * f1 + 2 * f1,
        channels * 2 * f1 + 2 * 2 * f1,
        16 * 2 * f1 + f2 * 2 * f1 + 2 * f2,
        classes * (f2 * steps + 1),
    )
    assert sum(by_layer) == published
    settings = EEGNetSettings(temporal_filters=f1, pointwise_filters=f2, kernel_s=kernel_s)
    electrodes = min(channels, len(SEED_CHANNELS))  # the P300's two more add a weight each
    network = EEGNet(make_recipe(electrodes, 128.0, window_s, classes), settings)
    lacking = 2 * f1 + (channels - electrodes) * 2 * f1
    assert size(network) == published - lacking


@pytest.mark.parametrize("sfreq", [64.0, 100.0, 128.0, 200.0, 256.0])
def test_filters_last_equally_long_at_every_rate(sfreq):
    network = EEGNet(make_recipe(4, sfreq, 1.0, 2), EEGNetSettings())
    assert network.temporal[1].kernel_size[1] == round(sfreq / 2)
    pool = network.average[2].kernel_size[1]
    assert pool / sfreq == pytest.approx(1 / 32, abs=0.5 / sfreq)
    assert network.separable[0][1].kernel_size[1] == round(sfreq / pool / 2)
    assert network.dense.in_features == 4 * 16


def test_no_spatial_filter_and_no_class_is_weighed_by_more_than_its_bound():
    recipe = make_recipe(6, 64.0, 1.0, 3)
    settings = EEGNetSettings()
    network = EEGNet(recipe, settings).eval()
    with torch.no_grad():
        network.spatial.weight.mul_(torch.linspace(0.1, 30, 16)[:, None])
        network.dense.weight.mul_(torch.tensor([[0.1], [1.0], [50.0]]))
    met: dict[str, torch.Tensor] = {}
    network.temporal.register_forward_hook(lambda _, given, __: met.update(sources=given[0]))
    network.separable.register_forward_hook(lambda _, __, made: met.update(features=made))

    impulses = torch.zeros(1, 6, 64)
    impulses[0, :, :6] = torch.eye(6)
    with torch.inference_mode():
        network(impulses)
        spatial = met["sources"].flatten(1, 2)[0, :, :6]
        network(noise(recipe, 200))
        features = met["features"].flatten(1)
        logits = network(noise(recipe, 200)) - network.dense.bias
    dense = torch.linalg.lstsq(features.double(), logits.double()).solution.T

    for computed, stored, bound in (
        (spatial, network.spatial.weight, settings.spatial_norm),
        (dense, network.dense.weight, settings.dense_norm),
    ):
        lengths = stored.norm(dim=1)
        assert (lengths > bound).any()
        assert (lengths < bound).any()
        expected = stored * (bound / lengths).clamp(max=1)[:, None]
        assert torch.allclose(computed.float(), expected, atol=1e-4)


def test_weights_beyond_their_bound_still_learn():
    network = EEGNet(SMALL, EEGNetSettings(spatial_norm=1e-2, dense_norm=1e-2))
    network(noise(SMALL, 8)).square().sum().backward()
    assert network.dense.weight.grad.abs().max() > 0
    assert network.spatial.weight.grad.abs().max() > 0


def test_a_rest_that_no_pool_takes_is_the_oldest():
    recipe = make_recipe(4, 100.0, 1.0, 2)  # pools of 3 and 8 points: 24 go four times into 100
    assert seen_points(EEGNet(recipe, EEGNetSettings()), recipe) == 4 * [False] + 96 * [True]


def test_a_recipe_without_signal_is_refused():
    with pytest.raises(ConfigError, match=r"keeps none: set recipe.signal") as caught:
        EEGNet(Recipe(), EEGNetSettings())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "needed"),
    [({}, "0.5"), ({"kernel_s": 0.1}, "0.25"), ({"kernel_s": 0.1, "pools_s": (0.1, 1)}, "1.01562")],
)
def test_a_window_that_is_too_short_is_refused_and_the_least_one_is_named(settings, needed):
    settings = EEGNetSettings(**settings)
    signal = RawSignal(sfreq=128.0)
    with pytest.raises(
        ConfigError, match=rf"window_s is 0.2 s, too short.* set it to {needed} s"
    ) as caught:
        EEGNet(Recipe(window_s=0.2, signal=signal), settings)
    assert "\n" not in str(caught.value)
    enough = float(needed) + 1e-5
    assert EEGNet(Recipe(window_s=enough, signal=signal), settings).points <= 128 * enough


@pytest.mark.parametrize(
    ("key", "value"),
    [("depth", 0), ("kernel_s", 0.0), ("dropout", 1.0), ("dense_norm", -1.0), ("kind", "cnn")],
)
def test_a_size_out_of_bounds_is_refused(key, value):
    with pytest.raises(ConfigError, match=f"model.yaml: {key} = "):
        validate(EEGNetSettings, {key: value}, source="model.yaml")
