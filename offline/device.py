"""What a training computes on: the processor, or a graphics card in mixed precision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from offline.examples import Examples
from rtbci.errors import ConfigError

DeviceName = Literal["auto", "cpu", "cuda"]
"""``auto`` is a graphics card where there is one."""


@dataclass(frozen=True)
class Device:
    """Where tensors lie, and in what precision a network computes there while it learns.

    Attributes
    ----------
    place : torch.device
        Where.
    precision : torch.dtype or None
        What most of a network's products are computed in; weights and sums are float32 all the
        same. None is float32 throughout.
    """

    place: torch.device
    precision: torch.dtype | None = None

    @property
    def name(self) -> str:
        """What numbers depend on, for people and fingerprints."""
        return f"{self.place}, {self.precision or torch.float32}"

    def autocast(self) -> AbstractContextManager[None]:
        """Compute in the device's precision within the block."""
        context: AbstractContextManager[None] = torch.autocast(
            self.place.type, self.precision, enabled=self.precision is not None
        )
        return context

    def scaler(self) -> Any:
        """Return what keeps small gradients from vanishing: needed in float16 alone."""
        return torch.amp.GradScaler(self.place.type, enabled=self.precision is torch.float16)

    def inputs(self, examples: Examples, rows: Tensor) -> Tensor:
        """Return some examples as a tensor on the device."""
        return torch.from_numpy(examples.batch(rows.numpy())).to(self.place)

    @contextmanager
    def repeatable(self) -> Iterator[None]:
        """Within the block random numbers are its own, and sums are always in the same order."""
        with torch.random.fork_rng(devices=[self.place] if self._is_card else []):
            if not self._is_card:  # on one thread there is but one order
                yield
                return
            before = torch.get_deterministic_debug_mode()
            torch.set_deterministic_debug_mode("warn")
            try:
                yield
            finally:
                torch.set_deterministic_debug_mode(before)

    def seed(self, seed: int) -> None:
        """Seed the random numbers that are drawn here, and no other device's."""
        torch.default_generator.manual_seed(seed)
        if self._is_card:
            with torch.cuda.device(self.place):
                torch.cuda.manual_seed(seed)

    def random_state(self) -> dict[str, Tensor]:
        """Return where the random numbers are."""
        state = {"cpu": torch.get_rng_state()}
        if self._is_card:
            state["card"] = torch.cuda.get_rng_state(self.place)
        return state

    def restore_random_state(self, state: dict[str, Tensor]) -> None:
        """Put the random numbers back to where they were."""
        torch.set_rng_state(state["cpu"])
        if self._is_card:
            torch.cuda.set_rng_state(state["card"], self.place)

    @property
    def _is_card(self) -> bool:
        return str(self.place.type) == "cuda"


CPU = Device(torch.device("cpu"))
"""The processor, which is where live computes too."""


def choose_device(wanted: DeviceName) -> Device:
    """Return what to train on.

    A card that has no bfloat16 of its own computes in float16.

    Raises
    ------
    ConfigError
        If a graphics card is asked for and there is none that PyTorch can use.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return CPU
    if not torch.cuda.is_available():
        raise ConfigError(
            "training.device = 'cuda': PyTorch finds no CUDA graphics card here; set it to auto or "
            f"cpu, or install a PyTorch built for CUDA (this one is {torch.__version__})"
        )
    # Read once, when cuBLAS starts; without it cuBLAS may add up in another order each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return Device(
        torch.device("cuda", torch.cuda.current_device()),
        torch.bfloat16 if native else torch.float16,
    )
