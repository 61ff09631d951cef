from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from offline.models.attention import Attention, AttentionSettings
from offline.models.cnn import Cnn, CnnSettings
from offline.models.ensemble import Ensemble
from offline.models.linear import Linear
from offline.models.registry import NETWORKS, NetworkSettings, build_network
from offline.proof.features import penultimate_features
from rtbci.errors import GeneratorError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import RawSignal, Recipe

RECIPE = Recipe(channels=SEED_CHANNELS[:12], segments=2, signal=RawSignal(sfreq=64, high=30))


def inputs(kind: str, n: int) -> np.ndarray:
    shape = (2, 5, 12) if NETWORKS[kind].sees == "maps" else (12, 64)
    return np.random.default_rng(0).standard_normal((n, *shape)).astype(np.float32)


@pytest.mark.parametrize("settings", get_args(get_args(NetworkSettings)[0]))
def test_a_linear_map_makes_the_logits_of_the_features(settings):
    torch.manual_seed(0)
    kind = settings().kind
    network, x = build_network(RECIPE, settings()).eval(), inputs(kind, 20)
    with torch.inference_mode():
        logits = network(torch.from_numpy(x)).numpy()
    found = penultimate_features(network, x)
    last = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
    assert found.shape == (20, last.in_features)
    scale = torch.linalg.vector_norm(last.weight, dim=1)
    if kind == "eegnet":  # bounds its weights when it uses them
        weights = last.weight * (scale.clamp(max=network.dense_norm) / scale)[:, None]
    else:
        weights = last.weight
    made = found @ weights.detach().numpy().T + last.bias.detach().numpy()
    assert made == pytest.approx(logits, abs=1e-4)


def test_the_network_is_asked_in_evaluation_mode_and_left_as_it_was():
    torch.manual_seed(0)
    network = Cnn(RECIPE, CnnSettings())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = inputs("cnn", 1500)
    found = penultimate_features(network, x)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    one_by_one = np.concatenate(
        [penultimate_features(network.eval(), x[k : k + 1]) for k in range(3)]
    )
    assert found[:3] == pytest.approx(one_by_one, abs=1e-5)
    assert not network.training
    assert len(found) == 1500


def test_members_of_an_ensemble_lie_side_by_side():
    torch.manual_seed(0)
    members = [Cnn(RECIPE, CnnSettings()), Attention(RECIPE, AttentionSettings())]
    x = inputs("cnn", 5)
    expected = np.concatenate([penultimate_features(each, x) for each in members], axis=1)
    assert penultimate_features(Ensemble(members), x) == pytest.approx(expected)


def test_of_what_is_linear_alone_the_maps_are_the_features():
    x = inputs("cnn", 5)
    linear = Linear(np.zeros((3, 60)), np.zeros(3))
    assert penultimate_features(linear, x) == pytest.approx(x[:, -1].reshape(5, -1))


def test_a_recogniser_without_features_is_refused():
    with pytest.raises(GeneratorError, match="no linear layer"):
        penultimate_features(torch.nn.Flatten(), inputs("cnn", 5))
    with pytest.raises(GeneratorError, match="no examples"):
        penultimate_features(Cnn(RECIPE, CnnSettings()), inputs("cnn", 0))
