from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from offline.datasets.readers import open_recording
from offline.datasets.recording import Event, Recording, Trial, recording_of
from replay.sources import Marker, RecordingSource
from rtbci.errors import ReplayError
from tests.replay.gathering import gather

SFREQ = 100.0


def ramp(n_samples: int = 50, **fields: object) -> Recording:
    """A recording whose every value says which sample and channel it is."""
    samples = np.arange(n_samples, dtype=np.float32) + np.array([[0], [1000]], np.float32)
    return recording_of(samples, SFREQ, ("CZ", "PZ"), name="ramp", **fields)


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_blocks_of_any_size_make_the_same_signal(size: int) -> None:
    recording = ramp(
        trials=(Trial(0, 20, 2), Trial(20, 50, 0)), events=(Event(7, "T0"), Event(49, "T1"))
    )
    samples, markers = gather(RecordingSource(recording), size)
    np.testing.assert_array_equal(samples, recording.read().T)
    assert markers == [
        Marker(0, "trial 1 positive"),
        Marker(7, "T0"),
        Marker(20, "trial 1 end"),
        Marker(20, "trial 2 negative"),
        Marker(49, "T1"),
        Marker(50, "trial 2 end"),
    ]


@pytest.mark.parametrize("size", [1, 7, 50, 120])
def test_a_loop_goes_on_without_a_seam(size: int) -> None:
    source = RecordingSource(ramp(trials=(Trial(10, 50, 1),)), loop=True)
    assert source.n_samples is None
    samples, markers = gather(source, size, 240)
    np.testing.assert_array_equal(samples[:, 0], np.arange(240) % 50)
    np.testing.assert_array_equal(samples[:, 1], 1000 + np.arange(240) % 50)
    first_turns = [marker for marker in markers if marker.sample <= 100]
    assert first_turns == [
        Marker(10, "trial 1 neutral"),
        Marker(50, "trial 1 end"),
        Marker(60, "trial 1 neutral"),
        Marker(100, "trial 1 end"),
    ]


def test_a_stretch_is_cut_with_its_trials() -> None:
    recording = ramp(
        trials=(Trial(0, 10, 0), Trial(15, 30, 1), Trial(35, 45, 7)), events=(Event(12, "gone"),)
    )
    source = RecordingSource(recording, start_s=0.2, stop_s=0.4)
    samples, markers = gather(source, 6)
    assert source.n_samples == 20
    np.testing.assert_array_equal(samples[:, 0], np.arange(20, 40))
    assert markers == [
        Marker(0, "trial 2 neutral"),
        Marker(10, "trial 2 end"),
        Marker(15, "trial 3 7"),
        Marker(20, "trial 3 end"),
    ]


@pytest.mark.parametrize(
    ("start", "stop", "said"),
    [(0.5, None, "--start"), (-0.1, None, "--start"), (0, 0.6, "--stop"), (0.3, 0.3, "--stop")],
)
def test_a_stretch_outside_the_recording_is_refused(
    start: float, stop: float | None, said: str
) -> None:
    with pytest.raises(ReplayError, match=rf"{said}.*0\.5 s"):
        RecordingSource(ramp(), start, stop)


def test_an_unknown_label_is_said_to_be_unknown() -> None:
    _, markers = gather(RecordingSource(ramp(trials=(Trial(0, 50, -1),))), 50)
    assert markers[0] == Marker(0, "trial 1 unknown")


@pytest.mark.parametrize("file", ["sx_v5.mat", "sx_v73.mat"])
def test_a_seed_layout_file_plays_with_its_trials(shared_data, file: str) -> None:
    path: Path = shared_data("seedlike_derived") / file
    samples, markers = gather(RecordingSource(open_recording(path)), 777)
    assert samples.shape == (9000, 62)
    assert [(marker.sample, marker.text) for marker in markers[:3]] == [
        (0, "trial 1 positive"),
        (3000, "trial 1 end"),
        (3000, "trial 2 neutral"),
    ]
