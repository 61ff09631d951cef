from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from offline.proof.sets import ExampleSet
from offline.proof.transfer import transfer
from rtbci.errors import GeneratorError
from tests.offline.proof.examples import drawn, shuffled, white, with_x


def apart(n: int, seed: int, by: float) -> ExampleSet:
    """Two classes that many standard deviations apart, in the first of three numbers."""
    noise = drawn(n, (3,), seed)
    shift = np.zeros((2 * n, 3))
    shift[:, 0] = by * noise.labels
    return with_x(noise, noise.x + shift) if seed > 9 else ExampleSet(
        noise.x + shift, noise.labels, noise.groups
    )  # fmt: skip


def by_hand(train: ExampleSet, test: ExampleSet, model: Any = None) -> float:
    mean, std = train.flat.mean(axis=0), train.flat.std(axis=0)
    model = model or LogisticRegression(class_weight="balanced", max_iter=1000)
    model.fit((train.flat - mean) / std, train.labels)
    return balanced_accuracy_score(test.labels, model.predict((test.flat - mean) / std))


def test_each_way_is_learned_and_scaled_on_its_own_side():
    train, test, made = apart(200, 0, 2), apart(150, 1, 2), apart(100, 10, 2)
    made = with_x(made, 3 * made.x + 1)  # on another scale: what was learned there fits there alone
    test = test[np.arange(20, 300)]
    found = transfer(train, test, made)
    assert found.synthetic_to_real == pytest.approx(by_hand(made, test), abs=0.01)
    assert found.real_to_synthetic == pytest.approx(by_hand(train, made), abs=0.01)
    assert found.real_to_real == pytest.approx(by_hand(train, test), abs=0.01)
    assert found.real_to_real > 0.8 > found.synthetic_to_real


def test_what_generates_one_point_a_class_is_recognised_too_well():
    train, test, made = apart(200, 0, 1), apart(200, 1, 1), apart(50, 10, 1)
    means = np.stack([train.of(k).mean(axis=0) for k in (0, 1)])
    found = transfer(train, test, with_x(made, means[made.labels] + 1e-3 * made.x))
    assert found.real_to_synthetic == 1
    assert found.real_to_real < 0.8


def test_shuffled_labels_and_noise_teach_nothing(people):
    test, train, again = people.maps
    chance = 1 / len(np.unique(test.labels))
    found = transfer(train, test, again)
    assert found.synthetic_to_real > chance + 0.2
    assert found.real_to_real == pytest.approx(found.synthetic_to_real, abs=0.15)
    labels = np.random.default_rng(0).permutation(again.labels)
    for made in (ExampleSet(again.x, labels, again.groups), white(again)):
        lost = transfer(train, test, made)
        assert lost.real_to_real == found.real_to_real
        assert lost.synthetic_to_real == pytest.approx(chance, abs=0.15)
        assert lost.real_to_synthetic == pytest.approx(chance, abs=0.15)


def test_any_classifier_can_be_given_and_the_order_changes_nothing():
    train, test, made = apart(60, 0, 2), apart(60, 1, 2), apart(60, 10, 2)
    for each in (train, test, made):
        each.x[:, 1] *= 100  # says nothing, and is all that would count if nothing were scaled
    made.x[:] *= 0.2
    neighbours = KNeighborsClassifier(5)
    found = transfer(train, test, made, neighbours)
    assert not hasattr(neighbours, "classes_")
    assert found.real_to_real == by_hand(train, test, KNeighborsClassifier(5))
    assert found.synthetic_to_real == by_hand(made, test, KNeighborsClassifier(5))
    assert found != transfer(train, test, made)
    parts = shuffled(train), shuffled(test), shuffled(made)
    assert transfer(*parts, neighbours) == found
    assert transfer(*parts) == transfer(train, test, made)


def test_what_cannot_be_learned_or_tested_is_refused_in_one_line():
    train, test, made = apart(30, 0, 1), apart(30, 1, 1), apart(30, 10, 1)
    leaky = ExampleSet(test.x, test.labels, np.r_[train.groups[:1], test.groups[1:]])
    with pytest.raises(GeneratorError, match="1 group of real examples, such as 0, would be both"):
        transfer(train, leaky, made)
    with pytest.raises(GeneratorError, match="class 1 has 0 compared examples"):
        transfer(train, test, made[np.arange(30)])
    with pytest.raises(GeneratorError, match="one class cannot be recognised"):
        transfer(train, test[np.arange(30)], made)
