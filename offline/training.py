"""Training a network on labelled windows: settings, and the whole of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from torch import Tensor, nn

from offline.checkpoint import Checkpoint, training_key
from offline.device import Device, DeviceName, choose_device
from offline.examples import Windows
from offline.learner import Learner
from offline.models.ensemble import Ensemble
from offline.models.layers import Share
from rtbci.configuration import Settings
from rtbci.errors import ConfigError
from rtbci.progress import progress_bar

_log = logging.getLogger(__name__)

Size = Annotated[float, Field(ge=0)]


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
        Of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).
    class_weights : {"balanced", "none"}
        ``balanced`` weighs each class's loss by the inverse of its number of windows.
    label_smoothing : float
        Share of each label that is spread evenly over all classes (Szegedy et al. 2016, arXiv
        1512.00567, section 7). The validation loss has none.
    mixup : float
        Alpha of :func:`~offline.augmentation.mixed`; 0 mixes nothing.
    channel_dropout : float
        Share of electrodes that each window is learned without; see
        :func:`~offline.augmentation.drop_channels`.
    band_noise : float
        Standard deviation of the shifts of :func:`~offline.augmentation.shift_bands`.
    weight_averaging : float
        Decay a step of the moving average of weights that is validated and kept instead of the
        last ones; see :class:`~offline.learner.WeightAverage`. 0 averages nothing.
    members : int
        Networks that are trained from different seeds to be asked together.
    device : {"auto", "cpu", "cuda"}
        What is computed on; ``auto`` is a graphics card where there is one.
    """

    epochs: Annotated[int, Field(ge=1)] = 30
    patience: Annotated[int, Field(ge=1)] = 6
    batch_size: Annotated[int, Field(ge=2)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Size = 1e-2
    class_weights: Literal["balanced", "none"] = "balanced"
    label_smoothing: Share = 0.0
    mixup: Size = 0.0
    channel_dropout: Share = 0.0
    band_noise: Size = 0.0
    weight_averaging: Share = 0.0
    members: Annotated[int, Field(ge=1, le=100)] = 1
    device: DeviceName = "auto"


@dataclass(frozen=True)
class Course:
    """How one network's training went.

    Attributes
    ----------
    best_epoch : int
        The epoch with the least validation loss, counted from 1.
    losses : tuple of (float, float)
        Training and validation loss of each epoch, nats.
    """

    best_epoch: int
    losses: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Fitted:
    """A trained network.

    Attributes
    ----------
    network : torch.nn.Module
        With the weights of the best epoch, in evaluation mode and on the processor; an
        :class:`~offline.models.ensemble.Ensemble` where there are several members.
    courses : tuple of Course
        Of each member.
    """

    network: nn.Module
    courses: tuple[Course, ...]


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
    *,
    checkpoint: Path | None = None,
) -> Fitted:
    """Train a network, and keep the epoch that does best on the validation part.

    The same seed gives the same network on the same machine, whether or not the training was
    interrupted on the way; the process's own random numbers are left as they were.

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
        Fixes the first weights, the order of windows, what dropout leaves out and all that is done
        to batches. The first member's is the seed itself.
    checkpoint : Path, optional
        File that the state is written to after each epoch. What it holds of this same training is
        gone on from. Of a training that is done it holds the end: whoever has saved the network
        removes it.

    Raises
    ------
    ConfigError
        If the loss is not a finite number, a class has no training window, a graphics card is
        asked for that is not there, or the checkpoint cannot be written.
    """
    counts = np.bincount(train.labels, minlength=len(classes))
    lacking = [name for name, count in zip(classes, counts, strict=True) if not count]
    if lacking:
        raise ConfigError(f"no training window of class {', '.join(lacking)}: trials too short")
    if not len(validation):
        raise ConfigError("no validation window: trials too short")
    device = choose_device(settings.device)
    with one_thread(), device.repeatable():
        device.seed(seed)
        file = None
        if checkpoint is not None:
            basis = _basis(settings, seed, classes, device)
            file = Checkpoint(checkpoint, training_key(build(), (train, validation), basis))
        members = _train_members(build, (train, validation), counts, settings, seed, device, file)
        networks = [_with_weights(build(), member["weights"]) for member in members]
    courses = tuple(Course(member["best_epoch"], tuple(member["losses"])) for member in members)
    return Fitted(networks[0] if len(networks) == 1 else Ensemble(networks).eval(), courses)


def member_seed(seed: int, member: int) -> int:
    """Return the seed of one of several networks, counted from 0; the first one's is the seed.

    The others' are far from it, so that trainings with seeds 0, 1, 2 share no member.
    """
    if member == 0:
        return seed
    return int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def _basis(
    settings: TrainingSettings, seed: int, classes: Sequence[str], device: Device
) -> dict[str, Any]:
    """Tell what the network depends on beside itself, the data and the program."""
    asked = settings.model_dump(mode="json", exclude={"device"})
    return {"training": asked, "seed": seed, "classes": list(classes), "device": device.name}


def _train_members(
    build: Callable[[], nn.Module],
    windows: tuple[Windows, Windows],
    counts: NDArray[np.int64],
    settings: TrainingSettings,
    seed: int,
    device: Device,
    file: Checkpoint | None,
) -> list[dict[str, Any]]:
    """Train one network after the other; return each one's weights and course as plain data."""
    saved = file.load() if file is not None else None
    members, under_way = (saved["members"], saved["under_way"]) if saved else ([], None)
    for member in range(len(members), settings.members):
        device.seed(member_seed(seed, member))
        learner = Learner(build(), counts, settings, device)
        if under_way is not None:
            learner.restore(under_way)
            under_way = None
            _log.info("training resumes after epoch %d%s", len(learner.losses), _of(member))
        with _bar() as bar:
            task = bar.add_task(
                f"training{_of(member)}",
                total=settings.epochs,
                completed=len(learner.losses),
                loss=math.nan,
            )
            while not learner.done:
                _, checked = learner.epoch(*windows)
                _refuse_non_finite(learner.losses, settings)
                if file is not None:
                    file.save({"members": members, "under_way": learner.state()})
                bar.update(task, advance=1, loss=checked)
        best = learner.best
        members.append(
            {"weights": best.weights, "best_epoch": best.epoch, "losses": learner.losses}
        )
    return members


def _of(member: int) -> str:
    return f" of member {member + 1}" if member else ""


def _with_weights(network: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    network.load_state_dict(weights)
    return network.eval()


def _refuse_non_finite(losses: Sequence[tuple[float, float]], settings: TrainingSettings) -> None:
    for part, loss in zip(("training", "validation"), losses[-1], strict=True):
        if not math.isfinite(loss):
            raise ConfigError(
                f"training stopped in epoch {len(losses)}: the {part} loss is {loss}; "
                f"lower training.learning_rate (now {settings.learning_rate:g})"
            )


def _bar() -> Progress:
    return progress_bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("validation loss {task.fields[loss]:.3f}"),
    )
