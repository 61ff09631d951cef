"""A conditional GAN that makes the signal itself, in windows or without end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from offline.device import Device, choose_device
from offline.generators.generator import Floats, Real, SignalGenerator
from offline.generators.signal_gan.adversaries import Adversaries
from offline.generators.signal_gan.anatomy import measure, prepared, robust_scale
from offline.generators.signal_gan.calibration import calibrate
from offline.generators.signal_gan.networks import Range, Synthesiser
from offline.generators.signal_gan.octaves import Octaves
from offline.generators.signal_gan.settings import SignalGANSettings
from offline.generators.signal_gan.stream import Stream
from offline.generators.training import checkpoint_of, train
from offline.training import one_thread

_BATCH = 64  # windows that are made at once
_ROUGHLY, _FINALLY = 1, 4  # rounds of calibration


class SignalGAN(SignalGenerator[SignalGANSettings]):
    """Raw EEG of a class from noise.

    What makes it (:class:`~offline.generators.signal_gan.networks.Synthesiser`) begins as the
    Gaussian signal of each class's measured spectra, coherences and differences between trials,
    learns what that lacks from two critics, and is brought back to the measured levels at the end.
    The signal has neither offsets nor drifts, which are an electrode's and no brain's.
    """

    kind = "signal-gan"

    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None:
        settings, n_classes = self.settings, len(self.classes)
        octaves = Octaves(self.sfreq, real.x.shape[-1])
        self._scale = robust_scale(real.x)
        x = prepared(real.x, self._scale, settings.clip)
        with one_thread():
            anatomy = measure(x, real, octaves, n_classes, settings.styles)

        def begin(device: Device) -> Adversaries:
            network = self._untrained(octaves, len(anatomy.styles), len(anatomy.heads.turns))
            network.start_from(anatomy)
            calibrate(network, anatomy, octaves, _ROUGHLY, seed)
            labels = torch.from_numpy(real.labels)
            return Adversaries(network, x, labels, anatomy, octaves, settings, device)

        device = choose_device(settings.device)
        file = checkpoint_of(self, real, seed, device, checkpoint)
        trainee, self.course = train(begin, settings.epochs, device, seed, self.kind, file)
        assert isinstance(trainee, Adversaries)
        self._network, self._points = trainee.average.cpu(), octaves.points
        with one_thread():
            calibrate(self._network, anatomy, octaves, _FINALLY, seed)

    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        with one_thread():
            parts = [self._windows(min(n - k, _BATCH), label, rng) for k in range(0, n, _BATCH)]
        made: Floats = np.concatenate(
            [np.zeros((0, len(self._scale), self._points), np.float32), *parts]
        )
        return made * self._scale[:, None]

    def _windows(self, n: int, label: int, rng: np.random.Generator) -> Floats:
        def draw(_level: int, positions: Range, count: int) -> Tensor:
            shape = n, count, positions[1] - positions[0]
            return torch.from_numpy(rng.standard_normal(shape, np.float32))

        styles = rng.standard_normal((n, self._network.places), np.float32)
        labels = torch.full((n,), label)
        with torch.inference_mode():
            made: Tensor = self._network(labels, torch.from_numpy(styles), (0, self._points), draw)
        return np.asarray(made.numpy())

    def stream(self, seed: int = 0) -> Stream:
        """Begin an endless signal: a seed is a wearer, of a style of their own."""
        return Stream(self._network, self._scale, self.sfreq, seed, self._refuse_unknown)

    def state(self) -> dict[str, Tensor]:
        """Return the network's weights, the channels' scales and the windows' length."""
        own = {"scale": torch.from_numpy(self._scale), "points": torch.tensor(self._points)}
        return own | {f"network.{name}": each for name, each in self._network.state_dict().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to these."""
        self._scale, self._points = state["scale"].numpy(), int(state["points"])
        octaves = Octaves(self.sfreq, self._points)
        styles, heads = len(state["network.styles"]), len(state["network.turns"])
        with torch.random.fork_rng(devices=[]):  # first weights, which are overwritten, are drawn
            self._network = self._untrained(octaves, styles, heads)
        prefix = "network."
        weights = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        self._network.load_state_dict(weights)
        self._network.eval().requires_grad_(False)

    def _untrained(self, octaves: Octaves, styles: int, heads: int) -> Synthesiser:
        settings, recipe = self.settings, self.recipe
        return Synthesiser(
            octaves,
            len(recipe.classes),
            len(recipe.channels),
            styles,
            heads,
            settings.width,
            settings.latents,
        )
