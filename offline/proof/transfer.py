"""Learning from one set and being tested on another: generated and real, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from offline.proof.sets import ExampleSet, shared_classes
from offline.scores import Scores
from rtbci.errors import GeneratorError


@dataclass(frozen=True)
class Transfer:
    """Balanced accuracies; 1 is best, one divided by the number of classes is chance.

    Attributes
    ----------
    synthetic_to_real : float
        Learned from generated examples, tested on real ones: whether all that tells the classes
        apart is in what was generated.
    real_to_synthetic : float
        Learned from real examples, tested on generated ones: whether what was generated is of the
        class that it should be. Far above ``real_to_real``, it is too easy: the classes' means
        again and again are all recognised.
    real_to_real : float
        Learned from real examples, tested on others: the ceiling.
    """

    synthetic_to_real: float
    real_to_synthetic: float
    real_to_real: float


def transfer(
    train: ExampleSet, test: ExampleSet, synthetic: ExampleSet, estimator: Any = None
) -> Transfer:
    """Learn from generated examples and recognise real ones, and the reverse.

    Esteban, Hyland and Ratsch 2017 (arXiv 1706.02633; "TSTR", "TRTS"). Scaling is
    fitted on what is learned from alone.

    Parameters
    ----------
    train, test : ExampleSet
        Real examples: those that the generator learned from, and others of no common group.
    synthetic : ExampleSet
        Generated ones.
    estimator : scikit-learn classifier, optional
        Takes standardised vectors; a fresh copy is fitted each time. Without, it is a logistic
        regression that weighs classes alike.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared, there is one class alone, or a group lies in both real sets.
    """
    common = np.intersect1d(train.groups, test.groups)
    if len(common):
        raise GeneratorError(
            f"{len(common)} group{'s' * (len(common) != 1)} of real examples, such as "
            f"{common[0]}, would be both learned from and tested with"
        )
    classes = shared_classes(test, train)
    if len(classes) < 2:
        raise GeneratorError("examples of one class cannot be recognised; two classes are needed")
    shared_classes(test, synthetic)
    fitted = _fitted(train, estimator)
    return Transfer(
        synthetic_to_real=_score(_fitted(synthetic, estimator), test),
        real_to_synthetic=_score(fitted, synthetic),
        real_to_real=_score(fitted, test),
    )


def _fitted(examples: ExampleSet, estimator: Any) -> Any:
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if estimator is None:
        estimator = LogisticRegression(class_weight="balanced", max_iter=1000)
    ordered = examples.in_order()
    return make_pipeline(StandardScaler(), clone(estimator)).fit(ordered.flat, ordered.labels)


def _score(fitted: Any, examples: ExampleSet) -> float:
    said = np.asarray(fitted.predict(examples.flat), np.int64)
    names = [str(k) for k in range(max(said.max(), examples.labels.max()) + 1)]
    return Scores.of(examples.labels, said, names).balanced_accuracy
