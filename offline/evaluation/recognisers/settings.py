"""What a person may set about the recognisers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from offline.models.cnn import CnnSettings
from offline.training import TrainingSettings
from rtbci.configuration import Settings


class RecogniserSettings(Settings):
    """How recognisers are fitted, beyond the hyper-parameters that validation chooses.

    Attributes
    ----------
    max_train_windows : int
        The most training windows, and as many validation windows, that a recogniser is given; more
        are thinned evenly within each class. The network learns in small batches and takes all.
    shrinkage : float
        Share of each covariance matrix that is replaced by its mean variance times the identity;
        for ``tangent-space``. Below 0.001 a slow band's matrices, which have far less than full
        rank, would be too nearly singular to have a mean.
    cnn : CnnSettings
        Size of the network.
    training : TrainingSettings
        How the network is trained. All recognisers share their windows, so that it has no
        ``window_stride_s`` of its own here.
    """

    max_train_windows: Annotated[int, Field(ge=10)] = 20_000
    shrinkage: Annotated[float, Field(ge=0.001, le=1)] = 0.1
    cnn: CnnSettings = CnnSettings()
    training: TrainingSettings = TrainingSettings()

    @field_validator("training")
    @classmethod
    def _one_stride_for_all(cls, training: TrainingSettings) -> TrainingSettings:
        if "window_stride_s" in training.model_fields_set:
            raise ValueError("window_stride_s is the evaluation's, the same for all recognisers")
        return training
