"""The one contract of all generators: what they learn from, what they make, what they can edit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rtbci.configuration import Settings
from rtbci.errors import GeneratorError
from rtbci.recipe import Recipe

Makes = Literal["maps", "signal"]
"""Maps (planes, channels), or windows of the signal (channels, samples) in microvolts.

Of a recipe with several segments a map is 4-D, over bands, the head's two axes and time: all that a
network sees at once, one segment's planes after the other's, the oldest first.
"""

LEAST_TRIALS = 2
"""Trials that a class needs: of one alone a generator could only learn that trial by heart."""

S = TypeVar("S", bound=Settings)
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Real:
    """Real examples, of which a generator learns.

    Attributes
    ----------
    x : array, shape (examples, planes, channels) or (examples, channels, samples)
        Maps, in nats or standardised; or windows of the signal, microvolts.
    labels : array of int, shape (examples,)
        Class of each.
    trials : array of int, shape (examples,)
        Which trial each lies in: a number for each trial of each recording.
    """

    x: Floats
    labels: NDArray[np.int64]
    trials: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> Real:
        """Return some of them."""
        return Real(self.x[rows], self.labels[rows], self.trials[rows])

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Return how many examples each class has."""
        return np.bincount(self.labels, minlength=classes).astype(np.int64)


@dataclass(frozen=True)
class Course:
    """How a generator's training went.

    Attributes
    ----------
    losses : mapping of str to tuple of float
        Each loss by its name, epoch by epoch; nothing where nothing is trained step by step.
    """

    losses: Mapping[str, tuple[float, ...]]


class Generator(ABC, Generic[S]):
    """Makes examples of a class, and may edit examples of one class into another.

    The same settings, data and seed give the same generator, and the same generator and seed the
    same examples.

    Parameters
    ----------
    recipe : Recipe
        Channels, classes, bands and grid.
    settings : Settings
        The kind's own.
    sfreq : float
        Sampling rate of the signal that it makes, hertz; maps have none.

    Attributes
    ----------
    kind : str
        Its name in configurations.
    makes : {"maps", "signal"}
        What its examples are.
    edits : bool
        Whether :meth:`edit` can be asked for.
    course : Course
        How the training went.
    """

    kind: ClassVar[str]
    makes: ClassVar[Makes]
    edits: ClassVar[bool] = False

    def __init__(self, recipe: Recipe, settings: S, sfreq: float = 200.0) -> None:
        self.recipe, self.settings, self.sfreq = recipe, settings, sfreq
        self.course = Course({})

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.recipe.classes

    def fit(self, real: Real, seed: int = 0, *, checkpoint: Path | None = None) -> Self:
        """Learn from real examples, of the training part alone.

        Parameters
        ----------
        real : Real
            At least two trials of each class.
        seed : int
            Fixes all that is drawn at random.
        checkpoint : Path, optional
            File that a long training is written to, and gone on from. Of a training that is done
            it holds the end: whoever has saved the generator removes it.

        Raises
        ------
        GeneratorError
            If a class has too few trials, an example is not finite or of another shape than the
            recipe's, or training leads to numbers that are not finite.
        """
        real = Real(real.x, np.asarray(real.labels, np.int64), real.trials)
        self._refuse_unfit(real)
        self._fit(real, seed, checkpoint)
        return self

    def sample(self, n: int, label: int, seed: int = 0) -> NDArray[np.float32]:
        """Make examples of a class.

        Parameters
        ----------
        n : int
            How many.
        label : int
            Index of the class.
        seed : int
            Another seed makes others.

        Returns
        -------
        array, shape (n, planes, channels) or (n, channels, samples)
            On the scale of what it learned from.
        """
        self._refuse_unknown(label)
        return self._sample(n, label, np.random.default_rng([seed, label])).astype(np.float32)

    def edit(self, x: Floats, to_label: int, seed: int = 0) -> NDArray[np.float32]:
        """Turn examples into such as the same person would have given in another class.

        Parameters
        ----------
        x : array, shape (examples, planes, channels) or (examples, channels, samples)
            Real ones, on the scale of what was learned from.
        to_label : int
            Index of the class.
        seed : int
            Fixes what is drawn at random, if anything is.

        Raises
        ------
        GeneratorError
            If generators of this kind cannot edit, or the examples are of another montage.
        """
        if not self.edits:
            raise GeneratorError(f"a generator of the kind {self.kind} cannot edit")
        self._refuse_unknown(to_label)
        self._refuse_unusable(x)
        return self._edit(x, to_label, np.random.default_rng([seed, to_label])).astype(np.float32)

    def supplement(
        self, real: Real, wanted: Mapping[int, int], seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Make what a training part lacks.

        Parameters
        ----------
        real : Real
            The training part; who edits, edits these.
        wanted : mapping of int to int
            How many more there shall be of each class.
        seed : int
            Fixes all that is drawn at random.

        Returns
        -------
        x : array, shape (made, ...)
            As many as wanted, or fewer where not enough passed what the kind demands of them.
        labels : array of int, shape (made,)
            Class of each.
        """
        parts = [self._supplement(real, label, n, seed) for label, n in wanted.items() if n]
        labels = np.repeat([label for label, n in wanted.items() if n], [len(p) for p in parts])
        made = np.concatenate(parts) if parts else real.x[:0]
        return made.astype(np.float32), labels.astype(np.int64)

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return all that was learned."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what was learned."""

    @abstractmethod
    def _fit(self, real: Real, seed: int, checkpoint: Path | None) -> None: ...

    @abstractmethod
    def _sample(self, n: int, label: int, rng: np.random.Generator) -> Floats: ...

    def _edit(self, x: Floats, to_label: int, rng: np.random.Generator) -> Floats:
        raise NotImplementedError

    def _supplement(self, real: Real, label: int, n: int, seed: int) -> Floats:
        return self.sample(n, label, seed)

    def _refuse_unfit(self, real: Real) -> None:
        self._refuse_unusable(real.x)
        if not len(real.x) == len(real.labels) == len(real.trials):
            raise GeneratorError(
                f"{len(real.x)} examples to learn from have {len(real.labels)} labels and "
                f"{len(real.trials)} trials"
            )
        for label in np.setdiff1d(real.labels, np.arange(len(self.classes))):
            self._refuse_unknown(int(label))
        for label, name in enumerate(self.classes):
            trials = len(np.unique(real.trials[real.labels == label]))
            if trials < LEAST_TRIALS:
                raise GeneratorError(
                    f"class {name} has {trials} trial{'s' * (trials != 1)} to learn from; "
                    f"a generator needs {LEAST_TRIALS} at least"
                )

    def _refuse_unusable(self, x: Floats) -> None:
        recipe = self.recipe
        found, channels = x.shape[1:], len(recipe.channels)
        fits = (
            found == recipe.stacked_shape
            if self.makes == "maps"
            else len(found) == 2 and found[0] == channels
        )
        if not fits:
            what = (
                f"maps of {recipe.stacked_shape[0]} planes and {channels} channels"
                if self.makes == "maps"
                else f"windows of {channels} channels"
            )
            raise GeneratorError(
                f"another montage than the generator's: it makes {what}, and was given "
                f"{' x '.join(map(str, found))}"
            )
        if not np.isfinite(x).all():
            raise GeneratorError("an example holds numbers that are not finite")

    def _refuse_unknown(self, label: int) -> None:
        if not 0 <= label < len(self.classes):
            raise GeneratorError(
                f"there is no class {label}; the generator knows {', '.join(self.classes)}"
            )


class SignalStream(Protocol):
    """Endless signal: each piece goes on where the one before ended."""

    def next(self, n_samples: int, label: int) -> NDArray[np.float32]:
        """Return the next samples, shape (samples, channels), microvolts, of a class."""
        ...


class SignalGenerator(Generator[S]):
    """A generator of the signal that can go on for ever, as a headset does."""

    makes = "signal"

    @abstractmethod
    def stream(self, seed: int = 0) -> SignalStream:
        """Begin an endless signal."""


def class_index(classes: tuple[str, ...], name: str) -> int:
    """Return the index of a class by its name.

    Raises
    ------
    GeneratorError
        If there is none of that name.
    """
    if name not in classes:
        raise GeneratorError(f"no emotion {name!r}; the generator knows {', '.join(classes)}")
    return classes.index(name)
