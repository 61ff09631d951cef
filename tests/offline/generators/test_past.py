"""Generators of 4-D maps: what a network sees of the past is made with what it sees of now."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from offline.generators import Generator, Real, load_generator, save_generator
from offline.generators.dcgan import Dcgan, DcganSettings
from offline.generators.escgan import EscGan, EscGanSettings
from offline.generators.resampling import GeneratorSampler
from offline.generators.wgan import WganGp, WganSettings
from rtbci.configuration import Settings
from rtbci.errors import GeneratorError
from tests.offline.generators.material import MAP_KINDS, RECIPE, maps

PAST = RECIPE.model_copy(update={"segments": 3})
QUICK = {"least_steps": 1, "width": 4, "batch_size": 30}
TOWARDS = {"reconstruction": 1, "adversarial": 0, "boundary": 0, "diversity": 0, "target": 3}
Kinds = tuple[tuple[type[Generator[Any]], Settings], ...]
LEARNED: Kinds = (
    *MAP_KINDS,
    (Dcgan, DcganSettings(**QUICK, epochs=60, learning_rate=2e-3)),
    (EscGan, EscGanSettings(**QUICK, epochs=30, learning_rate=5e-3, noise=0.0, weights=TOWARDS)),
)
BARELY: Kinds = (
    *MAP_KINDS,
    (Dcgan, DcganSettings(**QUICK, epochs=1)),
    (WganGp, WganSettings(**QUICK, epochs=1)),
    (EscGan, EscGanSettings(**QUICK, epochs=1)),
)


def each_of(*kinds: tuple[type[Generator[Any]], Settings]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("kind", "settings"), kinds, ids=[k.kind for k, _ in kinds])


COURSE = np.array([1.0, 0.0, -1.0])
"""By class, how maps go from one segment to the next: they rise, stay, or fall."""


def courses() -> Real:
    one = maps((20, 20, 20), spread=0.0)
    slopes = 3 * COURSE[one.labels][:, None, None]
    x = np.concatenate([one.x + k * slopes for k in range(3)], axis=1)
    return Real(x.astype(np.float32), one.labels, one.trials)


def course_of(x: np.ndarray) -> float:
    """Return by how much maps rise from the oldest segment to the newest, on average."""
    parts = x.reshape(len(x), 3, -1)
    return float((parts[:, 2] - parts[:, 0]).mean())


@each_of(*LEARNED)
def test_the_course_of_time_is_its_class_s(kind, settings):
    real = courses()
    generator = kind(PAST, settings).fit(real)
    rising, _, falling = (generator.sample(60, label, seed=1) for label in range(3))
    assert rising.shape == (60, *PAST.stacked_shape) == (60, 9, 4)
    assert course_of(rising) > 0 > course_of(falling)
    assert course_of(rising) - course_of(falling) > 3  # 12 of the real ones
    if generator.edits:
        edited = generator.edit(real.x[real.labels == 0], 2)
        assert edited.shape == real.x[real.labels == 0].shape
        assert course_of(edited) < course_of(real.x[real.labels == 0]) - 3


@each_of(*BARELY)
def test_its_file_knows_how_many_maps_it_makes_at_once(kind, settings, tmp_path):
    generator = kind(PAST, settings).fit(courses())
    save_generator(tmp_path / "past.pt", generator, {})
    again, _ = load_generator(tmp_path / "past.pt")
    assert again.recipe.segments == 3
    assert np.array_equal(again.sample(5, 1), generator.sample(5, 1))


def test_single_maps_are_refused():
    told = "another montage than the generator's: it makes maps of 9 planes .*, and was given 3 x 4"
    with pytest.raises(GeneratorError, match=told):
        Dcgan(PAST, DcganSettings()).fit(maps())


def test_a_pipeline_is_given_them_flat():
    real = courses()
    few = real[np.flatnonzero((real.labels != 2) | (np.arange(len(real)) % 2 == 0))]
    sampler = GeneratorSampler(PAST, MAP_KINDS[0][1])
    flat = few.x.reshape(len(few), -1)
    x, y = sampler.fit_resample(flat, few.labels, trials=few.trials)
    assert np.bincount(y).tolist() == [20, 20, 20]
    made = x[len(few) :].reshape(-1, *PAST.stacked_shape)
    assert course_of(made) == pytest.approx(-6, abs=1.5)
