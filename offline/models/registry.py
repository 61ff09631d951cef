"""The networks by kind: their settings in YAML, and how they are built.

One of your own is one more module here, its settings in ``NetworkSettings`` and one more entry of
``NETWORKS``. Every network is built from a recipe and its settings, and turns what it sees (see
:class:`rtbci.model.file.Model`) into logits (batch, classes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from offline.models.attention import Attention, AttentionSettings
from offline.models.cnn import Cnn, CnnSettings
from offline.models.conformer import Conformer, ConformerSettings
from offline.models.eegnet import EEGNet, EEGNetSettings
from offline.models.graph import Graph, GraphSettings
from offline.models.image import ImageSettings, TopographicImage
from rtbci.model.views import Sees
from rtbci.recipe import Recipe

NetworkSettings = Annotated[
    CnnSettings
    | AttentionSettings
    | ImageSettings
    | GraphSettings
    | EEGNetSettings
    | ConformerSettings,
    Field(discriminator="kind"),
]
"""Kind and size of a network."""


@dataclass(frozen=True)
class Network:
    """One kind of network.

    Attributes
    ----------
    title : str
        For people.
    sees : {"maps", "signal"}
        What it is made for.
    build : callable
        ``build(recipe, settings)`` makes an untrained one.
    """

    title: str
    sees: Sees
    build: Callable[[Recipe, Any], nn.Module]


NETWORKS: dict[str, Network] = {
    "cnn": Network("convolutional network", "maps", Cnn),
    "attention": Network("attention network", "maps", Attention),
    "image": Network("topographic-image network", "maps", TopographicImage),
    "graph": Network("graph network", "maps", Graph),
    "eegnet": Network("EEGNet", "signal", EEGNet),
    "conformer": Network("EEG Conformer", "signal", Conformer),
}


def build_network(recipe: Recipe, settings: NetworkSettings) -> nn.Module:
    """Return an untrained network for a recipe."""
    return NETWORKS[settings.kind].build(recipe, settings)
