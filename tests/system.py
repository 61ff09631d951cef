"""The program's commands as real processes, talking real LSL and ZeroMQ, for tests."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rtbci.cli.processes import command, end, free_address
from rtbci.errors import ReceiveTimeoutError
from rtbci.model.file import Model, Output, load_model, save_model
from rtbci.model.recogniser import Recogniser
from rtbci.publish.client import Subscription
from rtbci.publish.wire import Prediction, Status
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics


class TinyNetwork(torch.nn.Module):
    """A network with fixed random weights: predictions that depend on every number it is fed."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        planes, channels = recipe.map_shape
        shape = (len(recipe.classes), recipe.segments * planes * channels)
        self.weights = torch.nn.Parameter(torch.randn(shape, generator=generator) / 8)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.flatten(1) @ self.weights.T


def make_model(path: Path, output: Output | None = None, **changes: Any) -> Model:
    """Write a model file with fixed random weights and return it as live will load it."""
    recipe = Recipe(**changes)
    shape = recipe.map_shape
    statistics = Statistics(np.full(shape, 2.0), np.full(shape, 0.5))
    training = {"purpose": "test"}
    save_model(path, TinyNetwork(recipe), recipe, statistics, training, output=output)
    return load_model(path)


def offline(
    model: Model, data: np.ndarray, sfreq: float, channels: Sequence[str], **options: Any
) -> np.ndarray:
    """Return the probabilities of every hop of a recording (channels, samples), microvolts."""
    recogniser = Recogniser(model, sfreq, channels, "uV", **options)
    return recogniser.push(data.T).probabilities


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


@contextmanager
def started(*words: object) -> Iterator[subprocess.Popen[str]]:
    """Run ``rtbci WORDS`` until the block ends."""
    process = subprocess.Popen(
        command(*words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        end(process)


def rtbci(*words: object, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run ``rtbci WORDS`` to its end."""
    return subprocess.run(
        command(*words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Listener:
    """A subscription to a live system, opened before the system starts.

    Another one's ``address`` makes it listen to the same system, to one ``model`` of several.
    """

    def __init__(self, address: str | None = None, model: str | None = None) -> None:
        self.address = address or free_address()
        self.subscription = Subscription(self.address, None, None, model)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.subscription.close()

    def status(self, *states: str, said: str = "", timeout: float = 30) -> Status:
        """Wait for a status with one of these states whose message holds ``said``."""
        deadline = time.monotonic() + timeout
        for message in self._messages(deadline):
            if isinstance(message, Status) and message.state in states and said in message.message:
                return message
        raise AssertionError(f"no status {states} {said!r}; last {self.subscription.last_status}")

    def predictions(self, count: int, timeout: float = 90) -> list[Prediction]:
        """Collect predictions until there are ``count``."""
        deadline = time.monotonic() + timeout
        collected: list[Prediction] = []
        for message in self._messages(deadline):
            if isinstance(message, Prediction):
                collected.append(message)
                if len(collected) == count:
                    return collected
        raise AssertionError(
            f"{len(collected)} of {count} predictions; last {self.subscription.last_status}"
        )

    def silence(self, seconds: float) -> list[Prediction]:
        """Return the predictions that come before there has been none for so long."""
        collected = []
        while True:
            try:
                collected.append(self.subscription.receive(seconds))
            except ReceiveTimeoutError:
                return collected

    def _messages(self, deadline: float) -> Iterator[Prediction | Status]:
        while (left := deadline - time.monotonic()) > 0:
            try:
                yield from self.subscription.messages(left)
            except ReceiveTimeoutError:
                return


def probabilities(predictions: Sequence[Prediction]) -> np.ndarray:
    """Return the predictions' probabilities, shape (predictions, classes)."""
    return np.array([list(p.probabilities.values()) for p in predictions])


def assert_same(
    predictions: Sequence[Prediction],
    expected: np.ndarray,
    classes: Sequence[str],
    first_seq: int = 0,
) -> None:
    """Hold live predictions against offline ones: one for each hop, the same numbers."""
    assert [p.seq for p in predictions] == [first_seq + k for k in range(len(expected))]
    np.testing.assert_array_equal(probabilities(predictions), expected)
    assert [p.label for p in predictions] == [classes[k] for k in expected.argmax(axis=1)]
