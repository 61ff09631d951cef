"""What is measured offline is what the wearer gets."""

from __future__ import annotations

from offline.datasets.readers import open_recording
from tests.system import Listener, assert_same, make_model, offline, started, unique


def test_a_real_recording_live_equals_offline(shared_data, tmp_path):
    path = shared_data("eegmmidb_S001") / "S001R04.edf"
    model = make_model(tmp_path / "model.pt", notch_hz=60, reference="average", smoothing_s=1.0)
    recording = open_recording(path)
    expected = offline(model, recording.read(), recording.sfreq, recording.channels)
    assert len(expected) == 1241
    name = unique("amp")
    with (
        Listener() as listener,
        started("live", "-m", tmp_path / "model.pt", "-s", name, "--address", listener.address),
        started("replay", path, "--name", name, "--speed", 10),
    ):
        predictions = listener.predictions(len(expected))
        extra = listener.silence(2)
    assert not extra
    assert_same(predictions, expected, model.recipe.classes)
