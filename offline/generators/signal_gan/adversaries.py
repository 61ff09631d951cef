"""The generator and its critics as they learn, an epoch at a time."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

from offline.device import Device
from offline.generators.signal_gan.anatomy import Anatomy
from offline.generators.signal_gan.critics import Critic
from offline.generators.signal_gan.losses import (
    adversarial_loss,
    critic_loss,
    power_loss,
)
from offline.generators.signal_gan.networks import Range, Synthesiser
from offline.generators.signal_gan.octaves import Octaves, Spectra
from offline.generators.signal_gan.settings import SignalGANSettings
from offline.generators.signal_gan.views import Views

_TIME_STRIDES, _SPECTRUM_STRIDES = (4, 2, 2, 2), (1, 1)
_CRITIC_RATE = 2.0  # relative to the generator's
_NORM = 10.0  # of a step's gradient; a burst that no window holds would undo the steps before


class Adversaries:
    """Trains a generator against two critics, and by the moments that it has to meet.

    Parameters
    ----------
    generator : Synthesiser
        Begun from the anatomy.
    x : Tensor, shape (windows, channels, points)
        Prepared windows.
    labels : Tensor of int64, shape (windows,)
        Classes.
    anatomy : Anatomy
        What was measured of them.
    octaves : Octaves
        Rate and bands.
    settings : SignalGANSettings
        How.
    device : Device
        What on.

    Attributes
    ----------
    average : Synthesiser
        Moving average of the generator's weights: what is kept.
    """

    def __init__(
        self,
        generator: Synthesiser,
        x: Tensor,
        labels: Tensor,
        anatomy: Anatomy,
        octaves: Octaves,
        settings: SignalGANSettings,
        device: Device,
    ) -> None:
        self._settings, self._place = settings, device.place
        self._x, self._labels = x, labels
        classes = len(anatomy.level)
        self._rows = [torch.nonzero(labels == label)[:, 0] for label in range(classes)]
        self._anatomy = anatomy.to(device.place)
        self._spectra = Spectra(octaves).to(device.place)
        self._views = Views(octaves, x[torch.randperm(len(x))[:512]]).to(device.place)
        width = settings.critic_width
        signal, spectrum = self._views.inputs
        self._generator = generator.to(device.place)
        self.average = copy.deepcopy(self._generator).eval().requires_grad_(False)
        self._critics = nn.ModuleDict(
            {
                "time": Critic(signal, width, classes, _TIME_STRIDES),
                "spectrum": Critic(spectrum, width, classes, _SPECTRUM_STRIDES),
            }
        ).to(device.place)
        # Without momentum, as is usual where two learn against each other.
        rate, betas = settings.learning_rate, (0.0, 0.9)
        self._of_generator = torch.optim.Adam(self._generator.parameters(), rate, betas)
        self._of_critics = torch.optim.Adam(self._critics.parameters(), _CRITIC_RATE * rate, betas)

    def epoch(self) -> dict[str, float]:
        """Pass once over as many windows as there are, the same number of each class."""
        each = max(self._settings.batch_size // len(self._rows), 2)
        steps = max(len(self._x) // (each * len(self._rows)), 1)
        totals: dict[str, float] = defaultdict(float)
        for _ in range(steps):
            picks = [rows[torch.randint(len(rows), (each,))] for rows in self._rows]
            batch = torch.cat(picks)
            labels = self._labels[batch].to(self._place)
            for name, value in self._step(self._x[batch].to(self._place), labels).items():
                totals[name] += value / steps
        return dict(totals)

    def _step(self, real: Tensor, labels: Tensor) -> dict[str, float]:
        made = self._made(labels)
        losses = {"critics": self._scored(real, labels, made.detach())}
        self._of_critics.zero_grad(set_to_none=True)
        losses["critics"].backward()
        self._of_critics.step()
        self._critics.requires_grad_(False)
        parts = self._judged(made, labels)
        total = sum(getattr(self._settings, name) * value for name, value in parts.items())
        self._of_generator.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self._generator.parameters(), _NORM)
        self._of_generator.step()
        self._critics.requires_grad_(True)
        self._average()
        return {name: float(value.detach()) for name, value in (losses | parts).items()}

    def _made(self, labels: Tensor) -> Tensor:
        def draw(level: int, positions: Range, count: int) -> Tensor:
            shape = len(labels), count, positions[1] - positions[0]
            return torch.randn(shape, device=self._place)

        styles = torch.randn(len(labels), self._generator.places, device=self._place)
        made: Tensor = self._generator(labels, styles, (0, self._x.shape[-1]), draw)
        return made

    def _scored(self, real: Tensor, labels: Tensor, made: Tensor) -> Tensor:
        both, twice = torch.cat([real, self._cut(made)]), torch.cat([labels, labels])
        losses = []
        for name, view in (("time", self._views.signal), ("spectrum", self._views.spectrum)):
            of_real, of_made = self._critics[name](view(both), twice).chunk(2)
            losses.append(critic_loss(of_real, of_made))
        return torch.stack(losses).sum()

    def _judged(self, made: Tensor, labels: Tensor) -> dict[str, Tensor]:
        seen, views, critics = self._cut(made), self._views, self._critics
        spectra = self._spectra.transform(made)
        return {
            "time": adversarial_loss(critics["time"](views.signal(seen), labels)),
            "spectrum": adversarial_loss(critics["spectrum"](views.spectrum(seen), labels)),
            "power": power_loss(self._spectra.log_power(spectra), labels, self._anatomy),
        }

    def _cut(self, made: Tensor) -> Tensor:
        """Cut off what is cut off of real windows, or a critic would know them by it."""
        centred = made - made.median(dim=-1, keepdim=True).values
        return centred.clamp(-self._settings.clip, self._settings.clip)

    def _average(self) -> None:
        kept, decay = self.average.parameters(), self._settings.averaging
        for mean, now in zip(kept, self._generator.parameters(), strict=True):
            mean.lerp_(now.detach(), 1 - decay)

    def state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on, but for random numbers."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "generator": self._generator,
            "average": self.average,
            "critics": self._critics,
            "views": self._views,
            "of_generator": self._of_generator,
            "of_critics": self._of_critics,
        }
