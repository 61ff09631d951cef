from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from offline.generators.escgan import EscGan, EscGanSettings, LossWeights, losses
from offline.generators.escgan.networks import Discriminator
from offline.generators.generator import Real
from offline.generators.scaling import Scale
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from tests.offline.generators.material import RECIPE, maps

SETTINGS = EscGanSettings(
    epochs=20, least_steps=1, width=4, batch_size=32, learning_rate=1e-3, device="cpu"
)


def trained(real: Real, **changes: object) -> EscGan:
    return EscGan(RECIPE, SETTINGS.model_copy(update=changes)).fit(real)


@pytest.fixture(scope="module")
def real() -> Real:
    return maps((60, 120, 90), spread=2.0)


@pytest.fixture(scope="module")
def generator(real) -> EscGan:
    return trained(real)


def judged(generator: EscGan, x: np.ndarray, label: int) -> np.ndarray:
    """Whether maps pass, by a discriminator that is built of what the generator has saved."""
    state = generator.state()
    network = Discriminator(RECIPE, generator.settings.width)
    name = "discriminator."
    own = {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}
    network.load_state_dict(own)
    scale = Scale(state["scale.mean"].numpy(), state["scale.std"].numpy())
    with torch.inference_mode():
        logit, classes = network.eval()(torch.from_numpy(scale.standardised(x)))
    return ((logit >= 0) & (classes.argmax(1) == label)).numpy()


def rows(x: np.ndarray) -> set[bytes]:
    return {each.tobytes() for each in np.ascontiguousarray(x, np.float32)}


def test_an_edited_map_is_kept_only_if_it_passes(generator, real, caplog):
    for label in range(3):
        possible = generator.edit(real.x[real.labels != label], label)
        passing = judged(generator, possible, label)
        assert 0 < passing.sum() < len(passing)  # or there is nothing to be seen here
        with caplog.at_level(logging.WARNING):
            x, labels = generator.supplement(real, {label: len(passing) + 1})
        assert labels.tolist() == [label] * passing.sum()
        assert rows(x) == rows(possible[passing])  # all of them, and nothing else
        told = f"class {RECIPE.classes[label]}: {passing.sum()} maps instead of {len(passing) + 1}"
        assert told in caplog.messages[-1]
        assert f"of {len(passing)} references" in caplog.messages[-1]


def test_as_many_are_made_as_are_wanted_and_the_seed_decides_which(generator, real, caplog):
    x, labels = generator.supplement(real, {1: 3, 0: 5}, seed=4)
    assert labels.tolist() == [1] * 3 + [0] * 5
    again, other = (generator.supplement(real, {1: 3, 0: 5}, seed=s)[0] for s in (4, 5))
    assert np.array_equal(x, again)
    assert not np.array_equal(x, other)
    assert not caplog.messages
    assert generator.supplement(real[real.labels == 1], {1: 3})[0].shape == (0, 3, 4)


def test_without_the_filter_all_are_kept(real):
    generator = trained(real, filter=False, epochs=1)
    possible = generator.edit(real.x[real.labels != 0], 0)
    assert not judged(generator, possible, 0).all()
    x, _ = generator.supplement(real, {0: len(possible)})
    assert rows(x) == rows(possible)
    assert generator.passed == {0: 1, 1: 1, 2: 1}


def test_each_reference_is_edited_as_often_as_the_counts_have_it(real):
    counts = np.array([60, 120])
    for by_counts, expected in ((True, counts / 180), (False, np.array([0.5, 0.5]))):
        generator = trained(real, epochs=1, filter=False, choose_by_counts=by_counts)
        from_first = rows(generator.edit(real.x[real.labels == 0], 2))
        found = [
            sum(row in from_first for row in map(bytes, made))
            for made in (generator.supplement(real, {2: 20}, seed)[0] for seed in range(60))
        ]
        assert sum(found) / 1200 == pytest.approx(expected[0], abs=0.06)


def test_only_edits_of_kept_references_that_pass_are_made_over_and_over(real):
    generator = trained(real, references=30)
    state = generator.state()
    kept, labels = state["references"].numpy(), state["labels"].numpy()
    assert np.bincount(labels).tolist() == [30, 30, 30]
    for label in range(3):
        assert rows(kept[labels == label]) <= rows(real.x[real.labels == label])
        possible = generator.edit(kept[labels != label], label)
        passing = judged(generator, possible, label)
        assert 0 < passing.sum() < 60
        assert generator.passed[label] == pytest.approx(passing.mean())
        once = generator.sample(int(passing.sum()), label, seed=2)
        assert rows(once) == rows(possible[passing])
        again = generator.sample(150, label, seed=2)
        assert len(again) == 150
        assert rows(again) == rows(once)
    other = EscGan(RECIPE, generator.settings)
    other.restore(state)
    assert other.passed == generator.passed
    assert np.array_equal(other.edit(real.x, 1), generator.edit(real.x, 1))


def test_where_nothing_passes_it_is_told(real, caplog):
    generator = trained(real, epochs=1)
    state = generator.state()
    state["discriminator.real.bias"] -= 1e6
    generator.restore(state)
    with caplog.at_level(logging.WARNING):
        made = generator.sample(10, 1)
    assert len(rows(made)) == 10
    told = "class neutral: not one of 150 edited maps passes the discriminator"
    assert told in caplog.messages[-1]


def test_which_kept_references_are_edited_the_counts_of_all_maps_decide(real):
    """Of 120 maps of a class and 60 of another as few are kept; edited are twice as many."""
    for by_counts, expected in ((True, 2 / 3), (False, 1 / 2)):
        generator = trained(real, epochs=1, filter=False, choose_by_counts=by_counts, references=40)
        state = generator.state()
        kept, labels = state["references"].numpy(), state["labels"].numpy()
        from_second = rows(generator.edit(kept[labels == 1], 2))
        found = [
            sum(row in from_second for row in map(bytes, generator.sample(10, 2, seed)))
            for seed in range(60)
        ]
        assert sum(found) / 600 == pytest.approx(expected, abs=0.06)


def test_an_edited_map_is_of_its_new_class_and_still_of_its_own_person():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 100)
    persons = rng.standard_normal((300, 3, 4))
    persons[:, 0] = 1.2 * (labels[:, None] - 1) + 0.5 * persons[:, 0]  # the class is in one plane
    real = Real(persons, labels, np.arange(300) // 5)
    generator = trained(real, width=6, learning_rate=2e-3)
    for label in range(3):
        others = real.x[labels != label]
        edited = generator.edit(others, label)
        nearest = np.abs(edited[:, 0].mean(1)[:, None] - np.array([-1.2, 0, 1.2])).argmin(1)
        assert (nearest == label).mean() > 0.8
        apart = ((edited[:, None, 1:] - others[None, :, 1:]) ** 2).sum(axis=(2, 3))
        assert (apart.argmin(1) == np.arange(len(others))).mean() > 0.8


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_the_discriminator_learns_through_noise_and_filters_without(real, noise, monkeypatch):
    learning, filtering, forward = [], [], Discriminator.forward

    def watched(self: Discriminator, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if torch.is_inference_mode_enabled():
            filtering.append(maps.numpy())
        elif self.training:
            learning.append(maps.numpy())
        return forward(self, maps)

    monkeypatch.setattr(Discriminator, "forward", watched)
    generator = trained(real, noise=noise, epochs=2)
    scale = Scale(*(generator.state()[f"scale.{name}"].numpy() for name in ("mean", "std")))
    clean = scale.standardised(real.x).reshape(len(real), -1)
    first = learning[0][: len(learning[0]) // 2].reshape(-1, clean.shape[1])
    nearest = np.linalg.norm(first[:, None] - clean[None], axis=2).min(axis=1)
    # Of n numbers with so much noise the length is about noise times the root of n.
    expected = noise * np.sqrt(clean.shape[1])
    assert (nearest <= 1.6 * expected + 1e-5).all()
    assert np.median(nearest) >= 0.5 * expected
    filtering.clear()
    edited = generator.edit(real.x[:5], 1)
    np.testing.assert_allclose(np.concatenate(filtering), scale.standardised(edited), atol=1e-5)


def test_what_is_learned_is_the_change_or_as_in_the_paper_the_map(real):
    apart = [
        np.abs(trained(real, residual=residual, epochs=1).edit(real.x, 1) - real.x).mean()
        for residual in (True, False)
    ]
    assert apart[0] < 0.5 * apart[1]


def test_edits_to_a_rare_class_pass_where_its_few_maps_count_as_much_as_they(real):
    rare = real[np.r_[:8, 60:180, 180:270]]
    even, uneven = (trained(rare, epochs=60, even=each).passed[0] for each in (True, False))
    assert even > 0.5
    assert uneven < 0.1


@pytest.mark.parametrize("name", list(LossWeights.model_fields))
def test_a_loss_that_weighs_nothing_is_told_and_learned_by_nobody(real, name, monkeypatch):
    few, others = real[::3], dict.fromkeys(LossWeights.model_fields, 1.0)
    without, light, heavy = (
        trained(few, epochs=1, weights=LossWeights(**others | {name: weight}))
        for weight in (0.0, 0.5, 2.0)
    )
    for each in (without, heavy):
        assert set(each.course.losses) == {*LossWeights.model_fields, "real or edited", "class"}
    learned = [each.state()["generator.encoder.0.weight"] for each in (without, light, heavy)]
    assert not torch.equal(learned[0], learned[1])
    assert not torch.equal(learned[1], learned[2])
    # Whatever a loss is that weighs nothing: the same is learned.
    monkeypatch.setattr(losses, name, lambda *given: given[0].sum() ** 2)
    stubbed = trained(few, epochs=1, weights=LossWeights(**others | {name: 0.0}))
    assert torch.equal(stubbed.state()["generator.encoder.0.weight"], learned[0])


def test_a_generator_whose_losses_all_weigh_nothing_stays_as_it_began(real):
    nothing = LossWeights(**dict.fromkeys(LossWeights.model_fields, 0.0))
    first, second = (trained(real, epochs=n, weights=nothing).state() for n in (1, 3))
    learned = [k for k in first if k.startswith("generator") and k.endswith("weight")]
    assert all(torch.equal(first[k], second[k]) for k in learned)


@pytest.mark.parametrize(
    ("content", "told"),
    [({"weights": {"boundary": -1}}, "weights.boundary = -1"),
     ({"weights": {"boundry": 1}}, "unknown key 'weights.boundry'"),
     ({"references": 0}, "references = 0")],
)  # fmt: skip
def test_senseless_settings_are_refused(content, told):
    with pytest.raises(ConfigError, match=told):
        validate(EscGanSettings, content, source="generator.yaml")
