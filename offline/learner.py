"""One network that learns: epoch by epoch, and with a state that can be put aside."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from offline.augmentation import Mixed, drop_channels, mixed, shift_bands, unmixed
from offline.device import CPU, Device
from offline.examples import Examples, Windows

if TYPE_CHECKING:
    from offline.training import TrainingSettings

_SCORING_BATCH = 1024


def logits_of(network: nn.Module, examples: Examples, device: Device = CPU) -> Tensor:
    """Return a network's output (windows, classes), computed about a thousand windows at a time.

    The network is taken in the mode that it is in, and computes in float32.
    """
    parts = torch.arange(len(examples)).tensor_split(math.ceil(len(examples) / _SCORING_BATCH) or 1)
    return torch.cat([network(device.inputs(examples, part)) for part in parts])


@dataclass
class Best:
    """The best epoch so far.

    Attributes
    ----------
    epoch : int
        Counted from 1; 0 is none yet.
    loss : float
        Its validation loss, nats.
    weights : dict
        The network's state after it.
    """

    epoch: int = 0
    loss: float = math.inf
    weights: dict[str, Tensor] = field(default_factory=dict)


class WeightAverage:
    r"""The exponential moving average of a network's weights.

    After step :math:`n`, with :math:`w` the network's weights,

    .. math:: \bar w \gets d_n \bar w + (1 - d_n) w, \qquad d_n = \min(d, (1 + n) / (10 + n)).

    This is Tarvainen and Valpola 2017 (arXiv 1703.01780, section 2) but for the first steps. Their
    smaller :math:`d_n`, those of TensorFlow's ``ExponentialMovingAverage``, let go of the weights
    that nothing had been learned with; :math:`d` itself is reached after :math:`9 / (1 - d)` steps,
    roughly. The running means and variances of batch normalisation are averaged alike; buffers of
    whole numbers are copied, as the mean of indices is no index
    (:class:`torch.optim.swa_utils.AveragedModel` averages those too).

    Parameters
    ----------
    network : torch.nn.Module
        What learns.
    decay : float
        :math:`d`.

    Attributes
    ----------
    network : torch.nn.Module
        The same with the averaged weights, in evaluation mode.
    steps : int
        How many were averaged.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.steps = 0
        self._decay = decay

    def update(self, network: nn.Module) -> None:
        """Take one more step's weights in."""
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mean, now in zip(_values(self.network), _values(network), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)


class Learner:
    """A network, its optimiser, and what became of them so far.

    Parameters
    ----------
    network : torch.nn.Module
        Untrained; what it sees to logits (batch, classes).
    counts : array of int, shape (classes,)
        Training windows of each class.
    settings : TrainingSettings
        How it learns.
    device : Device
        What on.

    Attributes
    ----------
    losses : list of (float, float)
        Training and validation loss of each epoch, nats.
    best : Best
        The epoch with the least validation loss.
    """

    def __init__(
        self,
        network: nn.Module,
        counts: NDArray[np.integer],
        settings: TrainingSettings,
        device: Device,
    ) -> None:
        self.losses: list[tuple[float, float]] = []
        self.best = Best()
        self._settings = settings
        self._device = device
        # Copied first: moving is what lays an LSTM's weights out in one piece, as cuDNN wants them.
        decay = settings.weight_averaging
        self._average = WeightAverage(network, decay) if decay else None
        self._network = network
        for each in {self._network, self._judged}:
            each.to(device.place)
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self._scaler = device.scaler()
        weights = _class_weights(counts) if settings.class_weights == "balanced" else None
        self._learned = nn.CrossEntropyLoss(weights, label_smoothing=settings.label_smoothing)
        self._checked = nn.CrossEntropyLoss(weights)
        for criterion in (self._learned, self._checked):
            criterion.to(device.place)

    @property
    def done(self) -> bool:
        """Whether there is no more epoch, or too many have brought nothing better."""
        epochs = len(self.losses)
        return epochs - self.best.epoch >= self._settings.patience or (
            epochs >= self._settings.epochs
        )

    def epoch(self, train: Windows, validation: Windows) -> tuple[float, float]:
        """Pass once over the training windows in random order; return both parts' losses."""
        found = self._learn(train), self._loss(validation)
        self.losses.append(found)
        if found[1] < self.best.loss:
            judged = _saved(self._judged.state_dict())
            self.best = Best(len(self.losses), found[1], judged)
        return found

    def state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on, as tensors and plain data."""
        return {
            "network": self._network.state_dict(),
            "average": None
            if self._average is None
            else [self._average.steps, self._average.network.state_dict()],
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "random": self._device.random_state(),
            "losses": self.losses,
            "best": vars(self.best),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state; random numbers as well."""
        self._network.load_state_dict(state["network"])
        if self._average is not None:
            self._average.steps, averaged = state["average"]
            self._average.network.load_state_dict(averaged)
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        self._device.restore_random_state(state["random"])
        self.losses = list(state["losses"])
        self.best = Best(**state["best"])

    @property
    def _judged(self) -> nn.Module:
        return self._network if self._average is None else self._average.network

    def _learn(self, windows: Windows) -> float:
        """Return the mean loss of an epoch's steps."""
        self._network.train()
        labels = torch.from_numpy(windows.labels).to(self._device.place)
        total = torch.zeros((), dtype=torch.float64, device=self._device.place)
        # Batches of nearly the same size: batch normalisation has no variance in a batch of one.
        steps = math.ceil(len(windows) / self._settings.batch_size)
        for rows in torch.randperm(len(windows)).tensor_split(steps):
            batch = self._device.inputs(windows.examples, rows)
            total += self._step(batch, labels[rows.to(labels.device)])
        return float(total) / steps

    def _step(self, inputs: Tensor, labels: Tensor) -> Tensor:
        self._optimiser.zero_grad()
        batch = _augmented(inputs, labels, self._settings)
        with self._device.autocast():
            logits = self._network(batch.inputs)
        loss = batch.loss(self._learned, logits.float())
        self._scaler.scale(loss).backward()
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if self._average is not None:
            self._average.update(self._network)
        return loss.detach()

    def _loss(self, windows: Windows) -> float:
        self._judged.eval()
        with torch.inference_mode():
            logits = logits_of(self._judged, windows.examples, self._device)
            return float(self._checked(logits, torch.from_numpy(windows.labels).to(logits.device)))


def _augmented(inputs: Tensor, labels: Tensor, settings: TrainingSettings) -> Mixed:
    """Change a batch as is wanted; electrodes are silenced last, so that they are silent."""
    if settings.band_noise:
        inputs = shift_bands(inputs, settings.band_noise)
    batch = mixed(inputs, labels, settings.mixup) if settings.mixup else unmixed(inputs, labels)
    if settings.channel_dropout:
        silenced = drop_channels(batch.inputs, settings.channel_dropout)
        return replace(batch, inputs=silenced)
    return batch


def _class_weights(counts: NDArray[np.integer]) -> Tensor:
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


def _values(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _saved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}
