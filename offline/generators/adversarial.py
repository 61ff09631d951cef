"""What generators of maps share that learn from a network which judges them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from offline.device import Device, DeviceName, choose_device
from offline.generators.generator import Floats, Generator, Real
from offline.generators.scaling import Scale
from offline.generators.training import checkpoint_of, train
from offline.models.layers import Width
from rtbci.configuration import Settings
from rtbci.errors import GeneratorError

AT_ONCE = 1024
"""Maps that a trained network is given at once."""

_SCALE = "scale."


class AdversarialSettings(Settings):
    """How two networks learn from each other.

    Attributes
    ----------
    epochs : int
        Passes over the maps.
    least_steps : int
        Batches that are learned from at least: of few maps there are more passes.
    batch_size : int
        Maps a step.
    learning_rate : float
        Of both networks' optimisers.
    width : int
        Feature maps of the first layer; the others have twice and four times as many.
    device : {"auto", "cpu", "cuda"}
        What is computed on, in float32; ``auto`` is a graphics card where there is one.
    """

    epochs: Annotated[int, Field(ge=1)] = 30
    least_steps: Annotated[int, Field(ge=1)] = 800
    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    width: Width = 16
    device: DeviceName = "auto"

    def steps(self, n_maps: int) -> int:
        """Return how many batches a pass over so many maps has."""
        return math.ceil(n_maps / self.batch_size)

    def passes(self, n_maps: int) -> int:
        """Return how many passes there are over so many maps."""
        return max(self.epochs, math.ceil(self.least_steps / self.steps(n_maps)))


A = TypeVar("A", bound=AdversarialSettings)


class Opponents(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """A network that makes maps, and one that judges them.

    Parameters
    ----------
    generator, discriminator : torch.nn.Module
        The two; what they take and return is their own affair.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator


class Duel(ABC, Generic[A]):
    """Two networks and their optimisers (Adam; Kingma and Ba 2015, arXiv 1412.6980), as a trainee.

    Parameters
    ----------
    networks : Opponents
        Untrained.
    maps : Tensor, shape (maps, planes, channels)
        Real ones, standardised.
    labels : Tensor of int64, shape (maps,)
        Class of each.
    settings : AdversarialSettings
        How they learn.
    betas : tuple of float
        Of both optimisers.
    device : Device
        What on.
    """

    def __init__(
        self,
        networks: Opponents,
        maps: Tensor,
        labels: Tensor,
        settings: A,
        betas: tuple[float, float],
        device: Device,
    ) -> None:
        self.networks = networks.to(device.place)
        self._settings = settings
        self._maps, self._labels = maps.to(device.place), labels.to(device.place)
        self._steps = settings.steps(len(maps))
        self._done = 0  # batches, in all epochs
        self._optimisers = {
            name: torch.optim.Adam(part.parameters(), lr=settings.learning_rate, betas=betas)
            for name, part in networks.named_children()
        }

    def epoch(self) -> dict[str, float]:
        """Pass once over the maps in random order."""
        self.networks.train()
        losses: defaultdict[str, list[Tensor]] = defaultdict(list)
        # Batches of nearly the same size: batch normalisation has no variance in a batch of one.
        batches = torch.randperm(len(self._maps)).to(self._maps.device).tensor_split(self._steps)
        for rows in batches:
            for name, loss in self._step(self._maps[rows], self._labels[rows]).items():
                losses[name].append(loss.detach())
            self._done += 1
        return {name: float(torch.stack(each).mean()) for name, each in losses.items()}

    def state(self) -> dict[str, Any]:
        """Return both networks, both optimisers, and how many batches were learned from."""
        optimisers = {name: each.state_dict() for name, each in self._optimisers.items()}
        networks = self.networks.state_dict()
        return {"networks": networks, "optimisers": optimisers, "done": self._done}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to these."""
        self.networks.load_state_dict(state["networks"])
        for name, each in self._optimisers.items():
            each.load_state_dict(state["optimisers"][name])
        self._done = state["done"]

    def _descend(self, name: str, loss: Tensor) -> None:
        """Move one of the two networks, ``generator`` or ``discriminator``, down a loss."""
        self._optimisers[name].zero_grad()
        loss.backward()
        self._optimisers[name].step()

    @abstractmethod
    def _step(self, maps: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Learn from a batch; return losses by name."""


class AdversarialGenerator(Generator[A]):
    """A generator of maps that is the winner of a :class:`Duel`.

    Its networks see standardised maps, each plane of each channel on its own scale.
    """

    makes = "maps"

    @abstractmethod
    def _untrained(self) -> Opponents:
        """Return both networks as they begin."""

    @abstractmethod
    def _tried(self, maps: Tensor, labels: Tensor) -> Tensor:
        """Return some maps that the generator makes for classes; real ones are given as well."""

    @abstractmethod
    def _duel(self, networks: Opponents, maps: Tensor, labels: Tensor, device: Device) -> Duel[A]:
        """Let them learn from each other."""

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        self._scale = Scale.of(real.x)
        maps = torch.from_numpy(self._scale.standardised(real.x))
        labels = torch.from_numpy(real.labels)

        def begin(device: Device) -> Duel[A]:
            return self._duel(self._untrained(), maps, labels, device)

        device = choose_device(self.settings.device)
        file = checkpoint_of(self, real, seed, device, checkpoint)
        passes = self.settings.passes(len(maps))
        trainee, self.course = train(begin, passes, device, seed, self.kind, file)
        self._networks = cast(Duel[A], trainee).networks.to("cpu").eval()
        with torch.inference_mode():  # losses are of the networks before their last step
            made = self._tried(maps[:AT_ONCE], labels[:AT_ONCE])
        if not made.isfinite().all():
            raise GeneratorError(f"{self.kind}: what it makes is not finite; lower learning_rate")

    def state(self) -> dict[str, Tensor]:
        """Return the scale, and both networks' weights and buffers."""
        scale = {_SCALE + name: value for name, value in self._scale.state().items()}
        return scale | dict(self._networks.state_dict())

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to these."""
        self._scale = Scale.from_state(
            {name.removeprefix(_SCALE): value for name, value in state.items()}
        )
        with torch.random.fork_rng(devices=[]):  # first weights, which are overwritten, are drawn
            networks = self._untrained()
        parts = tuple(f"{name}." for name, _ in networks.named_children())
        networks.load_state_dict({k: v for k, v in state.items() if k.startswith(parts)})
        self._networks = networks.eval()

    def _standardised(self, x: Floats) -> Tensor:
        return torch.from_numpy(self._scale.standardised(x))

    def _back(self, maps: Tensor) -> Floats:
        return self._scale.back(maps.numpy())
