"""Conditional generators of maps from noise: what WGAN-GP and DCGAN share."""

from __future__ import annotations

from typing import Annotated, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from offline.generators.adversarial import (
    AT_ONCE,
    AdversarialGenerator,
    AdversarialSettings,
    Duel,
    Opponents,
)
from offline.generators.generator import Floats
from offline.generators.pictures import OffGrid, decoder, encoded_shape, encoder
from offline.models.layers import OnGrid
from offline.training import one_thread
from rtbci.recipe import Recipe


class NoiseSettings(AdversarialSettings):
    """How a generator from noise learns, and of how much noise.

    Attributes
    ----------
    noise : int
        Numbers that a map is made of, each from the standard normal distribution.
    """

    batch_size: Annotated[int, Field(ge=2)] = 32
    noise: Annotated[int, Field(ge=1, le=1024)] = 16


class FromNoise(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """Makes maps of noise and a class: transposed convolutions, and the head's mask.

    The noise and the class's embedding, as long as the noise, are laid side by side, spread over a
    small picture by a dense layer, and led up to the grid by
    :func:`~offline.generators.pictures.decoder`.

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, grid and classes.
    noise : int
        Length of the noise.
    width : int
        Feature maps of the last layer but one.
    """

    def __init__(self, recipe: Recipe, noise: int, width: int) -> None:
        super().__init__()
        grid = OnGrid(recipe)
        small = encoded_shape(grid.rows, grid.columns, width)
        self.noise = noise
        self.embedding = nn.Embedding(len(recipe.classes), noise)
        # Were classes as far apart as noise reaches, maps of one class would soon be all alike.
        nn.init.normal_(self.embedding.weight, 0, 0.2)
        self.spread = nn.Sequential(
            nn.Linear(2 * noise, small[0] * small[1] * small[2]),
            nn.Unflatten(1, small),
            nn.BatchNorm2d(small[0]),
            nn.ReLU(),
        )
        self.decoder = decoder(recipe.stacked_shape[0], grid.rows, grid.columns, width, slope=0.0)
        self.off_grid = OffGrid(recipe)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return maps (batch, planes, channels) of noise (batch, noise) and classes (batch,)."""
        spread = self.spread(torch.cat([noise, self.embedding(labels)], dim=1))
        maps: Tensor = self.off_grid(self.decoder(spread))
        return maps

    def draw(self, labels: Tensor) -> Tensor:
        """Return maps of these classes, of fresh noise."""
        return self(torch.randn(len(labels), self.noise, device=labels.device), labels)


class Judge(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""One number for a map of a class: a projection discriminator.

    With :math:`\varphi(x)` the encoder's output, flattened, and :math:`e_y` an embedding,

    .. math:: D(x, y) = w \cdot \varphi(x) + b + e_y \cdot \varphi(x)

    (Miyato and Koyama 2018, arXiv 1802.05637).

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, grid and classes.
    width : int
        Feature maps of the first layer.
    plain : int
        Layers of :func:`~offline.generators.pictures.encoder` without batch normalisation.
    """

    def __init__(self, recipe: Recipe, width: int, plain: int) -> None:
        super().__init__()
        self.on_grid = OnGrid(recipe)
        self.encoder = encoder(recipe.stacked_shape[0], width, plain)
        maps, rows, columns = encoded_shape(self.on_grid.rows, self.on_grid.columns, width)
        features = maps * rows * columns
        self.real = nn.Linear(features, 1)
        self.of_class = nn.Embedding(len(recipe.classes), features)
        nn.init.zeros_(self.of_class.weight)  # a class counts only once it has been learned

    def forward(self, maps: Tensor, labels: Tensor) -> Tensor:
        """Return one number each (batch,), the higher the more real."""
        features = self.encoder(self.on_grid(maps)).flatten(1)
        verdict: Tensor = self.real(features)[:, 0] + (self.of_class(labels) * features).sum(1)
        return verdict


N = TypeVar("N", bound=NoiseSettings)


class NoiseDuel(Duel[N]):
    """A duel of :class:`FromNoise` and :class:`Judge`."""

    def _drawn(self, labels: Tensor) -> Tensor:
        maps: Tensor = self.networks.generator.draw(labels)
        return maps

    def _judged(self, maps: Tensor, labels: Tensor) -> Tensor:
        verdict: Tensor = self.networks.discriminator(maps, labels)
        return verdict


class NoiseGenerator(AdversarialGenerator[N]):
    """A generator that makes maps of noise and a class alone."""

    _plain: int  # layers of the judge that go without batch normalisation

    def _untrained(self) -> Opponents:
        settings = self.settings
        return Opponents(
            FromNoise(self.recipe, settings.noise, settings.width),
            Judge(self.recipe, settings.width, self._plain),
        )

    def _tried(self, maps: Tensor, labels: Tensor) -> Tensor:
        made: Tensor = self._networks.generator(
            torch.zeros(len(labels), self.settings.noise), labels
        )
        return made

    @one_thread()
    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        noise = rng.standard_normal((n, self.settings.noise), np.float32)
        with torch.inference_mode():
            parts = [
                self._networks.generator(part, torch.full((len(part),), label))
                for part in torch.from_numpy(noise).split(AT_ONCE)
            ]
        return self._back(torch.cat(parts))
