from __future__ import annotations

import numpy as np
import pytest
import torch
from pyriemann.geometry.mean import mean_logeuclid
from pyriemann.tangentspace import TangentSpace

from offline.generators.signal_gan.heads import Heads, moved, normalised, principal_heads, roots


def coherences(trials: int = 30, channels: int = 5, seed: int = 0) -> torch.Tensor:
    """Coherences of trials that all lie on one way through a centre."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((channels, channels))
    turn = np.diag([1.0, -1.0] + [0.0] * (channels - 2))
    places = rng.standard_normal(trials)
    made = [mixing @ np.diag(np.exp(place * np.diag(turn))) @ mixing.T for place in places]
    return normalised(torch.from_numpy(np.stack(made))).float()


def at(heads: Heads, place: float) -> torch.Tensor:
    way = heads.root @ torch.linalg.matrix_exp(place * heads.turns[0] / 2) @ heads.inverse
    return way @ heads.root @ heads.root @ way.T


def test_centre_and_spread_are_those_of_an_independent_reference():
    trials = coherences()
    ridged = trials.double().numpy() + 1e-3 * np.eye(5)
    heads = principal_heads(trials, 29)
    centre = heads.root @ heads.root
    assert np.allclose(centre.numpy(), mean_logeuclid(ridged), atol=1e-3)
    tangents = TangentSpace(metric="riemann")
    tangents.reference_ = mean_logeuclid(ridged)
    spread = tangents.transform(ridged).var(axis=0).sum()
    assert heads.turns.square().sum().item() == pytest.approx(spread, rel=0.01)


def test_the_first_way_leads_to_the_trials_at_its_ends():
    trials = coherences()
    heads = principal_heads(trials, 3)
    ends = [at(heads, place) for place in (-2.0, 2.0)]
    middle = at(heads, 0.0)
    for end in ends:
        nearest = (trials - end).abs().amax(dim=(1, 2)).min()
        assert nearest < 0.6 * (end - middle).abs().max()
        assert torch.linalg.eigvalsh(end).min() > 0


def test_a_mean_of_many_heads_is_brought_to_their_centre():
    trials = coherences()
    heads = principal_heads(trials, 3)
    centred = moved(trials.mean(dim=0), trials, heads)
    assert torch.allclose(centred, normalised(heads.root @ heads.root), atol=0.02)


def test_alike_trials_have_one_head():
    trials = coherences(trials=1).expand(6, -1, -1)
    heads = principal_heads(trials, 3)
    assert heads.turns.abs().max() < 1e-4
    assert principal_heads(trials[:1], 3).turns.shape == (0, 5, 5)


def test_a_root_times_itself_is_the_matrix():
    matrix = coherences()[0]
    root = roots(matrix, 1e-6)
    assert torch.allclose(root @ root.T, matrix, atol=1e-4)
    assert torch.allclose(root, root.T, atol=1e-6)
