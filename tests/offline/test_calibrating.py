from __future__ import annotations

import numpy as np
import pytest

from offline.calibrating import Blocks, block_windows, measured, persons_of
from offline.datasets.recording import Recording
from offline.features.extract import Features, extract
from offline.recognisers import inputs_of
from rtbci.errors import ConfigError
from rtbci.model.person import Person
from rtbci.model.recogniser import Recogniser
from rtbci.recipe import Calibration, Normalisation, Recipe
from rtbci.signal.normalisation import SignalScaler
from tests.offline.evaluation.people import CHANNELS, LABELS, RECIPE, SFREQ, TRIAL_S, person

REST = Calibration(classes=("low",), seconds=9)
BOTH = Calibration(classes=("low", "high"), seconds=6)


def recipe(block: Calibration | None, kind: str = "training") -> Recipe:
    return RECIPE.model_copy(
        update={
            "calibration": block,
            "normalisation": Normalisation(kind=kind, time_constant_s=5),
        }
    )


def persons_in(
    recordings: list[Recording], features: list[Features], asked: Recipe
) -> dict[int, Person]:
    blocks = block_windows(recordings, features, asked, asked.calibration)
    return persons_of(recordings, features, asked, blocks)


def features_of(recordings: list[Recording]) -> list[Features]:
    return [extract(each, RECIPE) for each in recordings]


def test_a_block_is_the_first_seconds_of_its_classes_over_several_trials():
    recordings = [person(1)]
    (features,) = features_of(recordings)
    blocks = block_windows(recordings, [features], RECIPE, REST)
    # Trials 0 and 3 are low. The first window of the first is the one after the filters settled.
    first, second = (np.flatnonzero(features.trial == k) for k in (0, 3))
    begin = features.last[first[0]] + 1 - features.window
    used = features.last[first[-1]] + 1 - begin
    stop = features.last[second[0]] + 1 - features.window + round(9 * SFREQ) - used
    expected = [*first, *second[features.last[second] < stop]]
    assert blocks.inside[0].rows.tolist() == expected
    starts = features.last + 1 - features.window
    overlapping = [*first, *second[starts[second] < stop]]
    assert blocks.touched[0].tolist() == overlapping
    assert len(overlapping) > len(expected)


def test_a_window_that_ends_with_the_block_is_in_it_and_the_next_is_not():
    recordings = [person(1)]
    (features,) = features_of(recordings)
    first = int(np.flatnonzero(features.trial == 0)[0])
    for windows in (1, 3):
        seconds = RECIPE.window_s + (windows - 1) * RECIPE.hop_s
        block = Calibration(classes=("low",), seconds=seconds)
        blocks = block_windows(recordings, [features], RECIPE, block)
        assert blocks.inside[0].rows.tolist() == list(range(first, first + windows))
        # A window a second long begins in the block for one second more, each half a second.
        assert blocks.touched[0].tolist() == list(range(first, first + windows + 1))


def test_a_persons_power_is_what_the_training_power_is_relative_to():
    asked = recipe(REST)
    recordings = [person(1), person(2, skill=3.0)]
    features = features_of(recordings)
    persons = persons_in(recordings, features, asked)
    train = {r: np.flatnonzero(each.label >= 0) for r, each in enumerate(features)}
    relative = np.concatenate(
        [
            np.square(features[r].signal_windows(rows), dtype=float).mean(axis=2) / persons[r].power
            for r, rows in train.items()
        ]
    )
    found = measured(features, train, asked, persons).training.power
    assert found == pytest.approx(relative.mean(axis=0))


def test_several_classes_share_the_block():
    recordings = [person(1)]
    (features,) = features_of(recordings)
    blocks = block_windows(recordings, [features], RECIPE, BOTH)
    trials = features.trial[blocks.inside[0].rows]
    assert set(trials) == {0, 1}
    for k in (0, 1):
        rows = blocks.inside[0].rows[trials == k]
        span = (features.last[rows[-1]] - features.last[rows[0]] + features.window) / SFREQ
        assert 3 - RECIPE.hop_s < span <= 3


def test_sessions_have_blocks_of_their_own_and_recordings_of_a_session_share_theirs():
    recordings = [person(1), person(1), person(1, session=2), person(2)]
    features = features_of(recordings)
    blocks = block_windows(recordings, features, RECIPE, REST)
    assert set(blocks.inside) == {0, 2, 3}
    persons = persons_in(recordings, features, recipe(REST))
    assert persons[0] is persons[1]
    assert len({id(each) for each in persons.values()}) == 3
    expected = features[2].maps[blocks.inside[2].rows]
    assert persons[2].mean == pytest.approx(expected.mean(axis=0))
    assert persons_in(recordings, features, recipe(None)) == {}


def test_too_long_a_block_names_whose_it_is_and_what_is_missing():
    recordings = [person(1), person(2)]
    long = Calibration(classes=("high",), seconds=100)
    n_high = sum(LABELS)
    with pytest.raises(
        ConfigError, match=r"subject 1, session 1 has \d+\.\d s of high.*100.0 s"
    ) as caught:
        block_windows(recordings, features_of(recordings), RECIPE, long)
    seconds = float(str(caught.value).split(" has ")[1].split(" s ")[0])
    assert n_high * (TRIAL_S - 1) <= seconds <= n_high * TRIAL_S


def test_windows_of_the_block_are_neither_learned_from_nor_scored():
    recordings = [person(1)]
    (features,) = features_of(recordings)
    blocks = block_windows(recordings, [features], RECIPE, REST)
    (left,) = blocks.outside([features])
    assert (left.trial[blocks.touched[0]] == -1).all()
    assert (left.label[blocks.touched[0]] == -1).all()
    block_end = features.last[blocks.inside[0].rows[-1]]
    kept = np.flatnonzero(left.trial >= 0)
    starts = features.last + 1 - features.window
    assert (starts[kept[kept > blocks.inside[0].rows[-1]]] > block_end).all()
    assert (features.trial[blocks.inside[0].rows] >= 0).all()  # the given ones stay as they were
    assert Blocks().outside([features]) == [features]


@pytest.mark.parametrize("kind", ["training", "adaptive"])
@pytest.mark.parametrize("block", [None, REST, BOTH])
@pytest.mark.parametrize("needs", ["maps", "covariances", "segments", "signal"])
def test_offline_sees_what_live_sees_bit_for_bit(needs, block, kind):
    from rtbci.model.person import personal
    from rtbci.model.views import view_of
    from rtbci.signal.path import SignalPath

    asked = recipe(block, kind)
    recordings = [person(1), person(2)]
    features = features_of(recordings)
    persons = persons_in(recordings, features, asked)
    train = {0: np.flatnonzero(features[0].label >= 0)}
    looked_at = needs == "covariances"
    measures = measured(features, train, asked, persons, mean_covariance=looked_at)
    windows = np.flatnonzero(features[1].label >= 0)[3::2]
    inputs = inputs_of(features[1], windows, measures.of(1), asked, needs)
    path = SignalPath(asked, SFREQ, CHANNELS)
    sees = "maps" if needs in ("maps", "segments") else needs
    view = view_of(sees, asked, personal(measures.training, persons.get(1)))
    live = np.concatenate(
        [view.apply(path.push(c)) for c in np.array_split(recordings[1].read().T, 41)]
    )[windows]
    if needs == "maps":
        np.testing.assert_array_equal(inputs.maps.astype(np.float32), live[:, -1])
    elif needs == "covariances":
        np.testing.assert_allclose(inputs.covariances, live, rtol=1e-9)
    else:
        seen = inputs.seen_by(needs)
        np.testing.assert_array_equal(seen.batch(np.arange(len(seen))), live)


def test_the_person_changes_what_is_seen():
    asked = recipe(REST)
    recordings = [person(1), person(2)]
    features = features_of(recordings)
    persons = persons_in(recordings, features, asked)
    train = {0: np.flatnonzero(features[0].label >= 0)}
    measures = measured(features, train, asked, persons)
    block = block_windows(recordings, features, asked, REST).inside[1].rows
    maps = inputs_of(features[1], block, measures.of(1), asked, "maps").maps
    relative = maps * measures.training.std + measures.training.mean
    assert relative.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert relative.std(axis=0) == pytest.approx(1, abs=1e-6)
    white = inputs_of(features[1], block, measures.of(1), asked, "covariances").covariances
    traces = np.trace(np.log(np.linalg.eigvalsh(white)).mean(axis=(0, 1))[None] * np.eye(6))
    assert abs(traces) < 0.05  # around the identity


def test_the_signals_power_follows_the_wearer_only_where_it_is_asked_to():
    rng = np.random.default_rng(0)
    windows = (5 * rng.standard_normal((50, 6, 64))).astype(np.float32)
    bad = np.zeros((50, 6), bool)
    bad[:, 2] = True
    fixed = SignalScaler(recipe(None), np.ones(6)).scales(windows, bad)
    assert (fixed == 1).all()
    scaler = SignalScaler(recipe(None, "adaptive"), np.ones(6))
    parts = [
        scaler.scales(w, b)
        for w, b in zip(np.array_split(windows, 7), np.array_split(bad, 7), strict=True)
    ]
    follows = np.concatenate(parts)
    assert (follows[:, 2] == 1).all()
    rate = 1 - np.exp(-RECIPE.hop_s / 5)
    power = 1.0
    for k in range(50):
        power += rate * (np.mean(windows[k, 0].astype(float) ** 2) - power)
        assert follows[k, 0] == pytest.approx(np.sqrt(power), rel=1e-6)


def test_a_model_with_a_calibration_needs_a_person(tmp_path):
    from rtbci.errors import PersonFileError
    from tests.system import make_model

    plain = make_model(tmp_path / "plain.pt", channels=CHANNELS)
    block = {"classes": ["neutral"], "seconds": 9}
    calibrated = make_model(tmp_path / "own.pt", channels=CHANNELS, calibration=block)
    recordings = [person(1)]
    anyone = persons_in(recordings, features_of(recordings), recipe(REST))[0]
    with pytest.raises(
        PersonFileError, match="9 s of its wearer's neutral.*rtbci calibrate.*--person"
    ):
        Recogniser(calibrated, SFREQ, CHANNELS)
    with pytest.raises(PersonFileError, match="plain has no use for a person"):
        Recogniser(plain, SFREQ, CHANNELS, person=anyone)
    Recogniser(calibrated, SFREQ, CHANNELS, person=anyone)
