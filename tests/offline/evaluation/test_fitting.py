from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.calibrating import Blocks
from offline.datasets.recording import Recording, recording_of
from offline.evaluation.fitting import Bench, as_live, run_task
from offline.evaluation.lag import lag_s
from offline.evaluation.outcome import Fit, Outcome, Predictions, Said, Task
from offline.evaluation.protocols import LeaveOneSubjectOut, RandomWindows, Sessions, Trials
from offline.features.extract import Features, extract
from offline.features.statistics import training_statistics
from offline.models.registry import NETWORKS
from offline.recognisers import RECOGNISERS, FittedRecogniser, Inputs, fit_chosen, inputs_of
from offline.recognisers.as_network import LIVE, as_network
from rtbci.model.file import Output, load_model, save_model
from rtbci.model.recogniser import Recogniser
from rtbci.model.smoothing import Smoother
from rtbci.recipe import Exponential, HiddenMarkov, Normalisation, Smoothing
from rtbci.signal.normalisation import Statistics
from tests.offline.evaluation.people import (
    CHANNELS,
    RECIPE,
    SETTINGS,
    SFREQ,
    bench,
    person,
    samples,
    trials,
)


def right(predictions: Predictions) -> float:
    return float(np.mean(predictions.probabilities.argmax(axis=1) == predictions.label))


def fitted(name: str) -> tuple[FittedRecogniser, Statistics]:
    """Train on one person and choose on another."""
    features = [extract(person(k), RECIPE) for k in (1, 2)]
    chosen = [np.flatnonzero(each.label >= 0) for each in features]
    statistics = training_statistics(features, {0: chosen[0]})

    def inputs(k: int) -> Inputs:
        return inputs_of(features[k], chosen[k], statistics, RECIPE, RECOGNISERS[name].needs)

    labels = [each.label[windows] for each, windows in zip(features, chosen, strict=True)]
    return (
        fit_chosen(name, inputs(0), labels[0], inputs(1), labels[1], RECIPE, 0, SETTINGS),
        statistics,
    )


def said(
    recogniser: FittedRecogniser, statistics: Statistics, recording: Recording
) -> tuple[Features, np.ndarray]:
    features = extract(recording, RECIPE)
    unsmoothed = as_live(recogniser, features, statistics, RECIPE)
    return features, Smoother(RECIPE).apply(unsmoothed)


def told(made: Bench, task: Task) -> Predictions:
    return Outcome.of(run_task(made, task), made.material.recipe).predictions


@pytest.mark.parametrize("name", RECOGNISERS)
@pytest.mark.parametrize("seed", range(3))
def test_a_later_sample_changes_no_earlier_prediction(name, seed):
    rng = np.random.default_rng(seed)
    recogniser, statistics = fitted(name)
    original = samples(77)
    since = int(rng.integers(300, original.shape[1] - 300))
    changed = original.copy()
    changed[:, since:] = rng.normal(size=changed[:, since:].shape) * 300
    changed[0, since] = np.nan
    features, before = said(recogniser, statistics, recording_of(original, SFREQ, CHANNELS))
    _, after = said(recogniser, statistics, recording_of(changed, SFREQ, CHANNELS))
    early = features.last < since
    np.testing.assert_array_equal(before[early], after[early])
    if name != "trivial":
        assert not np.array_equal(before[~early], after[~early])


@pytest.mark.parametrize("name", [*NETWORKS, *LIVE])
def test_live_says_the_same(tmp_path, name):
    recogniser, statistics = fitted(name)
    recording = person(3)
    _, offline = said(recogniser, statistics, recording)
    learned = as_network(recogniser)
    output = Output(temperature=learned.temperature)
    save_model(
        tmp_path / "m.pt", learned.network, RECIPE, statistics, {}, sees=learned.sees, output=output
    )
    samples, online = recording.read().T, []
    for chunks in (1, 97):
        live = Recogniser(load_model(tmp_path / "m.pt"), SFREQ, CHANNELS, "uV")
        said_live = [live.push(chunk).probabilities for chunk in np.array_split(samples, chunks)]
        online.append(np.concatenate(said_live))
    np.testing.assert_array_equal(*online)
    np.testing.assert_allclose(offline, online[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["logistic-regression", "tangent-space"])
def test_every_hop_of_the_test_part_is_predicted_with_its_place(name):
    made = bench()
    fit = run_task(made, Task(name, made.folds(0)[1].name, 0))
    predictions = Outcome.of(fit, RECIPE).predictions
    (tested,) = set(predictions.recording)
    features = extract(made.material.recordings[tested], RECIPE)
    windows = features.trial >= 0
    assert made.folds(0)[1].test == tuple((tested, k) for k in range(len(trials())))
    np.testing.assert_array_equal(predictions.trial, features.trial[windows])
    np.testing.assert_array_equal(predictions.label, features.label[windows])
    starts = np.array([trial.start for trial in trials()])[predictions.trial]
    np.testing.assert_allclose(predictions.seconds, (features.last[windows] + 1 - starts) / SFREQ)
    assert predictions.seconds.min() >= RECIPE.window_s
    assert right(predictions) > 0.9
    assert fit.fit_s > 0


def test_the_test_part_has_no_say_in_the_fit():
    # Statistics, hyper-parameters and weights come from elsewhere: other test samples, same fit.
    made = bench(protocol=LeaveOneSubjectOut(), subjects=3, sessions=1)
    task = Task("logistic-regression", made.folds(0)[0].name, 0)
    (tested,) = {recording for recording, _ in made.folds(0)[0].test}
    people = list(made.material.recordings)
    half = people[tested].read()
    half[:, half.shape[1] // 2 :] *= 40
    people[tested] = replace(people[tested], blocks=lambda: iter((half,)))
    other = replace(made, material=replace(made.material, recordings=tuple(people)))
    before, after = run_task(made, task), run_task(other, task)
    early = before.said.trial < 2
    assert early.any()
    first, second = told(made, task), told(other, task)
    np.testing.assert_array_equal(first.probabilities[early], second.probabilities[early])
    assert (before.chosen, before.validation) == (after.chosen, after.validation)


def test_the_scaling_follows_the_wearer_through_the_whole_recording():
    # Trials before the tested ones are part of what the wearer's scaling has seen.
    adaptive = RECIPE.model_copy(update={"normalisation": Normalisation(time_constant_s=5)})
    made = bench(1, 1, Trials(train=4, test=2, validation_share=0.5), adaptive)
    task = Task("logistic-regression", made.folds(0)[0].name, 0)
    before = told(made, task)
    (recording,) = made.material.recordings
    louder = recording.read()
    louder[:, : trials()[0].stop] *= 3
    changed = replace(recording, blocks=lambda: iter((louder,)))
    other = replace(made, material=replace(made.material, recordings=(changed,)))
    assert not np.array_equal(told(other, task).probabilities, before.probabilities)


def test_random_labels_are_scored_against_themselves():
    made = bench(6, 1, LeaveOneSubjectOut())
    scores = []
    for fold in made.folds(0):
        true = told(made, Task("logistic-regression", fold.name, 0))
        random = told(made, Task("logistic-regression", fold.name, 0, draw=1))
        np.testing.assert_array_equal(true.trial, random.trial)
        assert right(true) > 0.9
        scores.append(right(random))
    assert 0.2 < np.mean(scores) < 0.8


def test_random_windows_know_trials_again_that_mean_nothing():
    # Each trial with a level of its own, its label drawn: an honest protocol finds nothing, random
    # windows recognise the trial.
    rng = np.random.default_rng(2)
    people = []
    for k in range(4):
        levels = np.repeat(rng.uniform(0.5, 5, len(trials())), trials()[0].stop)
        made = samples(k, skill=0) * levels.astype(np.float32)
        people.append(
            recording_of(made, SFREQ, CHANNELS, subject=str(k), name=str(k), trials=trials())
        )
    honest = bench(protocol=Sessions())
    leaky = replace(
        honest,
        material=replace(honest.material, recordings=tuple(people)),
        protocol=RandomWindows(folds=3),
    )
    scores = [right(told(leaky, Task("rbf-svm", fold.name, 0, draw=3))) for fold in leaky.folds(0)]
    assert np.mean(scores) > 0.75


def test_the_same_task_gives_the_same_numbers():
    made = bench()
    task = Task("cnn", made.folds(0)[0].name, 5)
    first, again = told(made, task), told(made, task)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    other = told(made, replace(task, seed=6))
    assert not np.array_equal(first.probabilities, other.probabilities)


SMOOTHINGS = (
    None,
    Exponential(kind="exponential", time_constant_s=3.0),
    HiddenMarkov(kind="hmm", dwell_s=5.0),
)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_smoothing_runs_from_the_first_window_of_each_recording(smoothing: Smoothing | None):
    recipe = RECIPE.model_copy(update={"smoothing": smoothing})
    made = bench(1, 2, Trials(train=3, test=3, pooled=True, validation_share=0.5), recipe)
    (fold,) = made.folds(0)
    fit = run_task(made, Task("logistic-regression", fold.name, 0))
    outcome = Outcome.of(fit, recipe)
    for r, recording in enumerate(made.material.recordings):
        features = extract(recording, recipe)
        hops = fit.said.log_probabilities[fit.said.recording == r]
        mine = outcome.predictions.recording == r
        tested = np.flatnonzero(np.isin(features.trial, [t for k, t in fold.test if k == r]))
        assert tested[0] > 10  # the trained trials come before, and are smoothed as well
        live = Smoother(recipe)
        expected = np.concatenate([live.apply(hop[None]) for hop in hops])
        np.testing.assert_array_equal(outcome.predictions.probabilities[mine], expected[tested])
        np.testing.assert_array_equal(outcome.predictions.trial[mine], features.trial[tested])


def test_a_fit_is_the_same_under_any_smoothing_and_the_lag_is_its_own():
    fits: list[Fit] = []
    for smoothing in SMOOTHINGS:
        recipe = RECIPE.model_copy(update={"smoothing": smoothing})
        made = bench(recipe=recipe)
        fit = run_task(made, Task("cnn", made.folds(0)[0].name, 0))
        fits.append(fit)
        for name, column in vars(fits[0].said).items():
            np.testing.assert_array_equal(getattr(fit.said, name), column)
    said = fits[0].said
    tested = said.log_probabilities[said.tested]
    for smoothing in SMOOTHINGS:
        recipe = RECIPE.model_copy(update={"smoothing": smoothing})
        expected = 0.0 if smoothing is None else lag_s(recipe, tested, said.label)
        assert Outcome.of(fits[0], recipe).lag_s == expected


def test_lag_is_about_tested_windows_alone():
    recipe = RECIPE.model_copy(update={"smoothing": SMOOTHINGS[1]})
    right_then_wrong = np.log([[0.8, 0.2], [0.2, 0.8], [0.2, 0.8], [0.8, 0.2], [0.1, 0.9]])
    zeros = np.zeros(2, np.int64)
    said = Said(
        np.zeros(5, np.int64), right_then_wrong, np.array([0, 1]), zeros, zeros + 1.0, zeros
    )
    said = replace(said, label=np.array([0, 1]))
    outcome = Outcome.of(Fit(Task("svm", "all", 0), said, {}, 0.5, 1.0), recipe)
    assert outcome.lag_s == lag_s(recipe, right_then_wrong[:2], said.label)
    assert 0 < outcome.lag_s < 3
    assert len(outcome.predictions) == 2


def test_the_calibration_block_is_neither_learned_from_nor_scored():
    made = bench()
    task = Task("logistic-regression", made.folds(0)[0].name, 0)
    whole = run_task(made, task).said
    (tested,) = {recording for recording, _ in made.folds(0)[0].test}
    recordings = made.material.recordings
    everywhere = {
        r: np.flatnonzero(extract(each, RECIPE).trial == 0) for r, each in enumerate(recordings)
    }
    fit = run_task(replace(made, left_out=Blocks(touched=everywhere)), task)
    predictions = Outcome.of(fit, RECIPE).predictions
    assert set(predictions.recording) == {tested}
    assert set(predictions.trial) == set(range(1, len(trials())))
    assert not np.array_equal(whole.log_probabilities, fit.said.log_probabilities)
