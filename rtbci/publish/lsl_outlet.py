"""Predictions as an LSL stream, so that LabRecorder stores them beside the EEG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from mne_lsl.lsl import StreamInfo, StreamOutlet

from rtbci.errors import PublishError
from rtbci.publish.wire import Prediction

LABEL_CHANNEL = "label"
ABSTAINED_CHANNEL = "abstained"


class PredictionOutlet:
    """LSL outlet ``<stream>-prediction`` of type ``Prediction``.

    It is irregularly sampled, with one float32 channel per class that carries its probability, then
    the channel ``label`` that carries the index of the most probable class, and ``abstained``, 1
    where the model would rather not say and else 0. Its description names the channels, the EEG
    stream, the model and the classes in order.

    Parameters
    ----------
    stream_name : str
        Name of the EEG stream.
    source_id : str
        Source id of the EEG stream; the outlet's own adds ``-prediction`` to it. By this id a
        recorder finds the outlet again after a restart.
    classes : sequence of str
        Class names in the model's order.
    model_name : str
        Name of the model.
    """

    def __init__(
        self, stream_name: str, source_id: str, classes: Sequence[str], model_name: str
    ) -> None:
        self._classes = tuple(classes)
        n_channels = len(self._classes) + 2
        info = StreamInfo(
            name=f"{stream_name}-prediction",
            stype="Prediction",
            n_channels=n_channels,
            sfreq=0.0,
            dtype="float32",
            source_id=f"{source_id or stream_name}-prediction",
        )
        info.set_channel_names([*self._classes, LABEL_CHANNEL, ABSTAINED_CHANNEL])
        info.set_channel_types([*("probability" for _ in self._classes), "class index", "flag"])
        info.set_channel_units("none")
        info.desc.append_child_value("eeg_stream", stream_name)
        info.desc.append_child_value("model", model_name)
        classes_node = info.desc.append_child("classes")
        for name in self._classes:
            classes_node.append_child_value("class", name)
        self._sample = np.zeros(n_channels, dtype=np.float32)
        self._outlet: StreamOutlet | None = StreamOutlet(info)

    def push(self, prediction: Prediction) -> None:
        """Send a prediction, stamped with the LSL time of the last sample that it used.

        Parameters
        ----------
        prediction : Prediction
            A prediction of the outlet's classes.

        Raises
        ------
        PublishError
            If the prediction has other classes, or the outlet is closed.
        """
        if self._outlet is None:
            raise PublishError("the LSL outlet of predictions is closed")
        if prediction.probabilities.keys() != set(self._classes):
            raise PublishError(
                f"prediction {prediction.seq} of {prediction.stream!r} has the classes "
                f"{', '.join(prediction.probabilities)}; its LSL outlet was opened for "
                f"{', '.join(self._classes)}"
            )
        self._sample[:-2] = [prediction.probabilities[name] for name in self._classes]
        self._sample[-2:] = self._classes.index(prediction.label), prediction.abstained
        self._outlet.push_sample(self._sample, timestamp=prediction.lsl_time)

    def close(self) -> None:
        """Take the stream off the network."""
        # mne_lsl destroys an outlet when the last reference to it goes.
        self._outlet = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
