from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch

from offline.device import Device
from offline.generators.adversarial import AdversarialGenerator, AdversarialSettings
from offline.generators.dcgan import Dcgan, DcganSettings
from offline.generators.escgan import EscGan, EscGanSettings
from offline.generators.generator import Real
from offline.generators.training import checkpoint_of
from offline.generators.wgan import WganGp, WganSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError, GeneratorError
from rtbci.montage.grids import GRID_NAMES
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe
from tests.offline.generators.material import RECIPE, maps
from tests.offline.generators.test_pictures import NINETEEN

SMALL: dict[str, Any] = {"least_steps": 1, "width": 3, "batch_size": 16, "device": "cpu"}
KINDS: tuple[tuple[type[AdversarialGenerator[Any]], type[AdversarialSettings]], ...] = (
    (EscGan, EscGanSettings),
    (WganGp, WganSettings),
    (Dcgan, DcganSettings),
)
each_kind = pytest.mark.parametrize(
    ("kind", "settings"), KINDS, ids=[kind.kind for kind, _ in KINDS]
)


def interrupted(kind: type[AdversarialGenerator[Any]], after: int) -> type:
    """Return the same kind, whose training is interrupted before its next epoch ends."""

    class Interrupted(kind):  # type: ignore[misc, valid-type]
        def _duel(self, *args: Any) -> Any:
            duel = super()._duel(*args)
            whole, done = duel.epoch, iter(range(after + 1))

            def epoch() -> dict[str, float]:
                losses = whole()
                if next(done) == after:
                    raise KeyboardInterrupt
                return losses

            duel.epoch = epoch
            return duel

    return Interrupted


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@each_kind
@pytest.mark.parametrize(("least", "passes"), [(1, 2), (10, 2), (11, 3), (15, 3)])
def test_of_few_maps_there_are_more_passes(kind, settings, least, passes):
    real = maps()
    assert 64 < len(real.x) <= 80  # five batches
    wanted = settings(epochs=2, **SMALL | {"least_steps": least})
    course = kind(RECIPE, wanted).fit(real, 0).course
    assert {len(each) for each in course.losses.values()} == {passes}


@each_kind
def test_an_interrupted_training_goes_on_to_the_same_generator(kind, settings, tmp_path):
    real, wanted = maps((20, 20, 20)), settings(epochs=5, **SMALL)
    assert len(real) // SMALL["batch_size"] == 3  # WGAN-GP's five lie across epochs
    file = tmp_path / "training.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        interrupted(kind, after=3)(RECIPE, wanted).fit(real, 7, checkpoint=file)
    assert file.exists()
    resumed = kind(RECIPE, wanted).fit(real, 7, checkpoint=file)
    whole = kind(RECIPE, wanted).fit(real, 7)
    assert same(resumed.state(), whole.state())
    assert resumed.course == whole.course
    assert {len(each) for each in whole.course.losses.values()} == {5}


@each_kind
def test_only_what_was_not_done_yet_is_done_after_an_interruption(kind, settings, tmp_path):
    file = tmp_path / "training.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        interrupted(kind, after=3)(RECIPE, settings(epochs=5, **SMALL)).fit(maps(), checkpoint=file)
    with pytest.raises(KeyboardInterrupt):
        interrupted(kind, after=1)(RECIPE, settings(epochs=5, **SMALL)).fit(maps(), checkpoint=file)
    # Four of the five are done: one more epoch does not reach what would interrupt again.
    interrupted(kind, after=1)(RECIPE, settings(epochs=5, **SMALL)).fit(maps(), checkpoint=file)
    # All are: until whoever saves the generator has removed it, nothing is learned again.
    interrupted(kind, after=0)(RECIPE, settings(epochs=5, **SMALL)).fit(maps(), checkpoint=file)


@each_kind
def test_the_seed_fixes_the_generator_and_nothing_else_is_disturbed(kind, settings):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = kind(RECIPE, settings(epochs=2, **SMALL)).fit(maps(), 3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = kind(RECIPE, settings(epochs=2, **SMALL)).fit(maps(), 3)
    other = kind(RECIPE, settings(epochs=2, **SMALL)).fit(maps(), 4)
    assert same(first.state(), second.state())
    assert not same(first.state(), other.state())
    made = first.sample(8, 1, seed=3)
    assert np.array_equal(made, second.sample(8, 1, seed=3))
    assert not np.array_equal(made, first.sample(8, 1, seed=4))
    if not first.edits:  # of which few may pass
        assert len(np.unique(made.reshape(8, -1), axis=0)) == 8


@each_kind
def test_numbers_that_are_none_stop_the_training_and_the_loss_is_named(kind, settings):
    mad = settings(epochs=5, learning_rate=1e30, **SMALL)
    told = rf"^{kind.kind}: the loss '[a-z ]+' is (nan|-?inf) in epoch \d; lower learning_rate"
    with pytest.raises(GeneratorError, match=told) as caught:
        kind(RECIPE, mad).fit(maps())
    assert "\n" not in str(caught.value)


def test_what_the_last_step_made_of_the_networks_is_looked_at_too():
    """Its losses were finite: they are of the networks before it."""
    mad = EscGanSettings(epochs=1, learning_rate=1e30, **SMALL | {"batch_size": 100})
    told = "^esc-gan: what it makes is not finite; lower learning_rate$"
    with pytest.raises(GeneratorError, match=told):
        EscGan(RECIPE, mad).fit(maps())


def test_a_checkpoint_of_another_device_is_another_trainings(tmp_path):
    generator, real = Dcgan(RECIPE, DcganSettings()), maps()
    cpu, same, card = (
        checkpoint_of(generator, real, 0, Device(torch.device(name)), tmp_path / "file")
        for name in ("cpu", "cpu", "cuda:0")
    )
    cpu.save({"done": 1})
    assert same.load() == {"done": 1}
    assert card.load() is None


@each_kind
def test_what_was_learned_is_kept_as_tensors_alone(kind, settings):
    generator = kind(RECIPE, settings(epochs=2, **SMALL)).fit(maps())
    file = io.BytesIO()
    torch.save(generator.state(), file)
    file.seek(0)
    other, before = kind(RECIPE, generator.settings), torch.get_rng_state()
    other.restore(torch.load(file, weights_only=True))
    assert torch.equal(torch.get_rng_state(), before)  # the process's own random numbers
    assert same(generator.state(), other.state())
    for label in range(3):
        assert np.array_equal(other.sample(30, label, 5), generator.sample(30, label, 5))
    lacking = dict(generator.state())
    del lacking["generator.decoder.0.weight"]
    with pytest.raises(RuntimeError, match="Missing key"):
        kind(RECIPE, generator.settings).restore(lacking)


@each_kind
@pytest.mark.parametrize("grid", GRID_NAMES)
@pytest.mark.parametrize("channels", [NINETEEN, SEED_CHANNELS], ids=["19", "62"])
def test_any_montage_on_any_grid(kind, settings, channels, grid):
    recipe = Recipe(channels=channels, grid=grid)
    x = np.random.default_rng(0).normal(3, 2, (12, *recipe.map_shape)).astype(np.float32)
    real = Real(x, np.arange(12) % 3, np.arange(12))
    generator = kind(recipe, settings(epochs=1, **SMALL)).fit(real)
    made = generator.sample(4, 2)
    assert made.shape == (4, *recipe.map_shape)
    assert np.isfinite(made).all()
    assert made.std(axis=(0, 1)).min() > 0  # no electrode lies where nothing is drawn
    assert generator.sample(0, 2).shape == (0, *recipe.map_shape)


@each_kind
def test_maps_of_any_scale_are_learned_as_well(kind, settings):
    real = maps()
    other = Real(1000 * real.x - 300, real.labels, real.trials)
    first = kind(RECIPE, settings(epochs=3, **SMALL)).fit(real).sample(20, 0)
    second = kind(RECIPE, settings(epochs=3, **SMALL)).fit(other).sample(20, 0)
    # The last bits differ, and training makes more of them.
    assert np.abs(1000 * first - 300 - second).mean() < 0.05 * second.std()


@each_kind
def test_the_networks_output_does_not_depend_on_how_many_are_asked_for(kind, settings):
    generator = kind(RECIPE, settings(epochs=2, **SMALL)).fit(maps())
    if generator.edits:
        x = maps(seed=5).x
        alone = np.concatenate([generator.edit(each[None], 1) for each in x[:6]])
        assert np.allclose(generator.edit(x, 1)[:6], alone, atol=1e-4)
    else:
        assert np.allclose(generator.sample(3000, 1)[:40], generator.sample(40, 1), atol=1e-4)


@each_kind
@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", 0), ("least_steps", 0), ("batch_size", 1), ("learning_rate", 0), ("width", 0)],
)
def test_senseless_settings_are_refused(kind, settings, key, value):
    with pytest.raises(ConfigError, match=f"{key} = {value}"):
        validate(settings, {key: value}, source="generator.yaml")
