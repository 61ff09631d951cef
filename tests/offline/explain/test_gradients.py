from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from offline.examples import MapExamples, SignalExamples
from offline.explain.gradients import attributions
from offline.models.linear import Linear
from offline.models.registry import NETWORKS, build_network
from offline.recognisers import RecogniserSettings
from rtbci.recipe import SEED_BANDS, Recipe

RECIPE = Recipe(
    classes=("a", "b", "c"),
    channels=("F3", "FZ", "F4", "C3", "CZ", "C4"),
    bands=SEED_BANDS[:3],
    segments=2,
    signal={},
)


def maps(windows: int, segments: int, planes: int, channels: int, seed: int = 0) -> MapExamples:
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(windows * segments, planes, channels)).astype(np.float32)
    return MapExamples(made, np.arange(windows * segments).reshape(windows, segments))


def signal(windows: int, channels: int, points: int, seed: int = 0) -> SignalExamples:
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(windows * points, channels)).astype(np.float32)
    scale = rng.uniform(0.5, 2, (windows, channels)).astype(np.float32)
    return SignalExamples(made, points * np.arange(windows), scale, points)


def network(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return build_network(RECIPE, getattr(RecogniserSettings(), kind)).eval()


def evidence(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return each row's true logit less the mean of the others, one by one."""
    return np.array(
        [row[k] - np.delete(row, k).mean() for row, k in zip(logits, labels, strict=True)]
    )


@settings(deadline=None, max_examples=30)  # Captum is imported in the first
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 4),
    windows=st.integers(1, 70),
    temperature=st.floats(0.1, 10),
)
def test_of_a_linear_recogniser_they_are_weight_times_input(seed, classes, windows, temperature):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(classes, 3 * 5))
    linear = Linear(weights, rng.normal(size=classes))
    examples, labels = maps(windows, 1, 3, 5, seed), rng.integers(classes, size=windows)
    found = attributions(linear, "maps", examples, labels, temperature)
    own = np.array([weights[k] - np.delete(weights, k, axis=0).mean(axis=0) for k in labels])
    expected = own.reshape(-1, 1, 3, 5) * examples.batch(np.arange(windows)) / temperature
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 / temperature)


@pytest.mark.parametrize("kind", [name for name, each in NETWORKS.items() if each.sees == "maps"])
def test_of_maps_they_add_up_to_the_evidence_that_zeros_lack(kind):
    learned, examples = network(kind), maps(40, 2, 3, 6)
    labels = np.arange(40) % 3
    found = attributions(learned, "maps", examples, labels)
    assert found.shape == (40, 2, 3, 6)
    with torch.inference_mode():
        seen = torch.from_numpy(examples.batch(np.arange(40)))
        said, silent = learned(seen).numpy(), learned(torch.zeros_like(seen)).numpy()
    expected = evidence(said, labels) - evidence(silent, labels)
    error = found.sum(axis=(1, 2, 3)) - expected
    assert np.abs(error).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("kind", [name for name, each in NETWORKS.items() if each.sees == "signal"])
def test_of_the_signal_they_are_what_a_slightly_weaker_sample_takes(kind):
    learned, examples = network(kind), signal(4, 6, 128)
    labels = np.array([0, 1, 2, 1])
    found = attributions(learned, "signal", examples, labels)
    assert found.shape == (4, 6, 128)
    learned.double()  # differences as small as these drown in single precision
    seen = torch.from_numpy(examples.batch(np.arange(4))).double()
    for channel in range(6):
        lost = []
        for share in (-1e-5, 1e-5):
            weaker = seen.clone()
            weaker[:, channel] *= 1 - share
            with torch.inference_mode():
                lost.append(evidence(learned(weaker).numpy(), labels))
        slope = (lost[0] - lost[1]) / 2e-5
        np.testing.assert_allclose(found[:, channel].sum(axis=1), slope, rtol=1e-2, atol=1e-4)


def test_each_window_is_judged_by_itself():
    learned, examples, labels = network("cnn"), maps(70, 2, 3, 6), np.arange(70) % 3
    whole = attributions(learned, "maps", examples, labels)
    for k in (0, 31, 32, 69):
        alone = attributions(learned, "maps", examples[np.array([k])], labels[[k]])
        np.testing.assert_allclose(whole[k], alone[0], rtol=1e-3, atol=1e-5)


def test_the_network_and_the_process_are_left_as_they_were():
    learned, threads = network("cnn"), torch.get_num_threads()
    before = {name: value.clone() for name, value in learned.state_dict().items()}
    attributions(learned, "maps", maps(3, 2, 3, 6), np.array([0, 1, 2]))
    assert torch.get_num_threads() == threads
    assert all(parameter.grad is None for parameter in learned.parameters())
    for name, value in learned.state_dict().items():
        assert torch.equal(value, before[name])


def test_covariances_have_none():
    with pytest.raises(ValueError, match="no baseline"):
        attributions(nn.Identity(), "covariances", maps(1, 1, 1, 1), np.array([0]))
