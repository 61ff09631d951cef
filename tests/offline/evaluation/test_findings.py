from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from offline.evaluation.findings import Control, pooled
from offline.evaluation.metrics import summarise
from offline.evaluation.outcome import Predictions
from tests.offline.evaluation.predicted import outcome
from tests.offline.evaluation.report.examples import findings, summary


def test_honest_findings_carry_no_mark() -> None:
    assert findings().marks == ()
    assert findings().warnings == ()


def test_each_reservation_has_its_mark_and_its_sentence() -> None:
    found = findings(leaky=True, simulated=True, causal=False)
    assert found.marks == ("LEAKY", "simulated data", "NON-CAUSAL features")
    for mark, sentence in zip(found.marks, found.warnings, strict=True):
        assert sentence.startswith(f"{mark}: ")
    assert findings(simulated=True).marks == ("simulated data",)


def test_draws_of_random_labels_are_taken_together() -> None:
    one = summary(accuracy_by_subject={"1": 0.2, "2": 0.4})
    other = summary(accuracy_by_subject={"1": 0.3, "2": 0.5})
    control = pooled((one, other))
    assert control.draws == 2
    assert control.mean == pytest.approx(0.35)
    expected = ttest_1samp([0.2, 0.4, 0.3, 0.5], 0).confidence_interval()
    assert (control.low, control.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_holds_chance_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)

    def drawn() -> Control:
        scores = random.normal(1 / 3, 0.1, (2, 3))
        return pooled(
            [summary(accuracy_by_subject=dict(zip("abc", row, strict=True))) for row in scores]
        )

    inside = np.mean([drawn().contains(1 / 3) for _ in range(400)])
    assert 0.92 < inside < 0.98


def test_one_subject_and_one_draw_have_no_interval_and_no_verdict() -> None:
    control = pooled((summary(accuracy_by_subject={"1": 0.4}),))
    assert control.mean == 0.4
    assert np.isnan([control.low, control.high]).all()
    assert control.contains(0.4) is None


def test_exactly_chance_everywhere_is_inside() -> None:
    third = 1 / 3
    control = pooled((summary(accuracy_by_subject={str(k): third for k in range(7)}),))
    assert control.contains(third) is True
    assert Control(0.5, 0.4, 0.6, 1).contains(third) is False


def test_folds_within_a_person_do_not_push_the_control_off_chance() -> None:
    random = np.random.default_rng(7)

    def made(label: np.ndarray, said: np.ndarray, trials: np.ndarray) -> Predictions:
        n = np.ones(len(trials))
        return Predictions(np.zeros(len(trials), np.int64), trials, n, label, np.eye(3)[said])

    def draw(number: int) -> float:
        label = random.integers(3, size=15)
        folds = []
        for fold, test in enumerate(random.permutation(15).reshape(5, 3)):
            # Knows nothing but which class the other folds have most of.
            shares = np.bincount(np.delete(label, test), minlength=3)
            said = np.repeat(shares.argmax(), 3)
            folds.append(outcome(made(label[test], said, test), f"{fold}", draw=number))
        quick = {"permutations": 99, "bootstraps": 10}
        return pooled((summarise("x", folds, ["1"], "abc", 0, **quick),)).mean

    assert np.mean([draw(number) for number in range(300)]) == pytest.approx(1 / 3, abs=0.025)
