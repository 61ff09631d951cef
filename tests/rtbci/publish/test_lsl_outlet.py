"""The LSL outlet, read back by pylsl as a recorder would."""

from __future__ import annotations

import uuid

import pylsl
import pytest

from rtbci.errors import PublishError
from rtbci.publish.lsl_outlet import PredictionOutlet
from rtbci.publish.wire import Prediction

pytestmark = pytest.mark.timeout(60)

CLASSES = ("negative", "neutral", "positive")


def read_back(outlet: PredictionOutlet, source_id: str, first: Prediction) -> pylsl.StreamInlet:
    """Connect as a recorder does, and push ``first`` until it comes through.

    liblsl enters a reader in the outlet's list some time after the reader's own side is open, and
    what is pushed until then does not reach it.
    """
    found = pylsl.resolve_byprop("source_id", source_id, timeout=20)
    assert len(found) == 1
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=20)
    while inlet.pull_sample(timeout=0.05)[1] is None:
        outlet.push(first)
    return inlet


def next_after(inlet: pylsl.StreamInlet, first: Prediction) -> tuple[list[float], float]:
    """Return the next sample that is not ``first`` once more."""
    while True:
        sample, timestamp = inlet.pull_sample(timeout=20)
        if timestamp != first.lsl_time:
            return sample, timestamp


def channel_labels(info: pylsl.StreamInfo) -> list[str]:
    labels = []
    channel = info.desc().child("channels").child("channel")
    while not channel.empty():
        labels.append(channel.child_value("label"))
        channel = channel.next_sibling()
    return labels


def test_recorder_reads_probabilities_label_and_time(messages):
    source = uuid.uuid4().hex
    with PredictionOutlet("eeg", source, CLASSES, "cnn v1") as outlet:
        first = messages.prediction(lsl_time=1.0)
        inlet = read_back(outlet, f"{source}-prediction", first)
        info = inlet.info(timeout=20)
        assert info.name() == "eeg-prediction"
        assert info.type() == "Prediction"
        assert info.nominal_srate() == 0.0
        assert info.channel_format() == pylsl.cf_float32
        assert channel_labels(info) == ["negative", "neutral", "positive", "label", "abstained"]
        assert info.desc().child_value("eeg_stream") == "eeg"
        assert info.desc().child_value("model") == "cnn v1"

        # The order of the keys is not the order of the channels.
        shuffled = {"positive": 0.125, "negative": 0.625, "neutral": 0.25}
        outlet.push(messages.prediction(lsl_time=1234.5678901))
        outlet.push(
            messages.prediction(
                label="negative", probabilities=shuffled, abstained=True, lsl_time=1235.25
            )
        )
        assert next_after(inlet, first) == ([0.125, 0.25, 0.625, 2.0, 0.0], 1234.5678901)
        assert next_after(inlet, first) == ([0.625, 0.25, 0.125, 0.0, 1.0], 1235.25)


def test_any_number_of_classes(messages):
    source = uuid.uuid4().hex
    with PredictionOutlet("eeg", source, ("calm", "excited"), "m") as outlet:
        first, second = (
            messages.prediction(
                label=label, probabilities={"calm": 0.25, "excited": 0.75}, lsl_time=t
            )
            for label, t in (("calm", 1.0), ("excited", 2.0))
        )
        inlet = read_back(outlet, f"{source}-prediction", first)
        outlet.push(second)
        assert next_after(inlet, first) == ([0.25, 0.75, 1.0, 0.0], 2.0)


def test_prediction_of_other_classes_is_refused(messages):
    with (
        PredictionOutlet("eeg", uuid.uuid4().hex, ("calm", "excited"), "m") as outlet,
        pytest.raises(PublishError, match="opened for calm, excited"),
    ):
        outlet.push(messages.prediction())


def test_closed_outlet_leaves_the_network(messages):
    source = uuid.uuid4().hex
    outlet = PredictionOutlet("eeg", source, CLASSES, "m")
    assert pylsl.resolve_byprop("source_id", f"{source}-prediction", timeout=20)
    outlet.close()
    assert not pylsl.resolve_byprop("source_id", f"{source}-prediction", timeout=0.5)
    with pytest.raises(PublishError, match="closed"):
        outlet.push(messages.prediction())
