"""Training a network on labelled windows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from torch import Tensor, nn

from offline.examples import Examples, Windows
from rtbci.configuration import Settings
from rtbci.errors import ConfigError
from rtbci.progress import progress_bar

_SCORING_BATCH = 1024


class TrainingSettings(Settings):
    """How a network is trained.

    Attributes
    ----------
    epochs : int
        The most passes over the training windows.
    patience : int
        Passes without a better validation loss after which training stops.
    batch_size : int
        Windows a step.
    learning_rate, weight_decay : float
        Of AdamW (Loshchilov and Hutter 2019).
    class_weights : {"balanced", "none"}
        ``balanced`` weighs each class's loss by the inverse of its number of windows.
    """

    epochs: Annotated[int, Field(ge=1)] = 30
    patience: Annotated[int, Field(ge=1)] = 6
    batch_size: Annotated[int, Field(ge=2)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    class_weights: Literal["balanced", "none"] = "balanced"


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes
    ----------
    network : torch.nn.Module
        With the weights of the best epoch, in evaluation mode.
    best_epoch : int
        The epoch with the least validation loss, counted from 1.
    losses : tuple of (float, float)
        Training and validation loss of each epoch, nats.
    """

    network: nn.Module
    best_epoch: int
    losses: tuple[tuple[float, float], ...]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute in one thread within the block.

    On windows this small several threads gain nothing, lose much where they must share cores, and
    round differently on machines with another number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit(
    build: Callable[[], nn.Module],
    train: Windows,
    validation: Windows,
    classes: Sequence[str],
    settings: TrainingSettings,
    seed: int,
) -> Fitted:
    """Train a network, and keep the epoch that does best on the validation part.

    The same seed gives the same network on the same machine; the process's own random numbers are
    left as they were.

    Parameters
    ----------
    build : callable
        Makes the untrained network: what it sees to logits (batch, classes).
    train, validation : Windows
        What is learned from, and what the epoch is chosen on.
    classes : sequence of str
        Names of the classes.
    settings : TrainingSettings
        How.
    seed : int
        Fixes the first weights, the order of windows and what dropout leaves out.

    Raises
    ------
    ConfigError
        If the loss is not a finite number, or a class has no training window.
    """
    counts = np.bincount(train.labels, minlength=len(classes))
    lacking = [name for name, count in zip(classes, counts, strict=True) if not count]
    if lacking:
        raise ConfigError(f"no training window of class {', '.join(lacking)}: trials too short")
    if not len(validation):
        raise ConfigError("no validation window: trials too short")
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        criterion = nn.CrossEntropyLoss(_class_weights(counts, settings))
        return _fit(build(), train, validation, criterion, settings)


def logits_of(network: nn.Module, examples: Examples) -> Tensor:
    """Return a network's output (windows, classes), computed about a thousand windows at a time.

    The network is taken in the mode that it is in.
    """
    parts = np.array_split(np.arange(len(examples)), math.ceil(len(examples) / _SCORING_BATCH) or 1)
    return torch.cat([network(torch.from_numpy(examples.batch(part))) for part in parts])


def _fit(
    network: nn.Module,
    train: Windows,
    validation: Windows,
    criterion: nn.CrossEntropyLoss,
    settings: TrainingSettings,
) -> Fitted:
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    losses: list[tuple[float, float]] = []
    best_epoch, best_loss, best_weights = 0, math.inf, network.state_dict()
    with _bar() as bar:
        task = bar.add_task("training", total=settings.epochs, loss=math.nan)
        for epoch in range(1, settings.epochs + 1):
            learned = _learn(network, train, criterion, optimiser, settings.batch_size)
            checked = _loss(network, validation, criterion)
            _refuse_non_finite(epoch, learned, checked, settings)
            losses.append((learned, checked))
            if checked < best_loss:
                best_epoch, best_loss = epoch, checked
                best_weights = copy.deepcopy(network.state_dict())
            bar.update(task, advance=1, loss=checked)
            if epoch - best_epoch >= settings.patience:
                break
    network.load_state_dict(best_weights)
    return Fitted(network.eval(), best_epoch, tuple(losses))


def _learn(
    network: nn.Module,
    windows: Windows,
    criterion: nn.CrossEntropyLoss,
    optimiser: torch.optim.Optimizer,
    batch_size: int,
) -> float:
    """Pass once over the windows in random order and return the mean loss."""
    network.train()
    labels = torch.from_numpy(windows.labels)
    total, steps = 0.0, 0
    # Batches of nearly the same size: batch normalisation has no variance in a batch of one.
    batches = torch.randperm(len(windows)).tensor_split(math.ceil(len(windows) / batch_size))
    for batch in batches:
        optimiser.zero_grad()
        inputs = torch.from_numpy(windows.examples.batch(batch.numpy()))
        loss: Tensor = criterion(network(inputs), labels[batch])
        loss.backward()
        optimiser.step()
        total, steps = total + loss.item(), steps + 1
    return total / steps


def _loss(network: nn.Module, windows: Windows, criterion: nn.CrossEntropyLoss) -> float:
    network.eval()
    with torch.inference_mode():
        logits = logits_of(network, windows.examples)
        return float(criterion(logits, torch.from_numpy(windows.labels)))


def _class_weights(counts: NDArray[np.int64], settings: TrainingSettings) -> Tensor | None:
    if settings.class_weights == "none":
        return None
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


def _refuse_non_finite(
    epoch: int, learned: float, checked: float, settings: TrainingSettings
) -> None:
    for part, loss in (("training", learned), ("validation", checked)):
        if not math.isfinite(loss):
            raise ConfigError(
                f"training stopped in epoch {epoch}: the {part} loss is {loss}; "
                f"lower training.learning_rate (now {settings.learning_rate:g})"
            )


def _bar() -> Progress:
    return progress_bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("validation loss {task.fields[loss]:.3f}"),
    )
