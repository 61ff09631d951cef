"""The recogniser: the same prediction however the samples come, and never from the future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbci.errors import ChannelError
from rtbci.model.recogniser import Recogniser
from rtbci.model.smoothing import Smoother
from rtbci.montage.names import SEED_CHANNELS
from rtbci.signal.normalisation import Normaliser
from rtbci.signal.path import SignalPath
from tests.system import make_model

SFREQ = 200.0
CHANNELS = SEED_CHANNELS[:4]
FEW = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)
SMOOTHING = {
    "none": None,
    "exponential": {"kind": "exponential", "time_constant_s": 1.5},
    "hmm": {"kind": "hmm"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        name: make_model(folder / f"{name}.pt", channels=CHANNELS, smoothing=smoothing)
        for name, smoothing in SMOOTHING.items()
    }


def eeg(seconds: float, seed: int, channels: int = len(CHANNELS)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(round(seconds * SFREQ), channels))
    return 10 * rng.normal(size=steps.shape) + np.cumsum(steps, axis=0)


def recogniser(model, **options) -> Recogniser:
    return Recogniser(model, SFREQ, model.recipe.channels, **options)


def in_pieces(target: Recogniser, samples: np.ndarray, cuts: list[int]) -> dict[str, np.ndarray]:
    pieces, at, turn = [], 0, 0
    while at < len(samples):
        size = cuts[turn % len(cuts)]
        pieces.append(target.push(samples[at : at + size]))
        at, turn = at + size, turn + 1
    return {
        name: np.concatenate([getattr(piece, name) for piece in pieces])
        for name in ("probabilities", "last", "bad", "settled")
    }


@FEW
@given(
    seed=seeds,
    smoothing=st.sampled_from(sorted(SMOOTHING)),
    cuts=st.lists(st.integers(1, 300), min_size=1, max_size=8),
)
def test_it_does_not_matter_how_samples_come(models, seed, smoothing, cuts):
    samples = eeg(5, seed)
    whole = recogniser(models[smoothing]).push(samples)
    found = in_pieces(recogniser(models[smoothing]), samples, cuts)
    for name in ("probabilities", "last", "bad", "settled"):
        np.testing.assert_array_equal(found[name], getattr(whole, name))
    np.testing.assert_array_equal(whole.last, np.arange(199, 1000, 20))
    assert len(whole) == 41
    np.testing.assert_allclose(whole.probabilities.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (whole.probabilities >= 0).all()
    assert np.ptp(whole.probabilities, axis=0).min() > 0  # they do depend on the samples


@FEW
@given(
    seed=seeds,
    smoothing=st.sampled_from(sorted(SMOOTHING)),
    change=st.integers(0, 999),
    channel=st.integers(0, 3),
    value=st.floats(allow_nan=True, allow_infinity=True),
)
def test_no_sample_changes_a_prediction_before_it(models, seed, smoothing, change, channel, value):
    samples = eeg(5, seed)
    before = recogniser(models[smoothing]).push(samples)
    samples[change, channel] = value
    samples[change + 1 :] *= -3
    after = recogniser(models[smoothing]).push(samples)
    earlier = before.last < change
    np.testing.assert_array_equal(after.probabilities[earlier], before.probabilities[earlier])
    np.testing.assert_array_equal(after.bad[earlier], before.bad[earlier])
    assert np.isfinite(after.probabilities).all()


@pytest.mark.parametrize("kind", SMOOTHING)
def test_predictions_are_smoothed_as_the_recipe_says(models, kind):
    samples = eeg(6, 0)
    plain = recogniser(models["none"]).push(samples).probabilities
    found = recogniser(models[kind]).push(samples).probabilities
    expected = Smoother(models[kind].recipe).apply(np.log(plain))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("features", [("de", "psd"), ("psd",)])
def test_a_network_is_fed_all_planes_of_its_recipe(tmp_path, features):
    model = make_model(tmp_path / "m.pt", channels=CHANNELS, features=features, covariance=True)
    samples = eeg(5, 0)
    target = recogniser(model)
    target.warm_up()
    found = in_pieces(target, samples, [7, 130])
    # The network by hand: on the maps of the path, as the recipe's planes.
    maps = SignalPath(model.recipe, SFREQ, CHANNELS).push(samples)
    standardised = Normaliser(model.recipe, model.statistics).apply(maps.values, maps.bad)
    seen = standardised.astype(np.float32)[:, None]
    assert seen.shape == (41, 1, 5 * len(features), 4)
    expected = model.predict_proba(seen)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=0, atol=1e-6)
    for plane in range(seen.shape[2]):  # each plane counts
        blanked = seen.copy()
        blanked[:, :, plane] = 0
        assert np.abs(model.predict_proba(blanked) - expected).max() > 1e-3


def test_the_filters_are_settled_from_one_window_on(models):
    target = recogniser(models["none"])
    settled = in_pieces(target, eeg(8, 0), [37])["settled"]
    first = np.flatnonzero(settled)[0]
    assert 0 < first < len(settled) - 1
    assert settled[first:].all()
    # The first window that begins once the filters have forgotten their start.
    begins = 20 * np.arange(len(settled))
    assert begins[first - 1] < target.path.settling <= begins[first]


def test_a_history_has_to_settle_as_well(tmp_path):
    model = make_model(tmp_path / "m.pt", channels=CHANNELS, segments=4, segment_s=0.5)
    target = recogniser(model)
    settled = in_pieces(target, eeg(10, 0), [37])["settled"]
    begins = 20 * np.arange(len(settled)) - 3 * 100  # of the oldest of four windows
    assert np.array_equal(settled, begins >= target.path.settling)
    assert settled.any()


def test_reset_is_a_new_start(models):
    target = recogniser(models["exponential"])
    samples = eeg(5, 0)
    first = target.push(samples)
    assert not np.allclose(target.push(samples).probabilities[-41:], first.probabilities)
    target.push(samples[:133] * 50)
    target.reset()
    again = target.push(samples)
    for name in ("probabilities", "last", "bad", "settled"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_warming_up_leaves_no_trace(models):
    samples = eeg(3, 0)
    cold, warm = recogniser(models["exponential"]), recogniser(models["exponential"])
    warm.push(samples)
    cold.push(samples)
    warm.warm_up()
    np.testing.assert_array_equal(
        warm.push(samples).probabilities, cold.push(samples).probabilities
    )


def test_few_samples_predict_nothing(models):
    found = recogniser(models["none"]).push(eeg(0.9, 0))
    assert len(found) == 0
    assert found.probabilities.shape == (0, 3)
    assert found.bad.shape == (0, 4)


def test_two_classes_and_19_channels_of_a_headset_that_has_more(tmp_path):
    # fmt: off
    electrodes = [
        "FP1", "FP2", "F3", "F4", "F7", "F8", "T3", "T4", "C3", "C4",
        "T5", "T6", "P3", "P4", "O1", "O2", "FZ", "CZ", "PZ",
    ]
    # fmt: on
    model = make_model(tmp_path / "m.pt", classes=("rest", "arithmetic"), channels=electrodes)
    samples = eeg(3, 0, channels=19)
    plain = Recogniser(model, SFREQ, electrodes).push(samples)
    assert plain.probabilities.shape == (21, 2)
    np.testing.assert_allclose(plain.probabilities.sum(axis=1), 1)
    # The same in volts, in another order, beside an ECG.
    order = np.random.default_rng(0).permutation(19)
    names = ["ECG", *(f"EEG {electrodes[k].title()}" for k in order)]
    stream = np.column_stack([samples[:, 0], samples[:, order] * 1e-6])
    found = Recogniser(model, SFREQ, names, ["beats", *["V"] * 19]).push(stream)
    np.testing.assert_allclose(found.probabilities, plain.probabilities, rtol=0, atol=1e-6)


def test_a_channel_without_a_number_is_said_to_be_bad(models):
    samples = eeg(4, 0)
    samples[400:410, 2] = np.nan
    bad = recogniser(models["none"]).push(samples).bad
    assert not bad[:, [0, 1, 3]].any()
    ends = 199 + 20 * np.arange(len(bad))
    np.testing.assert_array_equal(bad[:, 2], (ends >= 400) & (ends - 199 < 410))


def test_a_stream_that_does_not_fit_is_refused(models):
    with pytest.raises(ChannelError, match="channels are missing"):
        Recogniser(models["none"], SFREQ, ["FP1", "O1", "O2"])
    with pytest.raises(ChannelError, match=r"\(5, 3\)"):
        recogniser(models["none"]).push(np.zeros((5, 3)))
