from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy import signal

from offline.datasets.readers import open_recording
from offline.datasets.recording import Event, Trial, recording_of
from replay.reference import recorded_reference, seamless, simulated_reference
from rtbci.errors import ReplayError

SFREQ = 200.0


def test_the_middle_stays_as_it_is_and_the_end_leads_to_the_beginning() -> None:
    x = np.cumsum(np.random.default_rng(0).normal(size=(3, 900)), axis=1) + 1000
    x[1] += np.linspace(0, 500, 900)  # a drift
    circle = seamless(x, 100)
    assert circle.shape == (3, 800)
    np.testing.assert_array_equal(circle[:, 100:], x[:, 100:-100].astype(np.float32))
    steps = np.abs(np.diff(np.concatenate([circle, circle], axis=1)))
    # The drift is gone back over within the hundred samples, six to each.
    assert (steps.max(axis=1) < 1.2 * np.abs(np.diff(x)).max(axis=1) + [0, 6, 0]).all()


def test_the_power_of_noise_is_kept_where_it_is_joined() -> None:
    x = np.random.default_rng(0).normal(size=(400, 900)) + 1e4
    joined = seamless(x, 200)[:, :200]
    assert np.abs(joined - 1e4).max() < 6
    np.testing.assert_allclose(joined.reshape(400, 10, 20).std(axis=(0, 2)), 1, atol=0.06)


def test_a_real_recording_goes_round_without_a_click(shared_data) -> None:
    recording = open_recording(shared_data("eegmat_200hz") / "Subject03_1.edf")
    short = recording_of(
        recording.read()[:, :4000],
        recording.sfreq,
        recording.channels,
        trials=(Trial(0, 100, 1),),
        events=(Event(7, "T0"),),
    )
    source = recorded_reference(short)
    assert source.n_samples is None
    blocks = list(islice(source.blocks(500), 30))
    assert not any(block.markers for block in blocks)
    x = np.concatenate([block.samples for block in blocks]).T
    length = 4000 - 200
    np.testing.assert_array_equal(x[:, :length], x[:, length : 2 * length])
    sos = signal.butter(4, 40, "highpass", fs=SFREQ, output="sos")
    rough = np.abs(signal.sosfiltfilt(sos, x))
    seam = rough[:, length - 20 : length + 20].max(axis=1)
    assert (seam < 1.3 * rough[:, 400 : length - 400].max(axis=1)).all()


def test_a_recording_has_to_last_a_little() -> None:
    with pytest.raises(ReplayError, match="lasts 2 s; a reference has to last 3 s"):
        recorded_reference(recording_of(np.zeros((2, 400)), SFREQ, ("CZ", "PZ")))


def test_a_sample_that_is_none_where_a_recording_begins_again_spoils_no_others() -> None:
    x = 20 * np.random.default_rng(0).standard_normal((2, 1000)) + np.linspace(-50, 90, 1000)
    holed = x.copy()
    holed[0, [3, 990]] = np.nan, np.inf
    whole, found = seamless(x, 100), seamless(holed, 100)
    assert np.flatnonzero(~np.isfinite(found[0])).tolist() == [3, 90]
    np.testing.assert_array_equal(found[1], whole[1])
    np.testing.assert_allclose(np.delete(found[0], [3, 90]), np.delete(whole[0], [3, 90]), atol=3)


def test_the_simulator_stays_in_the_emotion_that_a_calibration_is_of() -> None:
    source = simulated_reference(SFREQ, ("CZ", "PZ"), 3, "positive")
    texts = [m.text for block in islice(source.blocks(7000), 4) for m in block.markers]
    assert {text.split()[-1] for text in texts} == {"positive", "end"}
    told = "calibration is of rest, and the simulator knows negative, neutral, positive: name a rec"
    with pytest.raises(ReplayError, match=told):
        simulated_reference(SFREQ, ("CZ", "PZ"), 3, "rest")


def test_the_simulator_stays_neutral() -> None:
    source = simulated_reference(SFREQ, ("CZ", "PZ"), 3)
    assert source.n_samples is None
    texts = [m.text for block in islice(source.blocks(7000), 4) for m in block.markers]
    assert {text.split()[-1] for text in texts} == {"neutral", "end"}
    assert source.identity != simulated_reference(SFREQ, ("CZ", "PZ"), 4).identity
