from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.evaluation.outcome import Fit, Said, Task
from offline.evaluation.protocols import Sessions, Trials
from offline.evaluation.store import FitStore
from rtbci.recipe import HiddenMarkov, Normalisation
from tests.offline.evaluation.people import RECIPE, bench, person
from tests.offline.evaluation.predicted import predictions

TASK = Task("svm", "fold 1", 0)


@pytest.fixture
def fit() -> Fit:
    made = predictions([(0, 0, 1, 5), (0, 1, 0, 7)], np.random.default_rng(0))
    said = Said(
        recording=np.zeros(20, np.int64),
        log_probabilities=np.log(np.random.default_rng(0).dirichlet([1, 1, 1], 20)),
        tested=np.arange(8, 20),
        trial=made.trial,
        seconds=made.seconds,
        label=made.label,
    )
    return Fit(TASK, said, {"C": 0.1}, validation=0.75, fit_s=1.25)


def test_what_is_saved_is_loaded(tmp_path, fit):
    store = FitStore(tmp_path / "new", bench())
    assert store.load(TASK) is None
    store.save(fit)
    found = FitStore(tmp_path / "new", bench()).load(TASK)
    assert found is not None
    assert (found.task, found.chosen, found.validation, found.fit_s) == (
        TASK,
        {"C": 0.1},
        0.75,
        1.25,
    )
    for name, column in vars(fit.said).items():
        np.testing.assert_array_equal(getattr(found.said, name), column)
        assert getattr(found.said, name).dtype == column.dtype


@pytest.mark.parametrize(
    "other",
    [
        Task("knn", "fold 1", 0),
        Task("svm", "fold 2", 0),
        Task("svm", "fold 1", 1),
        Task("svm", "fold 1", 0, draw=0),
    ],
)
def test_another_task_is_another_file(tmp_path, fit, other):
    store = FitStore(tmp_path, bench())
    store.save(fit)
    assert store.load(other) is None
    store.save(replace(fit, task=other, validation=0.1))
    assert store.load(TASK).validation == 0.75
    assert store.load(other).validation == 0.1


def test_whatever_a_fit_depends_on_makes_another_file(tmp_path, fit):
    made = bench()
    FitStore(tmp_path, made).save(fit)
    people = made.material.recordings
    trials = people[0].trials
    relabelled = replace(people[0], trials=(replace(trials[0], label=1), *trials[1:]))
    material = made.material

    def with_recordings(*recordings):
        return replace(made, material=replace(material, recordings=recordings))

    training = Normalisation(kind="training")
    recipe = material.recipe.model_copy(update={"normalisation": training})
    settings = made.settings.model_copy(update={"max_train_windows": 300})
    others = [
        with_recordings(relabelled, *people[1:]),
        with_recordings(replace(people[0], subject="9"), *people[1:]),
        with_recordings(*people[1:]),
        with_recordings(person(50), *people[1:]),
        replace(made, material=replace(material, recipe=recipe)),
        replace(made, material=replace(material, tested_only=(1,))),
        replace(made, protocol=Sessions(validation_share=0.4)),
        replace(made, protocol=Trials(train=3, test=3)),
        replace(made, settings=settings),
        replace(made, stride=2),
    ]
    for other in others:
        assert FitStore(tmp_path, other).load(TASK) is None
    assert FitStore(tmp_path, bench()).load(TASK) is not None


def test_another_smoothing_takes_the_same_file(tmp_path, fit):
    FitStore(tmp_path, bench()).save(fit)
    hmm = RECIPE.model_copy(update={"smoothing": HiddenMarkov(kind="hmm")})
    for recipe in (hmm, RECIPE.model_copy(update={"smoothing": None})):
        assert FitStore(tmp_path, bench(recipe=recipe)).load(TASK) is not None


def test_a_damaged_file_counts_as_none(tmp_path, fit):
    store = FitStore(tmp_path, bench())
    store.save(fit)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert store.load(TASK) is None
    store.save(fit)
    assert store.load(TASK) is not None
