from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import mne_lsl.lsl
import numpy as np
import pylsl
import pytest
from numpy.typing import NDArray

from offline.datasets.readers import open_recording
from offline.datasets.recording import Event, Recording, Trial, recording_of
from replay.generated import SimulatorSource
from replay.outlets import source_id
from replay.player import PlaySettings, play
from replay.simulator.simulator import Simulator
from replay.sources import RecordingSource, Source
from rtbci.errors import ReplayError
from rtbci.montage.positions import electrode_positions

SFREQ = 200.0
DIGIT = 4096  # sample i is (i // DIGIT, i % DIGIT): exact in float32 for any i below 2**36


def counter(n_samples: int, **fields: object) -> Recording:
    samples = np.stack(np.divmod(np.arange(n_samples), DIGIT))
    return recording_of(samples, SFREQ, ("CZ", "PZ"), name=f"counter {n_samples}", **fields)


def counted(samples: NDArray[np.float32]) -> NDArray[np.int64]:
    return samples[:, 0].astype(np.int64) * DIGIT + samples[:, 1].astype(np.int64)


@dataclass
class Headset:
    """A replay in a thread of its own."""

    source: Source
    settings: PlaySettings
    on_progress: Callable[[int], None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    sent: int | None = None

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.sent = play(self.source, self.settings, self.stop, self.on_progress)

    def connect(self, suffix: str = "") -> pylsl.StreamInlet:
        found = pylsl.resolve_byprop("name", self.settings.name + suffix, timeout=20)
        assert found, "the stream was not announced"
        return pylsl.StreamInlet(found[0])

    def receive(self, inlet: pylsl.StreamInlet) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Pull until the replay is over and nothing more comes."""
        samples, stamps = [], []
        while True:
            over = not self.thread.is_alive()
            chunk, times = inlet.pull_chunk(timeout=0.1, max_samples=8192)
            if len(times):
                # Nothing may be sent before it is due.
                assert times[-1] <= pylsl.local_clock()
                samples.append(np.array(chunk, np.float32))
                stamps.append(np.array(times))
            elif over:
                return np.concatenate(samples), np.concatenate(stamps)


@pytest.fixture
def start() -> Iterator[Callable[..., Headset]]:
    running: list[Headset] = []

    def begin(
        source: Source, on_progress: Callable[[int], None] | None = None, **settings: object
    ) -> Headset:
        given = {"speed": 20.0, "linger_s": 0.5} | settings
        headset = Headset(source, PlaySettings(f"test-{uuid.uuid4().hex}", **given), on_progress)
        running.append(headset)
        return headset

    yield begin
    for headset in running:
        headset.stop.set()
        headset.thread.join(10)


def assert_complete(headset: Headset, seconds: float) -> None:
    n_samples = round(seconds * SFREQ)
    samples, stamps = headset.receive(headset.connect())
    np.testing.assert_array_equal(counted(samples), np.arange(n_samples))
    assert headset.sent == n_samples
    due = stamps[0] + np.arange(n_samples) / (SFREQ * headset.settings.speed)
    np.testing.assert_allclose(stamps, due, rtol=0, atol=1e-6)


def test_every_sample_arrives_once_and_no_stamp_drifts(start) -> None:
    assert_complete(start(RecordingSource(counter(12_000))), seconds=60)


@pytest.mark.slow
def test_an_hour_arrives_complete_at_twenty_times_the_speed(start) -> None:
    assert_complete(start(RecordingSource(counter(720_000))), seconds=3600)


@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_chunks_of_any_size_deliver_the_same(start, chunk: int) -> None:
    assert_complete(start(RecordingSource(counter(2_500)), chunk=chunk), seconds=12.5)


def test_a_replay_that_fell_behind_catches_up_and_drops_nothing(start) -> None:
    stalls = iter([0.5, 0.3])

    def stall(sent: int) -> None:
        if sent % 1000 == 0:
            time.sleep(next(stalls, 0))

    headset = start(RecordingSource(counter(4_000)), stall, chunk=50)
    assert_complete(headset, seconds=20)


def test_it_waits_for_the_first_consumer(start) -> None:
    headset = start(RecordingSource(counter(400)), speed=1.0)
    time.sleep(2.5)  # longer than the whole recording
    before = pylsl.local_clock()
    samples, stamps = headset.receive(headset.connect())
    np.testing.assert_array_equal(counted(samples), np.arange(400))
    assert stamps[0] > before


def test_without_waiting_it_plays_into_the_void(start) -> None:
    headset = start(RecordingSource(counter(400)), wait=False)
    headset.thread.join(20)
    assert headset.sent == 400


def test_a_stop_ends_the_wait_for_a_consumer(start) -> None:
    headset = start(RecordingSource(counter(400)))
    headset.stop.set()
    headset.thread.join(20)
    assert headset.sent == 0


def test_markers_carry_the_time_of_their_samples(start) -> None:
    recording = counter(
        2_000, trials=(Trial(0, 600, 2), Trial(600, 2_000, -1)), events=(Event(777, "T1"),)
    )
    headset = start(RecordingSource(recording))
    markers = headset.connect("-markers")
    info = markers.info(20)
    assert (info.type(), info.channel_count(), info.nominal_srate()) == ("Markers", 1, 0)
    markers.open_stream(20)
    _, stamps = headset.receive(headset.connect())
    texts, times = [], []
    while len(texts) < 5:
        text, when = markers.pull_sample(timeout=5)
        assert when is not None, f"only {texts} came"
        texts.append(text[0])
        times.append(when)
    assert texts == [
        "trial 1 positive",
        "trial 1 end",
        "trial 2 unknown",
        "T1",
        "trial 2 end",
    ]
    due = [*stamps[[0, 600, 600, 777]], stamps[0] + 2_000 / (SFREQ * 20)]
    np.testing.assert_allclose(times, due, rtol=0, atol=1e-6)


def test_a_loop_goes_on_until_it_is_stopped(start) -> None:
    stop_at = threading.Event()

    def watch(sent: int) -> None:
        if sent >= 2_500:
            stop_at.set()
            headset.stop.set()

    headset = start(RecordingSource(counter(1_000), loop=True), watch, chunk=33)
    samples, stamps = headset.receive(headset.connect())
    assert stop_at.is_set()
    assert headset.sent is not None
    np.testing.assert_array_equal(counted(samples), np.arange(headset.sent) % 1_000)
    due = stamps[0] + np.arange(headset.sent) / (SFREQ * 20)
    np.testing.assert_allclose(stamps, due, rtol=0, atol=1e-6)


def test_a_stretch_is_played(start) -> None:
    headset = start(RecordingSource(counter(2_000), start_s=2, stop_s=5.5))
    samples, _ = headset.receive(headset.connect())
    np.testing.assert_array_equal(counted(samples), np.arange(400, 1_100))


def test_a_real_recording_arrives_as_it_is_described(start, shared_data) -> None:
    recording = open_recording(shared_data("eegmmidb_S001") / "S001R04.edf")
    headset = start(RecordingSource(recording, stop_s=10))
    found = mne_lsl.lsl.resolve_streams(timeout=20, name=headset.settings.name, minimum=1)
    inlet = mne_lsl.lsl.StreamInlet(found[0])
    inlet.open_stream(20)
    info = inlet.get_sinfo(20)
    assert (info.stype, info.dtype, info.sfreq) == ("EEG", np.float32, 160)
    assert info.get_channel_names() == list(recording.channels)
    assert set(info.get_channel_units()) == {"microvolts"}
    assert set(info.get_channel_types()) == {"EEG"}
    assert set(info.get_channel_info().get_channel_types()) == {"eeg"}  # as MNE takes it
    assert info.desc.child("acquisition").child_value("manufacturer") == "rtbci replay"
    assert "SIMULATED" not in info.as_xml

    channel = info.desc.child("channels").child("channel")
    for name in recording.channels:
        location = [float(channel.child("location").child_value(axis)) for axis in "XYZ"]
        np.testing.assert_allclose(location, 1e3 * electrode_positions([name])[0], atol=0.01)
        channel = channel.next_sibling()

    samples, _ = inlet.pull_chunk(timeout=20, max_samples=1600)
    np.testing.assert_array_equal(samples, recording.read()[:, :1600].T)


def test_a_simulated_signal_says_that_it_is_simulated(start) -> None:
    source = SimulatorSource(Simulator(SFREQ, ("FP1", "CB1")), "simulator 0", stop_s=5)
    headset = start(source)
    info = headset.connect().info(20)
    assert "SIMULATED" in info.desc().child("acquisition").child_value("model")
    assert info.get_channel_labels() == ["FP1", "CB1"]


def test_a_channel_without_a_place_has_no_location(start) -> None:
    recording = recording_of(np.ones((2, 400)), SFREQ, ("ECG", "EEG Cz"), name="two")
    info = start(RecordingSource(recording)).connect().info(20)
    ecg = info.desc().child("channels").child("channel")
    assert ecg.child("location").empty()
    assert not ecg.next_sibling().child("location").empty()


def test_a_restarted_replay_is_the_same_device() -> None:
    first, again = RecordingSource(counter(100)), RecordingSource(counter(100))
    assert source_id(first, "headset") == source_id(again, "headset")
    assert source_id(first, "headset") != source_id(first, "other")
    assert source_id(first, "headset") != source_id(RecordingSource(counter(101)), "headset")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"speed": 0.0}, "--speed 0"),
        ({"speed": -1.0}, "--speed -1"),
        ({"speed": float("nan")}, "--speed nan"),
        ({"speed": float("inf")}, "--speed inf"),
        ({"chunk": 0}, "--chunk 0"),
        ({"name": " "}, "--name"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ReplayError, match=said):
        PlaySettings(**{"name": "headset", **settings})
