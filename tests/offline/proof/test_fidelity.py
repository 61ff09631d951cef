from __future__ import annotations

import numpy as np
import pytest

from offline.generators import Real
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.models.cnn import Cnn, CnnSettings
from offline.proof import fidelity
from offline.proof.fidelity import compare, made_maps
from offline.proof.parts import Parts
from offline.proof.sets import ExampleSet
from offline.proof.two_sample import UndealtError
from tests.offline.generators.material import RECIPE, maps


class Picky(Gaussian):
    """Finds few of its own maps good, and none of the last class."""

    def _supplement(self, real: Real, label: int, n: int, seed: int) -> np.ndarray:
        return self.sample({0: n, 1: 4, 2: 0}[label], label, seed)


def test_whether_few_unlike_trials_can_be_told_apart_is_not_said(parts, monkeypatch):
    def undealt(*_, **__):
        raise UndealtError("too few and unlike")

    network = Cnn(RECIPE, CnnSettings(widths=(2, 2, 2), hidden=4))
    monkeypatch.setattr(fidelity, "two_sample_test", undealt)
    for row in compare("1", parts, {}, network, 0).rows:
        assert row.two_sample is None
        assert row.transfer.real_to_real > 0


@pytest.fixture
def parts() -> Parts:
    real = maps((12, 15, 10), seed=1)
    test, validation = (
        ExampleSet(real.x + shift, real.labels, real.trials + first)
        for shift, first in ((0, 100), (0.1, 200))
    )
    return Parts(maps(), validation, test, {}, None, 1)


def test_there_are_as_many_of_each_class_as_of_the_real_ones_and_each_is_alone(parts):
    made = made_maps(lambda: Gaussian(RECIPE, GaussianSettings()), parts, 3).maps
    assert np.bincount(made.labels).tolist() == [12, 15, 10]
    assert len(np.unique(made.groups)) == 37
    assert made.groups.min() > parts.test.groups.max()
    expected = Gaussian(RECIPE, GaussianSettings()).fit(parts.train, 3)
    for label, n in enumerate((12, 15, 10)):
        assert np.array_equal(made.of(label), expected.sample(n, label, 3))


def test_what_is_found_good_is_there_several_times_as_one_group(parts):
    made = made_maps(lambda: Picky(RECIPE, GaussianSettings()), parts, 3).maps
    assert np.bincount(made.labels).tolist() == [12, 15, 10]
    for label, different in enumerate((12, 4, 10)):
        of_class = made.labels == label
        assert len(np.unique(made.of(label), axis=0)) == different
        assert len(np.unique(made.groups[of_class])) == different
    for group in np.unique(made.groups):
        assert len(np.unique(made.x[made.groups == group], axis=0)) == 1
