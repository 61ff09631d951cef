from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.class_weight import compute_sample_weight

from offline.recognisers.balanced import BalancedNaiveBayes
from offline.recognisers.tempered import Tempered


def overlapping(n, seed, classes, shares=None):
    rng = np.random.default_rng(seed)
    y = rng.choice(classes, n, p=shares)
    return rng.standard_normal((n, 5)) + 0.8 * np.eye(5)[y], y


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator:UserWarning")  # it needs no weights
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", [LinearSVC(dual=False), SVC()])
def test_is_scikit_learns_temperature_scaling_with_balanced_weights(classes, kind):
    shares = [0.7, *[0.3 / (classes - 1)] * (classes - 1)]
    X, y = overlapping(300, 0, classes)
    held_out, labels = overlapping(200, 1, classes, shares)
    new, _ = overlapping(50, 2, classes)
    fitted = Tempered(kind).fit(X, y, validation=(held_out, labels))
    reference = CalibratedClassifierCV(FrozenEstimator(kind.fit(X, y)), method="temperature")
    reference.fit(held_out, labels, sample_weight=compute_sample_weight("balanced", labels))
    assert fitted.predict_proba(new) == pytest.approx(reference.predict_proba(new), abs=1e-4)


def test_recovers_the_temperature_of_exaggerated_scores():
    X, y = overlapping(4000, 3, 2)
    truth = LogisticRegression(C=np.inf).fit(X, y)

    class Exaggerating(LogisticRegression):
        def decision_function(self, X):
            return 7 * super().decision_function(X)

    held_out, labels = overlapping(4000, 4, 2)
    fitted = Tempered(Exaggerating(C=np.inf)).fit(X, y, validation=(held_out, labels))
    # Scores are (-d, d): two times beta times seven is one.
    assert 2 * 7 * fitted.inverse_temperature_ == pytest.approx(1, rel=0.1)
    expected = expit(truth.decision_function(held_out))
    assert fitted.predict_proba(held_out)[:, 1] == pytest.approx(expected, abs=0.03)


def test_validation_moves_the_temperature_and_nothing_else():
    X, y = overlapping(300, 5, 3)
    good, wrong = overlapping(300, 6, 3), overlapping(300, 6, 3)
    wrong = (wrong[0], (wrong[1] + 1) % 3)
    first = Tempered(LinearSVC(dual=False)).fit(X, y, validation=good)
    other = Tempered(LinearSVC(dual=False)).fit(X, y, validation=wrong)
    assert np.array_equal(first.estimator_.coef_, other.estimator_.coef_)
    assert np.array_equal(first.predict(X), other.predict(X))
    assert other.predict_proba(X) == pytest.approx(1 / 3, abs=0.01)  # it was told to be unsure
    assert first.predict_proba(X).max() > 0.8


def test_dependent_features_no_longer_make_naive_bayes_sure_of_itself():
    def copied(n, seed):
        X, y = overlapping(n, seed, 2)
        return np.tile(X, 30), y  # the same evidence thirty times

    train, validation, (new, labels) = copied(500, 7), copied(3000, 8), copied(2000, 9)
    plain = BalancedNaiveBayes().fit(*train)
    fitted = Tempered(BalancedNaiveBayes()).fit(*train, validation=validation)
    assert np.array_equal(plain.predict(new), fitted.predict(new))
    right = (fitted.predict(new) == labels).mean()
    assert plain.predict_proba(new).max(1).mean() > right + 0.15
    assert fitted.predict_proba(new).max(1).mean() == pytest.approx(right, abs=0.03)


def test_classes_that_validation_lacks_are_no_obstacle():
    X, y = overlapping(300, 10, 3)
    held_out, labels = overlapping(100, 11, 3)
    some = labels != 1
    fitted = Tempered(LinearSVC(dual=False)).fit(
        X, 2 * y, validation=(held_out[some], 2 * labels[some])
    )
    assert fitted.classes_.tolist() == [0, 2, 4]
    assert fitted.predict_proba(X).shape == (300, 3)
    assert fitted.score(X, 2 * y) > 0.5
