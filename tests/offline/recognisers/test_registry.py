from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import has_fit_parameter

from offline.recognisers import RECOGNISERS, kind_named
from rtbci.errors import ConfigError

NAMES = tuple(RECOGNISERS)
CANDIDATES = [
    pytest.param(name, candidate, id=f"{name}-{k}")
    for name, kind in RECOGNISERS.items()
    for k, candidate in enumerate(kind.grid)
]


@pytest.mark.parametrize(("name", "candidate"), CANDIDATES)
def test_candidates_reach_the_estimator(name, candidate, recipe, settings):
    estimator = RECOGNISERS[name].build(recipe, 5, settings, **candidate)
    parameters = {key.split("__")[-1]: value for key, value in estimator.get_params().items()}
    assert candidate.items() <= parameters.items()


@pytest.mark.parametrize("name", NAMES)
def test_keeps_the_contract_of_scikit_learn(name, recipe, settings, part):
    kind = RECOGNISERS[name]
    estimator = kind.build(recipe, 0, settings, **kind.grid[0])
    assert is_classifier(estimator)
    parameters = estimator.get_params(deep=False)
    twin = clone(estimator).set_params(**parameters)
    assert type(twin) is type(estimator)
    assert twin.get_params().keys() == estimator.get_params().keys()
    (train, labels), (held_out, checked) = part(60, 1), part(30, 2)
    # What comes before the estimator would turn covariances into vectors.
    needs = "maps" if kind.features else kind.needs
    X, new = (each.seen_by(needs) for each in (train, held_out))
    said = []
    for each in (estimator, twin, clone(estimator)):
        takes_validation = has_fit_parameter(each, "validation")
        more = {"validation": (new, checked)} if takes_validation else {}
        assert each.fit(X, labels, **more) is each
        said.append(each.predict_proba(new))
        assert each.classes_.tolist() == [0, 1, 2]
        assert set(each.predict(new)) <= {0, 1, 2}
    assert np.array_equal(said[0], said[1])
    assert np.array_equal(said[0], said[2])
    assert said[0].shape == (30, 3)


def test_a_name_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(ConfigError, match="no recogniser 'svm'; there are trivial, .*linear-svm"):
        kind_named("svm")
