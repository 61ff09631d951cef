from __future__ import annotations

import numpy as np
import pytest

from offline.proof.sets import ExampleSet, matched, order_of, shared_classes
from rtbci.errors import GeneratorError
from tests.offline.proof.examples import drawn, shuffled


def test_an_order_depends_on_the_numbers_alone():
    examples = drawn(30, (2, 3), seed=0)
    again = shuffled(examples)
    assert np.array_equal(examples.x[order_of(examples.x)], again.x[order_of(again.x)])
    one, two = examples.in_order(), again.in_order()
    for name in ("x", "labels", "groups"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    # Each label and group stays with its numbers.
    sums = dict(zip(examples.groups, examples.flat.sum(axis=1), strict=True))
    assert [sums[group] for group in one.groups] == pytest.approx(one.flat.sum(axis=1))


def test_as_many_of_each_class_are_drawn_and_none_twice():
    real, other = drawn(40, (3,), seed=0, classes=3), drawn(60, (3,), seed=1, classes=3)
    few = np.concatenate([np.arange(15), np.arange(60, 180)])
    rng = np.random.default_rng(0)
    first, second = matched(real, other[few], 1000, rng)
    for each in (first, second):
        assert np.bincount(each.labels).tolist() == [15, 40, 40]
        assert len(np.unique(each.x, axis=0)) == 95
    assert all(len(each) == 30 for each in matched(real, other, 30, rng))


def test_sets_that_cannot_be_compared_are_refused_in_one_line():
    real = drawn(20, (2, 3), seed=0)
    with pytest.raises(GeneratorError, match="2 x 3 cannot be compared with ones of 3 x 3"):
        shared_classes(real, drawn(20, (3, 3), seed=0))
    with pytest.raises(GeneratorError, match="class 1 has 9 compared examples"):
        shared_classes(real, drawn(20, (2, 3), seed=1)[np.arange(29)])
    with pytest.raises(GeneratorError, match="class 0 has 1 real example;"):
        shared_classes(real[np.arange(19, 40)], real)
    with pytest.raises(GeneratorError, match="no real examples"):
        shared_classes(real[np.arange(0)], real)
    assert shared_classes(real[np.arange(20)], real) == (0,)  # others may have more classes
    for bad in (np.nan, np.inf):
        x = real.x.copy()
        x[3, 1, 2] = bad
        with pytest.raises(GeneratorError, match="not finite"):
            ExampleSet(x, real.labels, real.groups)
    with pytest.raises(GeneratorError, match="40 labels and 39 groups"):
        ExampleSet(real.x, real.labels, real.groups[1:])
