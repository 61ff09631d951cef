"""Virtual headsets that nobody wears: the simulator, and generators of the signal."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from replay.script import Step
from replay.scripted import Samples, ScriptedSource
from rtbci.errors import ReplayError

if TYPE_CHECKING:
    from offline.generators import Generator
    from replay.simulator.simulator import Simulator


class SimulatorSource(ScriptedSource):
    """Simulated EEG along a script, without one through the classes in turn for ever.

    Parameters
    ----------
    simulator : Simulator
        Makes the samples.
    identity : str
        Equal for two simulators exactly if they make the same samples.
    steps : sequence of Step, optional
        The script.
    loop : bool
        Whether the script begins again after its end.
    stop_s : float, optional
        Length in seconds.

    Raises
    ------
    ReplayError
        If the length is less than one sample.
    """

    def __init__(
        self,
        simulator: Simulator,
        identity: str,
        steps: Sequence[Step] | None = None,
        loop: bool = False,
        stop_s: float | None = None,
    ) -> None:
        super().__init__(
            "simulator",
            identity,
            simulator.sfreq,
            simulator.channels,
            simulator.emotions,
            steps,
            loop,
            stop_s,
        )
        self._simulator = simulator

    def _begin(self) -> Callable[[int, int], Samples]:
        # A simulator only goes on: the source's own is kept as it was.
        return copy.deepcopy(self._simulator).next


class GeneratedSource(ScriptedSource):
    """What a generator of the signal makes along a script, without one through the classes.

    Parameters
    ----------
    generator : Generator
        Trained; one that makes the signal.
    identity : str
        Equal for two generators exactly if they are the same, as the digest of their file is.
    steps : sequence of Step, optional
        The script, of the generator's classes.
    seed : int
        Another seed makes another signal.
    loop : bool
        Whether the script begins again after its end.
    stop_s : float, optional
        Length in seconds.

    Raises
    ------
    ReplayError
        If the generator makes no signal, or the length is less than one sample.
    """

    def __init__(
        self,
        generator: Generator[Any],
        identity: str,
        steps: Sequence[Step] | None = None,
        seed: int = 0,
        loop: bool = False,
        stop_s: float | None = None,
    ) -> None:
        from offline.generators import SignalGenerator

        if not isinstance(generator, SignalGenerator):
            raise ReplayError(
                f"a generator of the kind {generator.kind} makes {generator.makes}, no signal: "
                "a headset cannot play it"
            )
        recipe = generator.recipe
        super().__init__(
            f"{generator.kind} generator",
            f"{identity} seed {seed}",
            generator.sfreq,
            recipe.channels,
            recipe.classes,
            steps,
            loop,
            stop_s,
        )
        self._generator, self._seed = generator, seed

    def _begin(self) -> Callable[[int, int], Samples]:
        return self._generator.stream(self._seed).next
