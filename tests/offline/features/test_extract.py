from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offline.datasets.recording import Recording, Trial, recording_of
from offline.features.extract import extract, normalised, trial_of_windows
from rtbci.errors import ChannelError, RecordingError
from rtbci.recipe import RawSignal, Recipe
from rtbci.signal.normalisation import Normaliser, Statistics
from rtbci.signal.path import SignalPath
from rtbci.signal.raw import PointWindows, window_points

CHANNELS = ("F3", "FZ", "F4", "PZ")
RECIPE = Recipe(channels=CHANNELS, window_s=0.5, hop_s=0.1)
SFREQ = 128.0


def make(seconds: float = 20.0, trials=(), channels=CHANNELS, rows=None) -> Recording:
    rng = np.random.default_rng(5)
    shape = (rows or len(channels), round(seconds * SFREQ))
    samples = (rng.standard_normal(shape) * 20 + 4000).astype(np.float32)
    return recording_of(samples, SFREQ, channels, name="file.edf", trials=trials)


def test_equals_the_live_path_fed_sample_by_sample():
    recording = make()
    features = extract(recording, RECIPE)
    path = SignalPath(RECIPE, SFREQ, CHANNELS)
    parts = [path.push(sample[None]) for sample in recording.read().T]
    assert len(features) > 100
    assert np.array_equal(features.maps, np.concatenate([part.values for part in parts]))
    assert np.array_equal(features.last, np.concatenate([part.last for part in parts]))
    assert np.array_equal(features.bad, np.concatenate([part.bad for part in parts]))


@pytest.mark.parametrize("sfreq", [128.0, 100.0])
def test_windows_of_the_signal_equal_the_live_path_s_fed_sample_by_sample(sfreq):
    recording = make()
    recipe = RECIPE.model_copy(update={"signal": RawSignal(sfreq=sfreq)})
    features = extract(recording, recipe)
    path = SignalPath(recipe, SFREQ, CHANNELS)
    live = PointWindows(window_points(recipe), len(CHANNELS))
    parts = [path.push(sample[None]) for sample in recording.read().T]
    windows = np.concatenate([live.push(part.points, part.first_point) for part in parts])
    assert np.array_equal(features.signal_windows(np.arange(len(features))), windows)
    assert windows[5:].all()
    assert np.array_equal(features.points, np.concatenate([part.points for part in parts]))
    assert features.points.dtype == np.float32
    plain = extract(recording, RECIPE)
    assert np.array_equal(features.maps, plain.maps)
    assert plain.points is None


def test_a_later_sample_changes_no_earlier_map():
    recording = make()
    changed = recording.read().copy()
    changed[:, 1500:] *= -3
    recipe = RECIPE.model_copy(update={"signal": RawSignal(sfreq=100)})
    before = extract(recording, recipe)
    after = extract(recording_of(changed, SFREQ, CHANNELS), recipe)
    early = before.last < 1500
    assert np.array_equal(before.maps[early], after.maps[early])
    assert not np.array_equal(before.maps[~early], after.maps[~early])
    rows = np.flatnonzero(early)
    assert np.array_equal(before.signal_windows(rows), after.signal_windows(rows))
    rows = np.flatnonzero(~early)[1:]  # the first one's newest samples are not yet in its points
    assert not (before.signal_windows(rows) == after.signal_windows(rows)).all(axis=(1, 2)).any()


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 80)), min_size=1, max_size=6),
    st.integers(2, 20),
    st.integers(1, 9),
)
def test_a_window_has_a_trial_only_if_it_lies_inside(gaps_and_lengths, window, hop):
    trials, at = [], 0
    for gap, length in gaps_and_lengths:
        trials.append(Trial(at + gap, at + gap + length, len(trials) % 3))
        at += gap + length
    last = np.arange(window - 1, at + 20, hop)
    found = trial_of_windows(last, window, trials)
    for end, index in zip(last, found, strict=True):
        owners = [
            {k for k, trial in enumerate(trials) if trial.start <= sample < trial.stop}
            for sample in range(end - window + 1, end + 1)
        ]
        common = set.intersection(*owners)
        assert (index in common) if common else (index == -1)


def test_labels_are_those_of_the_trials_and_settling_windows_have_none():
    first, second = Trial(0, 1000, 1), Trial(1200, 2400, 0)
    features = extract(make(trials=(first, second)), RECIPE)
    path = SignalPath(RECIPE, SFREQ, CHANNELS)
    begin = features.last - path.window + 1
    assert 0 < path.settling < 1000
    expected = np.full(len(features), -1)
    expected[(begin >= path.settling) & (features.last < 1000)] = 1
    expected[(begin >= 1200) & (features.last < 2400)] = 0
    assert np.array_equal(features.label, expected)
    assert np.array_equal(features.trial, np.array([1, 0, -1])[expected])


def test_an_unlabelled_trial_gives_unlabelled_windows():
    features = extract(make(trials=(Trial(0, 2400, -1),)), RECIPE)
    assert set(features.label) == {-1}


def test_normalising_is_the_live_normaliser_from_the_first_window_on():
    features = extract(make(), RECIPE)
    statistics = Statistics.fit(features.maps[50:])
    live = Normaliser(RECIPE, statistics)
    expected = [
        live.apply(features.maps[k : k + 1], features.bad[k : k + 1]) for k in range(len(features))
    ]
    for _ in range(2):  # each call starts afresh
        assert np.array_equal(normalised(features, statistics, RECIPE), np.concatenate(expected))


def test_too_few_channels_are_named_with_the_file():
    with pytest.raises(ChannelError, match=r"^file.edf: .*FZ"):
        extract(make(channels=("F3", "C3", "C4")), RECIPE)


@pytest.mark.parametrize(
    ("recording", "said"),
    [
        (make(rows=3), "file.edf: holds 3 channels, 4 are named: F3, FZ, F4, PZ"),
        (make(seconds=0), "file.edf: holds no samples"),
        (make(seconds=0.2), "file.edf: shorter than one window of 0.5 s"),
    ],
)
def test_a_recording_that_is_no_good_is_refused_in_one_line(recording, said):
    with pytest.raises(RecordingError, match=said):
        extract(recording, RECIPE)
