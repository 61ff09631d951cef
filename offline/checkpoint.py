"""A training under way as a file, so that one that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from offline.examples import Windows
from offline.provenance import own_code_hash, versions
from rtbci.atomic import complete_or_absent
from rtbci.errors import ConfigError
from rtbci.progress import track

_MAGIC = b"rtbci checkpoint\n"
_BLOCK = 1024  # windows that are in memory at once
_log = logging.getLogger(__name__)


def checkpoint_beside(output: Path) -> Path:
    """Return where the checkpoint of a training lies whose outcome is written to a file."""
    return output.with_name(f"{output.name}.checkpoint")


class _UntrustedError(Exception):
    """A file that is not to be gone on from."""


class Checkpoint:
    """A file that holds the state of one training, and of no other.

    It is the magic line, the training's key, the SHA-256 of what follows, and the state as
    PyTorch writes it. The state is read only if the key is this training's and the hash fits, and
    as data alone: nothing in the file is executed.

    Parameters
    ----------
    path : Path
        Where; need not exist yet.
    key : bytes
        32 bytes that tell this training from all others; see :func:`training_key`.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._start = _MAGIC + key

    def load(self) -> dict[str, Any] | None:
        """Return the state, or None if there is none that can be trusted."""
        try:
            return self._trusted()
        except FileNotFoundError:
            pass
        except (OSError, _UntrustedError) as error:
            reason = getattr(error, "strerror", None) or error
            _log.warning("%s: %s; training starts anew", self._path, reason)
        return None

    def save(self, state: dict[str, Any]) -> None:
        """Write the state, completely or not at all.

        Raises
        ------
        ConfigError
            If it cannot be written there; one line.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        try:
            with complete_or_absent(self._path) as file:
                file.write(self._start + hashlib.sha256(content).digest())
                file.write(content)
        except OSError as error:
            raise ConfigError(
                f"{self._path}: the training's checkpoint cannot be written "
                f"({error.strerror or error}); name another output"
            ) from None

    def _trusted(self) -> dict[str, Any]:
        content = self._path.read_bytes()
        start, rest = content[: len(self._start)], content[len(self._start) :]
        if not start.startswith(_MAGIC):
            raise _UntrustedError("no checkpoint of a training")
        if start != self._start:
            raise _UntrustedError("another training's checkpoint: data, settings or program differ")
        digest, state = rest[:32], rest[32:]
        if digest != hashlib.sha256(state).digest():
            raise _UntrustedError("damaged checkpoint")
        try:
            found: dict[str, Any] = torch.load(
                io.BytesIO(state), map_location="cpu", weights_only=True
            )
        except pickle.UnpicklingError:
            raise _UntrustedError("this checkpoint holds more than data") from None
        return found


def training_key(
    untrained: nn.Module, windows: Iterable[Windows], settings: dict[str, Any]
) -> bytes:
    """Return a hash of all that a trained network depends on, 32 bytes.

    Parameters
    ----------
    untrained : torch.nn.Module
        The network before it learned: its modules, their sizes, first weights and buffers count.
    windows : iterable of Windows
        What is learned from and chosen on; every number that the network is given counts.
    settings : dict
        Whatever else it depends on; anything that JSON can hold.

    Returns
    -------
    bytes
        It also depends on the source code of the packages and on the versions of libraries.
    """
    whole = hashlib.sha256()
    basis = [settings, versions(), own_code_hash(), _structure(untrained)]
    whole.update(json.dumps(basis, sort_keys=True).encode())
    for value in untrained.state_dict().values():
        whole.update(np.ascontiguousarray(value.numpy()).data)
    for part in windows:
        whole.update(_digest(part))
    return whole.digest()


def _structure(network: nn.Module) -> list[Any]:
    """Tell what a network is made of: kinds of modules, plain attributes, shapes."""
    plain = (bool, int, float, str, tuple)
    modules = [
        [name, type(module).__qualname__]
        + [[key, repr(value)] for key, value in vars(module).items() if isinstance(value, plain)]
        for name, module in network.named_modules()
    ]
    shapes = [[name, list(value.shape)] for name, value in network.state_dict().items()]
    return [modules, shapes]


def _digest(windows: Windows) -> bytes:
    whole = hashlib.sha256(windows.labels.tobytes())
    blocks = np.array_split(np.arange(len(windows)), len(windows) // _BLOCK + 1)
    for rows in track(blocks, "reading windows"):
        batch = np.ascontiguousarray(windows.examples.batch(rows))
        whole.update(repr(batch.shape).encode())
        whole.update(batch.data)
    return whole.digest()
