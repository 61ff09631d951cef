"""The classifier two-sample test: whether generated examples can be told from real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.permutation import permutation_p
from offline.proof.sets import ExampleSet, matched
from offline.scores import Scores
from rtbci.errors import GeneratorError

_FOLDS = 5
_INNER_FOLDS = 3
LEAST_GROUPS = 4
_ORIGINS = ("real", "other")
Rows = NDArray[np.intp]


class UndealtError(GeneratorError):
    """Groups that cannot be dealt to folds which all hold both sets."""


@dataclass(frozen=True)
class TwoSample:
    """How well a classifier tells two sets apart.

    Attributes
    ----------
    accuracy : float
        Balanced, mean over folds. 0.5 is best: the sets cannot be told apart; 1 is worst. With few
        groups it may lie below 0.5, as what is held out is then missing in what was learned from.
    p : float
        How often it would be as high if the groups of both sets were of one kind. Small, the sets
        do differ; with fewer than some ten groups a set it cannot be small.
    classifier : str
        What was chosen in most folds.
    examples : int
        Of each set.
    """

    accuracy: float
    p: float
    classifier: str
    examples: int


def two_sample_test(
    real: ExampleSet, other: ExampleSet, *, most: int = 1000, seed: int = 0
) -> TwoSample:
    """Let a classifier try to tell two sets apart.

    Lopez-Paz and Oquab 2017 (arXiv 1610.06545), section 3: the statistic is the accuracy on
    examples that were not learned from, in place of their single split the mean over folds, for
    there are few trials. A group is held out as a whole, so nothing is recognised by its neighbours
    in a trial. A support vector machine (radial basis functions on standardised numbers) sees
    numbers that do not belong together; boosted trees see each number's own distribution. In each
    fold, that is taken which does better on a part of what it may learn from.

    The p-value is that of exchanging whole groups between the sets within a fold, for the
    classifier that never saw them (:func:`~offline.evaluation.permutation.permutation_p`). What one
    fold tests others learn from, so folds are not independent: of their p-values twice the mean is
    taken, which holds whatever the dependence (Vovk and Wang 2020, doi 10.1093/biomet/asaa027).

    Where both sets hold the same people, the people are to be the groups: told by trials, a
    person's trial that is held out resembles those that are left in the other set, and accuracy
    falls below 0.5.

    Parameters
    ----------
    real, other : ExampleSet
        Examples as vectors, maps or features. As many of each class are drawn from both.
    most : int
        Examples of a set, at most: what is learned from more tells more, so rows of a table are to
        have as many.
    seed : int
        Fixes what is drawn.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared, or one has fewer than four groups.
    UndealtError
        If groups are so few and so unlike in size that a fold would lack one of the sets.
    """
    rng = np.random.default_rng(seed)
    first, second = matched(real, other, most, rng)
    x = np.concatenate([first.flat, second.flat])
    origin = np.repeat([0, 1], [len(first), len(second)])
    group = np.concatenate([first.groups, second.groups])
    label = np.concatenate([first.labels, second.labels])
    for each in (first, second):
        _refuse_few(len(np.unique(each.groups)))
    kinds = 2 * label + origin
    chosen: Counter[str] = Counter()
    accuracies, ps = [], []
    for train, test in _dealt(kinds, origin, group, _FOLDS, seed):
        name = _better(x[train], kinds[train], origin[train], group[train], seed)
        said = _classifier(name).fit(x[train], origin[train]).predict(x[test])
        chosen[name] += 1
        accuracies.append(_accuracy(origin[test], said))
        ps.append(_p(origin[test], said, group[test], seed))
    return TwoSample(
        accuracy=float(np.mean(accuracies)),
        p=min(1.0, 2 * float(np.mean(ps))),
        classifier=chosen.most_common(1)[0][0],
        examples=len(first),
    )


def _refuse_few(groups: int) -> None:
    if groups < LEAST_GROUPS:
        raise GeneratorError(
            f"a set has examples of {groups} group{'s' * (groups != 1)}; telling sets apart needs "
            f"{LEAST_GROUPS} of each, to learn from, to choose with and to test with"
        )


def _dealt(
    kinds: Rows, origin: Rows, group: NDArray[np.int64], folds: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Yield what is learned from and what is held out: both sets in each, no group in both."""
    from sklearn.model_selection import StratifiedGroupKFold

    fewest = min(len(np.unique(group[origin == k])) for k in (0, 1))
    dealer = StratifiedGroupKFold(max(min(folds, fewest // 2), 2), shuffle=True, random_state=seed)
    for train, test in dealer.split(kinds, kinds, group):
        if any(len(np.unique(origin[part])) < 2 for part in (train, test)):
            raise UndealtError("the groups of the two sets are too few and unlike to be dealt")
        yield train, test


def _better(
    x: NDArray[np.float64], kinds: Rows, origin: Rows, group: NDArray[np.int64], seed: int
) -> str:
    """Return the name of the classifier that does better on groups that it did not learn from."""
    train, test = next(_dealt(kinds, origin, group, _INNER_FOLDS, seed))

    def score(name: str) -> float:
        fitted = _classifier(name).fit(x[train], origin[train])
        return _accuracy(origin[test], fitted.predict(x[test]))

    return max(("rbf-svm", "boosted-trees"), key=score)


def _classifier(name: str) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    # Both sets have as many examples, so nothing need be weighed; weights make the trees slow.
    if name == "rbf-svm":
        return make_pipeline(StandardScaler(), SVC())
    return HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, early_stopping=False)


def _accuracy(origin: Rows, said: Rows) -> float:
    return Scores.of(origin.astype(np.int64), said.astype(np.int64), _ORIGINS).balanced_accuracy


def _p(origin: Rows, said: Rows, group: NDArray[np.int64], seed: int) -> float:
    """Return the p-value of one fold: the origins of whole groups are exchanged."""
    units, unit = np.unique(np.stack([origin, group]), axis=1, return_inverse=True)
    counts = np.zeros((1, units.shape[1], 2), np.int64)
    np.add.at(counts[0], (unit.ravel(), said), 1)
    all_alike = np.zeros(units.shape[1], np.int64)
    return permutation_p(counts, units[0].astype(np.int64), all_alike, seed)
