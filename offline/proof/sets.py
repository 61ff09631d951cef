"""Two sets of examples that are compared: real ones held out, and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offline.generators.generator import Floats, Real
from rtbci.errors import GeneratorError

LEAST_EXAMPLES = 10
"""Examples that a class needs in each set; the means and spreads of fewer say nothing."""


@dataclass(frozen=True)
class ExampleSet:
    """Examples of one kind: real, of other people, generated.

    Attributes
    ----------
    x : array, shape (examples, ...)
        Maps (planes, channels), windows of the signal (channels, samples), or features.
    labels : array of int, shape (examples,)
        Class of each.
    groups : array of int, shape (examples,)
        Trial, recording or subject of each: examples of a group resemble each other. What was
        drawn alone is a group alone. A number that two sets share is one group in both.

    Raises
    ------
    GeneratorError
        If the lengths differ or a number is not finite.
    """

    x: Floats
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.x) == len(self.labels) == len(self.groups):
            raise GeneratorError(
                f"{len(self.x)} examples to be compared have {len(self.labels)} labels and "
                f"{len(self.groups)} groups"
            )
        refuse_not_finite(self.x)

    @classmethod
    def of_trials(cls, real: Real) -> ExampleSet:
        """Take real examples, each trial a group."""
        return cls(real.x, real.labels, real.trials)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> ExampleSet:
        """Return some of them."""
        return ExampleSet(self.x[rows], self.labels[rows], self.groups[rows])

    @property
    def flat(self) -> NDArray[np.float64]:
        """All numbers of an example as one vector, shape (examples, numbers)."""
        return self.x.reshape(len(self), -1).astype(np.float64)

    def of(self, label: int) -> Floats:
        """Return the examples of a class."""
        found: Floats = self.x[self.labels == label]
        return found

    def in_order(self) -> ExampleSet:
        """Return the same set in an order of its own, however it was given."""
        rows = order_of(self.x)
        return self[rows[np.lexsort((self.groups[rows], self.labels[rows]))]]


def order_of(x: Floats) -> NDArray[np.intp]:
    """Return an order of examples that depends on nothing but their numbers.

    What is drawn at random from examples, or learned from them step by step, is then the same
    however they were given.
    """
    flat = np.ascontiguousarray(x.reshape(len(x), -1))
    rows = flat.view(np.dtype((np.void, flat.itemsize * flat.shape[1])))
    return np.argsort(rows[:, 0], kind="stable")


def shared_classes(real: ExampleSet, other: ExampleSet) -> tuple[int, ...]:
    """Return the classes of a real set, all of which the other set has as well.

    Raises
    ------
    GeneratorError
        If examples have another shape in the other set, or one of the sets has too few of a class.
    """
    if real.x.shape[1:] != other.x.shape[1:]:
        shapes = [" x ".join(map(str, each.x.shape[1:])) for each in (real, other)]
        raise GeneratorError(f"examples of {shapes[0]} cannot be compared with ones of {shapes[1]}")
    if not len(real):
        raise GeneratorError("there are no real examples to compare with")
    classes = tuple(np.unique(real.labels).tolist())
    for name, each in (("real", real), ("compared", other)):
        for label in classes:
            count = int((each.labels == label).sum())
            if count < LEAST_EXAMPLES:
                raise GeneratorError(
                    f"class {label} has {count} {name} example{'s' * (count != 1)}; a comparison "
                    f"needs {LEAST_EXAMPLES} at least"
                )
    return classes


def over_classes(
    real: ExampleSet, other: ExampleSet, measure: Callable[[Floats, Floats], Floats | float]
) -> NDArray[np.float64]:
    """Measure each class by itself and return the mean over classes, which all count the same.

    Raises
    ------
    GeneratorError
        As :func:`shared_classes`.
    """
    found = [measure(real.of(k), other.of(k)) for k in shared_classes(real, other)]
    return np.asarray(np.mean(np.array(found, np.float64), axis=0))


def matched(
    real: ExampleSet, other: ExampleSet, most: int, rng: np.random.Generator, told: str = ""
) -> tuple[ExampleSet, ExampleSet]:
    """Draw as many examples of each class from two sets, so that only what they are tells them.

    Parameters
    ----------
    real, other : ExampleSet
        The sets; what is drawn does not depend on their order.
    most : int
        Examples, of all classes together, that a set keeps at most.
    rng : numpy.random.Generator
        Draws.
    told : str
        What they are, for errors.

    Raises
    ------
    GeneratorError
        As :func:`shared_classes`.
    """
    try:
        classes = shared_classes(real, other)
    except GeneratorError as error:
        raise GeneratorError(f"{told}: {error}" if told else str(error)) from None
    counts = np.array([min((each.labels == k).sum() for each in (real, other)) for k in classes])
    counts = np.floor(counts * min(1.0, most / counts.sum())).astype(int)
    drawn = []
    for each in (real.in_order(), other.in_order()):
        rows = [
            rng.choice(np.flatnonzero(each.labels == k), count, replace=False)
            for k, count in zip(classes, counts, strict=True)
        ]
        drawn.append(each[np.concatenate(rows)])
    return drawn[0], drawn[1]


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """Return which of so many things are kept, at most so many, spread evenly from end to end."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.intp)


def refuse_flat(real: ExampleSet, other: ExampleSet, what: str) -> None:
    """Raise an error of one line if examples have not two axes, as ``what`` names them."""
    for each in (real, other):
        if each.x.ndim != 3:
            shape = " x ".join(map(str, each.x.shape[1:]))
            raise GeneratorError(f"{what}; one has the shape {shape}")


def refuse_not_finite(x: Floats) -> None:
    """Raise an error of one line if a number is NaN or infinite."""
    if not np.isfinite(x).all():
        raise GeneratorError("an example to be compared holds numbers that are not finite")
