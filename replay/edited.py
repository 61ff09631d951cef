"""Virtual headsets that somebody wore: a reference signal, edited along a script of emotions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.generators import Generator
from offline.generators.scaling import Scale
from replay.resynthesis import de_planes, resynthesis
from replay.script import Step, Timetable
from replay.scripted import Samples, ScriptedSource
from replay.sources import Source
from replay.wearer import pieces_of, wearer_scale
from rtbci.errors import ReplayError, RtbciError
from rtbci.signal.path import SignalPath


class EditedSource(ScriptedSource):
    """A reference signal, edited along a script by a generator that edits maps.

    The reference's maps, in nats as they leave the signal path, are edited into the emotion that
    the script has at that time, and the reference is made to measure so
    (:func:`~replay.resynthesis.resynthesis`). The generator has to have learned from such maps; one
    that learned relative to each person's calibration block is given them relative to how the
    reference begins, and its edits are taken back (:func:`~replay.wearer.wearer_scale`). A window
    that reaches over a change of emotion is to measure a mean of both, by their shares of it.

    Channels that the generator does not know stay as they are. The reference's own markers say
    nothing of the edited signal and are left out.

    Parameters
    ----------
    reference : Source
        What is edited; its end is the end.
    generator : Generator
        Edits maps.
    identity : str
        Equal for two generators exactly if they are the same, as the digest of their file is.
    steps : sequence of Step, optional
        The script, of the generator's classes.
    seed : int
        Of what the edits draw at random.
    loop : bool
        Whether the script begins again after its end.
    stop_s : float, optional
        Length in seconds.

    Raises
    ------
    ReplayError
        If the generator does not edit single maps of DE, the length is less than one sample, or the
        reference's beginning is not the calibration that the generator needs.
    RtbciError
        If the reference's channels or rate do not fit the generator's recipe.
    """

    def __init__(
        self,
        reference: Source,
        generator: Generator[Any],
        identity: str,
        steps: Sequence[Step] | None = None,
        seed: int = 0,
        loop: bool = False,
        stop_s: float | None = None,
    ) -> None:
        if not generator.edits or generator.makes != "maps":
            raise ReplayError(
                f"a generator of the kind {generator.kind} does not edit maps: it cannot make a "
                "headset of a reference"
            )
        recipe = generator.recipe
        if recipe.segments > 1:
            raise ReplayError(
                f"the generator edits {recipe.segments} maps at once, and a headset is edited map "
                "by map; train it with recipe.segments 1"
            )
        try:
            # Refused here, not once the stream has begun.
            window = SignalPath(recipe, reference.sfreq, reference.channels).window
            scale = wearer_scale(reference, recipe)
        except RtbciError as error:
            raise type(error)(f"{reference.name}: {error}") from None
        if reference.n_samples is not None:
            lasts = reference.n_samples / reference.sfreq
            stop_s = lasts if stop_s is None else min(stop_s, lasts)
        super().__init__(
            f"{reference.name} edited by {generator.kind}",
            f"{identity} of {reference.identity} seed {seed}",
            reference.sfreq,
            reference.channels,
            recipe.classes,
            steps,
            loop,
            stop_s,
        )
        self._reference = reference
        self._edits = Edits(generator, self._timetable, window, seed, scale)

    def _begin(self) -> Callable[[int, int], Samples]:
        recipe = self._edits.generator.recipe
        chunks = pieces_of(self._reference)
        made = resynthesis(chunks, self.sfreq, self.channels, self._edits, recipe)
        return _Pieces(made).next


class Edits:
    """What a generator makes of a reference's maps along a timetable.

    Parameters
    ----------
    generator : Generator
        Edits maps in nats, or relative to a wearer's block.
    timetable : Timetable
        Says when what is to be seen.
    window : int
        Length of the maps' windows in samples.
    seed : int
        Of what the edits draw at random.
    scale : Scale, optional
        The wearer's, which the generator's maps are relative to.
    """

    def __init__(
        self,
        generator: Generator[Any],
        timetable: Timetable,
        window: int,
        seed: int = 0,
        scale: Scale | None = None,
    ) -> None:
        self.generator, self._scale = generator, scale
        self._planes = de_planes(generator.recipe)
        self._timetable, self._window, self._seed = timetable, window, seed

    def __call__(
        self, maps: NDArray[np.float64], last: NDArray[np.int64]
    ) -> NDArray[np.floating[Any]]:
        """Return the DE, shape (hops, bands, channels), nats, that each window is to measure."""
        labels = self._timetable.labels(last[:, None] - np.arange(self._window))
        wanted = np.zeros((len(maps), len(self.generator.recipe.bands), maps.shape[2]))
        for label in np.unique(labels).tolist():
            share = (labels == label).mean(axis=1)
            rows = share > 0
            # Another seed each time, or every few seconds would have the same noise.
            edited = self._edited(maps[rows], label, self._seed + int(last[0]))
            wanted[rows] += share[rows, None, None] * edited[:, self._planes]
        return wanted

    def _edited(self, maps: NDArray[np.float64], label: int, seed: int) -> NDArray[np.float32]:
        if self._scale is None:
            return self.generator.edit(maps, label, seed)
        scale = self._scale
        return scale.back(self.generator.edit(scale.standardised(maps), label, seed))


class _Pieces:
    """A signal that comes in blocks, taken as it is asked for."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._held: Samples | None = None

    def next(self, n_samples: int, _label: int) -> Samples:
        """Return the next samples, fewer at the end; their emotion has been decided already."""
        parts: list[Samples] = []
        while n_samples:
            if self._held is None or not len(self._held):
                self._held = next(self._blocks, None)
                if self._held is None:
                    break
            parts.append(self._held[:n_samples])
            self._held = self._held[n_samples:]
            n_samples -= len(parts[-1])
        return np.concatenate(parts)
