"""The recipe: a value that cannot change, contradict itself, or be lost in a model file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import SEED_BANDS, Band, Exponential, HiddenMarkov, Normalisation, Recipe

names = st.text(min_size=1, max_size=8)
positive = st.floats(1e-3, 60)


@st.composite
def bands(draw):
    low = draw(st.floats(0.1, 100))
    return Band(name=draw(names), low=low, high=low + draw(st.floats(0.1, 100)))


recipes = st.builds(
    Recipe,
    classes=st.lists(names, min_size=2, max_size=6, unique=True).map(tuple),
    channels=st.lists(st.sampled_from(SEED_CHANNELS), min_size=1, max_size=62, unique=True).map(
        tuple
    ),
    bands=st.lists(bands(), min_size=1, max_size=7, unique_by=lambda band: band.name).map(tuple),
    filter_order=st.integers(1, 8),
    window_s=positive,
    hop_s=positive,
    reference=st.sampled_from(["none", "average"]),
    notch_hz=st.none() | positive,
    variance_floor=st.floats(1e-12, 1),
    interpolate=st.floats(0, 0.99),
    grid=st.sampled_from(["9x9", "8x9", "19x19"]),
    normalisation=st.builds(
        Normalisation, kind=st.sampled_from(["training", "adaptive"]), time_constant_s=positive
    ),
    smoothing=st.none()
    | st.builds(Exponential, kind=st.just("exponential"), time_constant_s=positive)
    | st.builds(HiddenMarkov, kind=st.just("hmm"), dwell_s=positive),
    features=st.permutations(["de", "psd"]).map(tuple) | st.sampled_from([("de",), ("psd",)]),
    covariance=st.booleans(),
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(recipe=recipes)
def test_a_recipe_comes_back_from_json_as_it_was(recipe):
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_what_is_not_said_is_seed_s():
    recipe = Recipe()
    assert recipe.classes == ("negative", "neutral", "positive")
    assert recipe.channels == SEED_CHANNELS
    assert [(band.name, band.low, band.high) for band in recipe.bands] == [
        ("delta", 1, 4),
        ("theta", 4, 8),
        ("alpha", 8, 14),
        ("beta", 14, 31),
        ("gamma", 31, 50),
    ]
    assert recipe.map_shape == (5, 62)
    assert recipe.features == ("de",)
    assert recipe.planes == ("delta DE", "theta DE", "alpha DE", "beta DE", "gamma DE")
    assert not recipe.covariance


def test_a_map_has_a_plane_for_each_feature_of_each_band():
    recipe = Recipe(features=["psd", "de"], bands=SEED_BANDS[1:3], channels=("CZ", "FZ", "PZ"))
    assert recipe.planes == ("theta PSD", "alpha PSD", "theta DE", "alpha DE")
    assert recipe.map_shape == (4, 3)


def test_nothing_in_a_recipe_can_be_changed():
    recipe = Recipe()
    for value, key in [(recipe, "hop_s"), (recipe.bands[0], "low"), (recipe.normalisation, "kind")]:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(value, key, getattr(value, key))
    assert isinstance(recipe.channels, tuple)
    assert isinstance(Recipe(channels=["FP1", "FP2"]).channels, tuple)


def test_channels_take_their_one_spelling():
    recipe = Recipe(channels=("EEG Fp1", "t3", "Oz.", "F3-REF"))
    assert recipe.channels == ("FP1", "T7", "OZ", "F3")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": ("FP1", "fp1")}, "channel FP1 is named twice"),
        ({"channels": ("T5", "P7")}, "channel P7 is named twice"),
        ({"classes": ("calm", "calm")}, "class calm is named twice"),
        ({"classes": ("calm",)}, "at least 2 items"),
        ({"bands": (SEED_BANDS[0], SEED_BANDS[0])}, "band delta is named twice"),
        (
            {"bands": ({"name": "up", "low": 8, "high": 4},)},
            "band up ends at 4 Hz, not above its 8",
        ),
        (
            {"bands": ({"name": "up", "low": 4, "high": 4},)},
            "band up ends at 4 Hz, not above its 4",
        ),
        ({"bands": ({"name": "up", "low": 0, "high": 4},)}, "greater than 0"),
        ({"channels": ("FP1", "PO9", "A2")}, "grid 9x9 has no cell for PO9, A2"),
        ({"grid": "10x10"}, "there are the grids 9x9, 8x9, 19x19"),
        ({"channels": ()}, "at least 1 item"),
        ({"hop": 0.1}, "Extra inputs are not permitted"),
        ({"hop_s": float("inf")}, "less than or equal to 60|finite number"),
        ({"filter_order": 0}, "greater than or equal to 1"),
        ({"interpolate": 1.0}, "less than 1"),
        ({"features": ()}, "at least 1 item"),
        ({"features": ("de", "de")}, "feature de is named twice"),
        ({"features": ("de", "hjorth")}, "should be 'de' or 'psd'"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, said):
    with pytest.raises(ValidationError, match=said):
        Recipe(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shrinkage": 0}, "greater than or equal to 0.001"),
        ({"segments": 3, "segment_s": 0.25}, "is 0.25 s, no whole number of hops of 0.1 s"),
        ({"signal": {"sfreq": 80, "high": 45}}, "high below half of its sfreq, 40 Hz"),
        ({"calibration": {"classes": ["neutral"], "seconds": 0.5}}, "less than one window of 1 s"),
        (
            {"classes": ("a", "b"), "calibration": {"classes": ["rest"]}},
            "calibration.classes names rest; the classes are a, b",
        ),
        (
            {"classes": ("a", "b"), "calibration": {"classes": ["a"], "prototypes": True}},
            "prototypes needs a block of all classes",
        ),
        ({"smoothing": {"kind": "hmm", "dwell_s": 0}}, "greater than 0"),
    ],
)
def test_what_does_not_fit_together_is_said(changes, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        Recipe.model_validate(changes)


def test_a_calibration_of_a_data_sets_classes_may_be_written_before_they_are_known():
    Recipe(calibration={"classes": ["rest"], "seconds": 30})


def test_a_networks_history_is_counted_in_hops():
    recipe = Recipe(segments=6, segment_s=0.5, hop_s=0.1)
    assert (recipe.segment_hops, recipe.history_hops) == (5, 25)
    assert Recipe().history_hops == 0
