"""Training a generator epoch by epoch: progress, checkpoints, and no numbers that are none."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from offline.checkpoint import Checkpoint
from offline.device import Device
from offline.generators.generator import Course, Generator, Real
from offline.provenance import own_code_hash, versions
from offline.training import one_thread
from rtbci.errors import GeneratorError
from rtbci.progress import progress_bar


class Trainee(Protocol):
    """Networks and their optimisers, which learn an epoch at a time."""

    def epoch(self) -> dict[str, float]:
        """Pass once over the examples; return the mean of each loss, the same names each time."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that the next epoch depends on, but for random numbers."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        ...


class Begin(Protocol):
    """Makes an untrained trainee, once random numbers have been seeded."""

    def __call__(self, device: Device) -> Trainee:
        """Build networks and optimisers on a device."""
        ...


def train(
    begin: Begin, epochs: int, device: Device, seed: int, title: str, file: Checkpoint | None
) -> tuple[Trainee, Course]:
    """Train for a number of epochs, going on where the same training was interrupted.

    All random numbers are PyTorch's own within; the process's are left as they were.

    Parameters
    ----------
    begin : callable
        Makes what learns.
    epochs : int
        How many.
    device : Device
        What on.
    seed : int
        Of PyTorch's random numbers.
    title : str
        For the progress bar.
    file : Checkpoint or None
        Where the state goes after each epoch; it stays there after the last one.

    Returns
    -------
    trainee : Trainee
        After its last epoch.
    course : Course
        Losses by name, one of each an epoch.

    Raises
    ------
    GeneratorError
        If a loss is not a finite number; says which and when.
    """
    with one_thread(), device.repeatable():
        device.seed(seed)
        trainee = begin(device)
        losses: dict[str, list[float]] = {}
        done = 0
        if file is not None and (saved := file.load()) is not None:
            trainee.restore(saved["trainee"])
            device.restore_random_state(saved["random"])
            losses, done = saved["losses"], saved["done"]
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with progress_bar(*columns) as bar:
            task = bar.add_task(title, total=epochs, completed=done)
            for number in range(done + 1, epochs + 1):
                for name, value in trainee.epoch().items():
                    if not math.isfinite(value):
                        raise GeneratorError(
                            f"{title}: the loss {name!r} is {value} in epoch {number}; "
                            "lower learning_rate, or the weight of the loss if it has one"
                        )
                    losses.setdefault(name, []).append(value)
                if file is not None:
                    state = {"trainee": trainee.state(), "random": device.random_state()}
                    file.save(state | {"losses": losses, "done": number})
                bar.advance(task)
    return trainee, Course({name: tuple(values) for name, values in losses.items()})


def checkpoint_of(
    generator: Generator[Any], real: Real, seed: int, device: Device, path: Path | None
) -> Checkpoint | None:
    """Return the checkpoint of one training, and of no other; None where there is no path."""
    if path is None:
        return None
    basis: Mapping[str, Any] = {
        "settings": generator.settings.model_dump(mode="json"),
        "recipe": generator.recipe.model_dump(mode="json"),
        "sfreq": generator.sfreq,
        "seed": seed,
        "device": device.name,
        "versions": versions(),
        "code": own_code_hash(),
    }
    whole = hashlib.sha256(json.dumps(basis, sort_keys=True).encode())
    for array in (real.x, real.labels, real.trials):
        whole.update(repr((array.shape, array.dtype)).encode())
        whole.update(np.ascontiguousarray(array).data)
    return Checkpoint(path, whole.digest())
