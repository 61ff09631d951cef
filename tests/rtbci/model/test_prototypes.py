from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from rtbci.model.prototypes import PRIOR_S, Prototypes, class_means


def outputs(
    n: int, seed: int, shift: float = 0.0, classes: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the classes; ``shift`` makes the first look less likely."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.standard_normal((n, classes)) + 1.5 * np.eye(classes)[labels]
    logits[:, 0] -= shift
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True), labels


def test_is_the_linear_discriminant_of_equal_priors():
    said, labels = outputs(600, 0)
    new, _ = outputs(50, 1)
    plane = np.linalg.svd(np.ones((1, 3)))[2][1:].T  # what a common constant does not change
    reference = LinearDiscriminantAnalysis(priors=np.full(3, 1 / 3)).fit(said @ plane, labels)
    # scikit-learn divides the scatter by windows less classes.
    found = np.exp(Prototypes.fit(said, labels).apply(new))
    assert found == pytest.approx(reference.predict_proba(new @ plane), abs=5e-3)


def test_a_wearers_own_means_undo_what_is_odd_about_the_wearer():
    common = Prototypes.fit(*outputs(2000, 0))
    block, block_labels = outputs(300, 1, shift=3)
    new, labels = outputs(2000, 2, shift=3)
    own = common.adapted(class_means(block, block_labels), seconds=60)

    def accuracy(prototypes: Prototypes) -> float:
        return float(np.mean(prototypes.apply(new).argmax(axis=1) == labels))

    assert accuracy(own) > accuracy(common) + 0.1


def test_a_calibration_weighs_by_its_length():
    common = Prototypes.fit(*outputs(500, 0))
    means = class_means(*outputs(300, 1, shift=2))
    placed = means - means.mean(axis=1, keepdims=True)
    assert common.adapted(means, 0).means == pytest.approx(common.means)
    assert common.adapted(means, PRIOR_S).means == pytest.approx((common.means + placed) / 2)
    assert common.adapted(means, 1e9).means == pytest.approx(placed, abs=1e-6)


def test_a_class_without_windows_gives_nothing_away():
    said, labels = outputs(300, 0)
    kept = labels != 1
    prototypes = Prototypes.fit(said[kept], labels[kept])
    assert np.isfinite(prototypes.apply(said)).all()
    assert prototypes.means[1] == pytest.approx((prototypes.means[0] + prototypes.means[2]) / 2)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_sum_to_one_and_hops_are_judged_by_themselves(classes):
    prototypes = Prototypes.fit(*outputs(500, 0, classes=classes))
    new, _ = outputs(200, 3, classes=classes)
    together = prototypes.apply(new)
    assert np.exp(together).sum(axis=1) == pytest.approx(1)
    for size in (1, 7):
        pieces = [prototypes.apply(new[at : at + size]) for at in range(0, len(new), size)]
        np.testing.assert_array_equal(np.concatenate(pieces), together)
