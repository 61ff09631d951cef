from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from offline.calibrating import measured
from offline.datasets.recording import Recording, recording_of
from offline.explain.explaining import explain
from offline.explain.explanation import Explanation
from offline.features.extract import Features, extract
from offline.models.cnn import CnnSettings
from offline.recognisers import (
    RECOGNISERS,
    FittedRecogniser,
    Inputs,
    RecogniserSettings,
    fit_chosen,
    inputs_at,
    labels_at,
)
from offline.training import TrainingSettings
from rtbci.recipe import SEED_BANDS, Normalisation, RawSignal, Recipe
from tests.offline.evaluation.people import CHANNELS, SFREQ, TRIAL_S, trials

RECIPE = Recipe(
    classes=("low", "high"), channels=CHANNELS, hop_s=0.5, covariance=True,
    bands=SEED_BANDS[1:4], signal=RawSignal(sfreq=64, high=28), segments=2,
    normalisation=Normalisation(kind="training"),
)  # fmt: skip
SETTINGS = RecogniserSettings(
    cnn=CnnSettings(widths=(8, 8, 8), hidden=8),
    training=TrainingSettings(epochs=25, batch_size=16, learning_rate=3e-3),
)
WHERE, BAND = CHANNELS.index("C3"), 1  # a rhythm of 10 Hz, which is alpha, at one electrode


def person(subject: int) -> Recording:
    """Return EEG in which 10 Hz at C3 is stronger in trials of the class high."""
    rng = np.random.default_rng(subject)
    n = round(TRIAL_S * SFREQ)
    time = np.arange(n) / SFREQ
    parts = []
    for trial in trials():
        samples = rng.normal(size=(len(CHANNELS), n)) * 10
        samples[WHERE] += (4 + 16 * trial.label) * np.sin(2 * np.pi * 10 * time + rng.random())
        parts.append(samples)
    made = np.concatenate(parts, axis=1).astype(np.float32)
    return recording_of(
        made, SFREQ, CHANNELS, subject=str(subject), name=str(subject), trials=trials()
    )


@cache
def features() -> list[Features]:
    return [extract(person(k), RECIPE) for k in range(4)]


def part(name: str, *people: int) -> tuple[Inputs, np.ndarray]:
    """Return windows of people as a recogniser sees them, measured by the first two."""
    chosen = {k: np.flatnonzero(each.label >= 0) for k, each in enumerate(features())}
    measures = measured(features(), {k: chosen[k] for k in (0, 1)}, RECIPE, {})
    some = {k: chosen[k] for k in people}
    needs = RECOGNISERS[name].needs
    return inputs_at(some, features(), measures, RECIPE, needs), labels_at(some, features())


@cache
def fitted(name: str) -> FittedRecogniser:
    return fit_chosen(name, *part(name, 0, 1), *part(name, 2), RECIPE, 0, SETTINGS)


@cache
def explained(name: str) -> Explanation:
    return explain(fitted(name), *part(name, 3), RECIPE)


@pytest.mark.parametrize("name", [name for name in RECOGNISERS if name != "trivial"])
def test_what_tells_the_classes_apart_is_found(name):
    found = explained(name)
    electrodes, bands = found.electrode_nats.mean(axis=0), found.band_nats.mean(axis=0)
    for lost, place in ((electrodes, WHERE), (bands, BAND)):
        assert lost[place] > 1.5 * np.delete(lost, place).max(), lost
    assert found.electrode_accuracy.argmax() == WHERE
    assert found.band_accuracy.argmax() == BAND
    if found.attributions.size:
        evidence = found.attributions.mean(axis=0)
        plane = BAND if len(evidence) > 1 else 0
        assert np.unravel_index(evidence.argmax(), evidence.shape) == (plane, WHERE), evidence


def test_who_has_no_gradients_has_no_attributions():
    for name in ("k-nn", "tangent-space"):
        assert explained(name).attributions.shape == (2, 0, len(CHANNELS))
        assert explained(name).over_segments.shape == (2, 0)
    assert explained("eegnet").attributions.shape == (2, 1, len(CHANNELS))
    assert explained("eegnet").over_segments.shape == (2, 1)


@pytest.mark.parametrize("name", ["logistic-regression", "linear-svm"])
def test_of_linear_recognisers_attributions_are_weight_times_mean_input(name):
    inputs, labels = part(name, 3)
    estimator, inverse_temperature = fitted(name).estimator, 1.0
    if name == "linear-svm":
        inverse_temperature = estimator.inverse_temperature_
        estimator = estimator.estimator_
    # Log-odds of the second class: half of it is either's, where scores are s and -s.
    halves = 2.0 if name == "linear-svm" else 1.0
    weights = halves * inverse_temperature * estimator.coef_[0].reshape(RECIPE.map_shape)
    found = explained(name)
    for k, sign in enumerate((-1, 1)):
        mean = inputs.maps[labels == k].mean(axis=0)
        np.testing.assert_allclose(
            found.attributions[k], sign * weights * mean, rtol=1e-3, atol=1e-4
        )
        np.testing.assert_allclose(found.over_segments[k], [found.attributions[k].sum()])


@pytest.mark.parametrize("name", ["cnn", "attention"])
def test_segments_share_the_evidence(name):
    found = explained(name)
    assert found.over_segments.shape == (2, 2)
    np.testing.assert_allclose(
        found.over_segments.sum(axis=1), found.attributions.sum(axis=(1, 2)), rtol=1e-6
    )


def test_the_trivial_recogniser_loses_nothing():
    found = explained("trivial")
    for name in ("electrode_nats", "band_nats", "electrode_accuracy", "band_accuracy"):
        assert not getattr(found, name).any()


def test_a_class_that_the_recogniser_does_not_know_has_no_evidence():
    wider = RECIPE.model_copy(update={"classes": ("other", "low", "high")})
    learn, choose, test = (
        (inputs, labels + 1)
        for inputs, labels in (part("cnn", 0, 1), part("cnn", 2), part("cnn", 3))
    )
    known = fit_chosen("cnn", *learn, *choose, wider, 0, SETTINGS)
    inputs, labels = test
    labels[:5] = 0
    found = explain(known, inputs, labels, wider)
    assert np.isnan(found.attributions[0]).all()
    assert np.isnan(found.electrode_nats[0]).all()
    assert np.isfinite(found.attributions[1:]).all()
    # Those that it knows are the rows of its outputs, not the numbers of the classes.
    assert found.attributions[1:].mean(axis=0).argmax() == BAND * len(CHANNELS) + WHERE
