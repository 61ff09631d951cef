from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.models.graph import ChebyshevConvolution, Graph, GraphSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.montage.positions import electrode_positions
from rtbci.recipe import SEED_BANDS, Recipe
from tests.offline.models.networks import accuracy, check_contract, learn, random_maps, recipes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RECIPE = Recipe(
    channels=("F3", "FZ", "F4", "C3", "CZ", "C4", "P3", "PZ", "P4"),
    bands=SEED_BANDS[:1],
    classes=("negative", "positive"),
)


@given(recipe=recipes(), order=st.integers(2, 5))
@settings(max_examples=8, deadline=None)
def test_gives_logits_for_any_recipe_and_the_same_when_scripted(recipe, order):
    check_contract(Graph(recipe, GraphSettings(order=order)), recipe)


@given(order=st.integers(2, 8), nodes=st.integers(1, 12), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_the_convolution_is_the_sum_of_chebyshev_polynomials(order, nodes, seed):
    generator = np.random.default_rng(seed)
    vectors = np.linalg.qr(generator.standard_normal((nodes, nodes)))[0]
    eigenvalues = generator.uniform(-1, 1, nodes)
    laplacian = vectors @ np.diag(eigenvalues) @ vectors.T
    values = generator.standard_normal((2, nodes, 3))
    layer = ChebyshevConvolution(3, 4, order).double()
    theta = layer.theta.weight.detach().numpy().T.reshape(order, 3, 4)
    # On the eigenvalues, the polynomials are cosines: T_k(cos a) = cos(k a).
    expected = layer.theta.bias.detach().numpy() + sum(
        vectors @ np.diag(np.cos(k * np.arccos(eigenvalues))) @ vectors.T @ values @ theta[k]
        for k in range(order)
    )
    computed = layer(torch.from_numpy(values), torch.from_numpy(laplacian))
    np.testing.assert_allclose(computed.detach().numpy(), expected, atol=1e-10)


@given(recipe=recipes(), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_laplacian_is_that_of_the_positive_links_and_its_eigenvalues_are_in_range(recipe, seed):
    network = Graph(recipe, GraphSettings()).double()
    links = np.random.default_rng(seed).standard_normal(network.adjacency.shape)
    with torch.no_grad():
        network.adjacency.copy_(torch.from_numpy(links))
    positive = np.where(links > 0, links, 0)
    both = (positive + positive.T) / 2
    degrees = np.diag(both.sum(1))
    root = np.diag([1 / np.sqrt(d) if d else 0 for d in both.sum(1)])
    expected = root @ (degrees - both) @ root - np.eye(len(links)) * (np.diag(degrees) > 0)
    laplacian = network.laplacian().detach().numpy()
    np.testing.assert_allclose(laplacian, expected, atol=1e-10)
    assert np.abs(np.linalg.eigvalsh(laplacian)).max() <= 1 + 1e-10


def test_links_begin_strong_between_neighbours_and_weak_across_the_head():
    links = Graph(Recipe(), GraphSettings()).adjacency.detach().numpy()
    positions = electrode_positions(Recipe().channels)
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    order = np.argsort(apart, axis=None)
    assert (np.diff(links.ravel()[order]) <= 1e-6).all()
    assert links[apart == apart.max()].max() < 0.15
    np.testing.assert_array_equal(links, links.T)
    np.testing.assert_array_equal(np.diag(links), 1)


def test_an_electrode_that_lost_all_links_stays_finite_and_alone():
    network = Graph(RECIPE, GraphSettings()).eval()
    with torch.no_grad():
        network.adjacency[4] = network.adjacency[:, 4] = -1
    laplacian = network.laplacian()
    assert (laplacian[4] == 0).all()
    network(random_maps(RECIPE, 2)).sum().backward()
    assert torch.isfinite(network.adjacency.grad).all()


def test_an_electrode_hears_only_of_those_within_reach():
    network = Graph(RECIPE, GraphSettings(order=3)).eval()
    chain = torch.eye(9) + torch.diag(torch.ones(8), 1)
    with torch.no_grad():
        network.adjacency.copy_(chain)
        maps = random_maps(RECIPE, 1)
        changed = maps.clone()
        changed[..., 0] += 1
        nodes = [
            network.convolution(x.flatten(1, 2).transpose(1, 2), network.laplacian())
            for x in (maps, changed)
        ]
    moved = (nodes[0] != nodes[1]).any(-1)[0]
    assert moved.tolist() == [True, True, True, *[False] * 6]


def test_a_node_holds_all_planes_of_all_segments_at_its_electrode():
    recipe = RECIPE.model_copy(update={"bands": SEED_BANDS[:2], "segments": 3})
    network = Graph(recipe, GraphSettings()).double().eval()
    maps = random_maps(recipe, 2).double()
    laplacian = network.laplacian().detach().numpy()
    nodes = np.array([[member[:, :, k].ravel() for k in range(9)] for member in maps.numpy()])
    second = 2 * laplacian @ laplacian - np.eye(9)
    terms = np.concatenate([nodes, laplacian @ nodes, second @ nodes], axis=2)
    theta, bias, hidden, hidden_bias, out, out_bias = [
        parameter.detach().numpy()
        for part in (network.convolution, network.head)
        for parameter in part.parameters()
    ]
    convolved = np.maximum(terms @ theta.T + bias, 0).reshape(2, -1)
    expected = np.maximum(convolved @ hidden.T + hidden_bias, 0) @ out.T + out_bias
    np.testing.assert_allclose(network(maps).detach().numpy(), expected, atol=1e-10)


def same_sign(examples, seed):
    """Return maps whose class is whether F3 and P4 agree; neither alone says anything."""
    generator = torch.Generator().manual_seed(seed)
    maps = 0.3 * random_maps(RECIPE, examples, seed)
    signs = 2.0 * torch.randint(0, 2, (examples, 2), generator=generator) - 1
    maps[:, 0, 0, 0] += signs[:, 0]
    maps[:, 0, 0, 8] += signs[:, 1]
    return maps, (signs[:, 0] == signs[:, 1]).long()


def test_learns_how_two_electrodes_relate_and_their_link_with_it():
    torch.manual_seed(0)
    network = Graph(RECIPE, GraphSettings())
    before = network.adjacency.detach().clone()
    learn(network, *same_sign(768, 1), epochs=12)
    assert accuracy(network, *same_sign(300, 2)) > 0.95
    change = network.adjacency.detach() - before
    assert change[0, 8] > max(0, change.mean())


def test_a_graph_without_links_is_refused():
    with pytest.raises(ConfigError, match=r"order = 1: .*greater than or equal to 2"):
        validate(GraphSettings, {"order": 1}, source="net.yaml")
