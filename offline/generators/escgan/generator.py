"""ESC-GAN as a generator of maps."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from offline.device import Device
from offline.generators.adversarial import AT_ONCE, AdversarialGenerator, Opponents
from offline.generators.escgan.choosing import Choice
from offline.generators.escgan.networks import Discriminator, Editor
from offline.generators.escgan.settings import EscGanSettings
from offline.generators.escgan.training import EscGanDuel
from offline.generators.generator import Floats, Real
from offline.training import one_thread

_log = logging.getLogger(__name__)

Rows = NDArray[np.intp]


class EscGan(AdversarialGenerator[EscGanSettings]):
    """Edits maps of well-represented classes to under-represented ones.

    Zhang, Zhong and Liu 2024, Beyond mimicking under-represented emotions, AAAI 2024: what is added
    to a training part is no new person's map but a real one, changed as little as its new class
    needs. See :mod:`offline.generators.escgan.losses` for what is learned,
    :class:`~offline.generators.escgan.choosing.Choice` for what is edited to what. An edited map is
    kept only if the discriminator finds it real and its class head agrees; both networks are then
    in evaluation mode.

    A generator is also to be asked when no real maps are at hand: it keeps some references of each
    class, drawn at random, edits these, and remembers which share passes. Nothing random is in an
    edit, so that each reference gives one map of a class: where fewer pass than are asked for, they
    come again.

    Attributes
    ----------
    passed : dict of int to float
        For each class, the share of the kept references of other classes that passes when edited
        to it.
    """

    kind = "esc-gan"
    edits = True

    def _untrained(self) -> Opponents:
        width = self.settings.width
        return Opponents(
            Editor(self.recipe, width, self.settings.residual), Discriminator(self.recipe, width)
        )

    def _tried(self, maps: Tensor, labels: Tensor) -> Tensor:
        edited: Tensor = self._networks.generator(maps, labels)[0]
        return edited

    def _duel(
        self, networks: Opponents, maps: Tensor, labels: Tensor, device: Device
    ) -> EscGanDuel:
        counts = np.bincount(labels.numpy(), minlength=len(self.classes))
        return EscGanDuel(networks, maps, labels, self.settings, self._choice(counts), device)

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        super()._fit(real, seed, checkpoint)
        kept = _some_of_each(real.labels, self.settings.references, np.random.default_rng(seed))
        self._references, self._labels = real.x[kept].astype(np.float32), real.labels[kept]
        self._counts = real.counts(len(self.classes))
        self.passed = {label: self._share_passed(label) for label in range(len(self.classes))}

    def _edit(self, x: Floats, to_label: int, rng: np.random.Generator) -> Floats:
        return self._edited(x, to_label)[0]

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        """Edit kept references, and make what passes, over and over; of all if nothing does."""
        order = self._in_order(self._labels, self._counts, label, rng)
        edited, passes = self._edited(self._references[order], label)
        if not passes.any():
            _log.warning(
                "esc-gan: class %s: not one of %d edited maps passes the discriminator; they are "
                "made as they are",
                self.classes[label], len(order),
            )  # fmt: skip
            passes[:] = True
        return edited[np.resize(np.flatnonzero(passes), n)]

    def _supplement(self, real: Real, label: int, n: int, seed: int) -> Floats:
        """Edit each reference once, until there are enough that pass."""
        rng = np.random.default_rng([seed, label])
        order = self._in_order(real.labels, real.counts(len(self.classes)), label, rng)
        kept, found, tried = [real.x[:0]], 0, 0
        while found < n and tried < len(order):
            edited, passes = self._edited(real.x[order[tried : tried + AT_ONCE]], label)
            kept.append(edited[passes])
            found, tried = found + int(passes.sum()), tried + len(edited)
        if found < n:
            _log.warning(
                "esc-gan: class %s: %d maps instead of %d, as of %d references that were edited no "
                "more passed the discriminator",
                self.classes[label], found, n, tried,
            )  # fmt: skip
        return np.concatenate(kept)[:n]

    def state(self) -> dict[str, Tensor]:
        """Return the scale, the networks, the references, counts, and which share passes."""
        return super().state() | {
            "references": torch.from_numpy(self._references),
            "labels": torch.from_numpy(self._labels),
            "counts": torch.from_numpy(self._counts),
            "passed": torch.tensor(list(self.passed.values()), dtype=torch.float64),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to these."""
        super().restore(state)
        self._references, self._labels = state["references"].numpy(), state["labels"].numpy()
        self._counts = state["counts"].numpy()
        self.passed = dict(enumerate(state["passed"].tolist()))

    def _choice(self, counts: NDArray[np.int64]) -> Choice:
        return (Choice.by_counts if self.settings.choose_by_counts else Choice.uniform)(counts)

    def _in_order(
        self,
        labels: NDArray[np.int64],
        counts: NDArray[np.int64],
        target: int,
        rng: np.random.Generator,
    ) -> Rows:
        """Return all maps of other classes, the likelier to be edited the earlier.

        Of the classes there were so many real maps; of those at hand some may have been left out.
        """
        others = np.flatnonzero(labels != target)
        if not len(others):
            return others
        likely = self._choice(counts).of_each(labels, target)[others]
        # Drawing one after the other without putting back (Efraimidis and Spirakis 2006,
        # doi 10.1016/j.ipl.2005.11.003).
        return others[np.argsort(rng.exponential(size=len(others)) / likely)]

    @one_thread()
    def _edited(self, x: Floats, label: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return maps edited to a class, and whether each passes."""
        edited, passes = [], []
        with torch.inference_mode():
            for maps in self._standardised(x).split(AT_ONCE):
                edited.append(self._networks.generator(maps, torch.full((len(maps),), label))[0])
                passes.append(self._passes(edited[-1], label))
        return self._back(torch.cat(edited)), torch.cat(passes).numpy()

    def _passes(self, edited: Tensor, label: int) -> Tensor:
        if not self.settings.filter:
            return torch.ones(len(edited), dtype=torch.bool)
        real, classes = self._networks.discriminator(edited)
        passes: Tensor = (real.sigmoid() >= 0.5) & (classes.argmax(1) == label)
        return passes

    def _share_passed(self, label: int) -> float:
        return float(self._edited(self._references[self._labels != label], label)[1].mean())


def _some_of_each(labels: NDArray[np.int64], most: int, rng: np.random.Generator) -> Rows:
    """Return some maps of each class, drawn at random and in order."""
    parts = [rng.permutation(np.flatnonzero(labels == each))[:most] for each in np.unique(labels)]
    return np.sort(np.concatenate(parts))
