"""How the two networks of ESC-GAN learn from each other."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from offline.device import Device
from offline.generators.adversarial import Duel, Opponents
from offline.generators.escgan import losses
from offline.generators.escgan.choosing import Choice, Chooser
from offline.generators.escgan.settings import EscGanSettings


class EscGanDuel(Duel[EscGanSettings]):
    r"""Steps of ESC-GAN: of each network at each batch.

    Beside each batch of real maps, as many references and targets are drawn. The generator lowers
    the weighted sum of its losses, rebuilding the real maps and editing the references; losses
    that weigh nothing are still reported. The discriminator lowers
    :func:`~offline.generators.escgan.losses.real_or_edited` plus
    :func:`~offline.generators.escgan.losses.classes`. It sees real and edited maps in one batch
    while it learns, and is in evaluation mode while the generator does: so its batch normalisation
    stands for both kinds together, as when it filters. While both learn it sees all maps through
    noise, each time other noise; when it filters, through none. Unless the settings have all maps
    count alike, real and edited ones of a class count as much in all, the geometric mean of what
    they would (:meth:`~offline.generators.escgan.choosing.Choice.odds`), and to the class head all
    classes do.

    Parameters
    ----------
    choice : Choice
        Of targets and references; the others are :class:`~offline.generators.adversarial.Duel`'s.
    """

    def __init__(
        self,
        networks: Opponents,
        maps: Tensor,
        labels: Tensor,
        settings: EscGanSettings,
        choice: Choice,
        device: Device,
    ) -> None:
        super().__init__(networks, maps, labels, settings, (0.5, 0.999), device)
        self._chooser = Chooser(choice, self._labels)
        counts = labels.bincount(minlength=len(choice.targets)).numpy()
        weights = np.ones((3, len(counts)))
        if settings.even:
            root = np.sqrt(choice.odds(counts))
            weights[:] = root, 1 / root, Choice.uniform(counts).odds(counts)
        self._weights = torch.from_numpy(weights).float().to(device.place)

    def _step(self, maps: Tensor, labels: Tensor) -> dict[str, Tensor]:
        rows, targets = self._chooser.draw(len(maps))
        found, edited = self._generator_losses(maps, labels, self._maps[rows], targets)
        weights = dict(self._settings.weights)
        if wanted := [weights[name] * loss for name, loss in found.items() if weights[name]]:
            self._descend("generator", torch.stack(wanted).sum())
        return found | self._discriminate(maps, labels, edited, targets)

    def _generator_losses(
        self, maps: Tensor, labels: Tensor, references: Tensor, targets: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        made, codes = self.networks.generator(
            torch.cat([maps, references]), torch.cat([labels, targets])
        )
        rebuilt, edited = made.tensor_split(2)
        real, classes = self.networks.discriminator.eval()(self._noisy(edited))
        return {
            "reconstruction": losses.reconstruction(maps, rebuilt),
            "adversarial": losses.adversarial(real),
            "boundary": losses.boundary(classes),
            "diversity": losses.diversity(edited, codes[len(maps) :]),
            "target": losses.target(classes, targets),
        }, edited.detach()

    def _discriminate(
        self, maps: Tensor, labels: Tensor, edited: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        of_real, of_edited, of_class = self._weights
        seen = self._noisy(torch.cat([maps, edited]))
        logits, classes = self.networks.discriminator.train()(seen)
        real, made = logits.tensor_split(2)
        found = {
            "real or edited": losses.real_or_edited(
                real, made, of_real[labels], of_edited[targets]
            ),
            "class": losses.classes(classes[: len(maps)], labels, of_class[labels]),
        }
        self._descend("discriminator", found["real or edited"] + found["class"])
        return found

    def _noisy(self, maps: Tensor) -> Tensor:
        noise = self._settings.noise
        return maps + noise * torch.randn_like(maps) if noise else maps
