"""What a person may set about the recognisers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from offline.models.attention import AttentionSettings
from offline.models.cnn import CnnSettings
from offline.models.conformer import ConformerSettings
from offline.models.eegnet import EEGNetSettings
from offline.models.graph import GraphSettings
from offline.models.image import ImageSettings
from offline.models.registry import NetworkSettings
from offline.training import TrainingSettings
from rtbci.configuration import Settings


class LinearSettings(Settings):
    """A linear recogniser; how strongly it is regularised is chosen on the validation part."""

    kind: Literal["logistic-regression", "regional", "linear-svm", "tangent-space"]


class RecogniserSettings(Settings):
    """How recognisers are fitted, beyond the hyper-parameters that validation chooses.

    Attributes
    ----------
    max_train_windows : int
        The most training windows, and as many validation windows, that a recogniser is given; more
        are thinned evenly within each class. The network learns in small batches and takes all.
    cnn, attention, image, graph, eegnet, conformer
        Sizes of the networks.
    training : TrainingSettings
        How networks are trained.
    """

    max_train_windows: Annotated[int, Field(ge=10)] = 20_000
    cnn: CnnSettings = CnnSettings()
    attention: AttentionSettings = AttentionSettings()
    image: ImageSettings = ImageSettings()
    graph: GraphSettings = GraphSettings()
    eegnet: EEGNetSettings = EEGNetSettings()
    conformer: ConformerSettings = ConformerSettings()
    training: TrainingSettings = TrainingSettings()


ModelSettings = Annotated[LinearSettings | NetworkSettings, Field(discriminator="kind")]
"""Kind and size of a recogniser that can run live."""


def settings_with(model: ModelSettings, training: TrainingSettings) -> RecogniserSettings:
    """Return settings in which one recogniser is as it is wanted."""
    if isinstance(model, LinearSettings):
        return RecogniserSettings(training=training)
    return RecogniserSettings(training=training, **{model.kind: model})
