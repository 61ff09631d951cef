"""What people said of a clip, as a class: intervals of a rating scale, from YAML."""

from __future__ import annotations

from itertools import combinations
from math import inf
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from offline.datasets.config import DatasetSettings
from offline.datasets.units import Unit
from rtbci.configuration import Settings
from rtbci.errors import RecordingError

_Edge = tuple[float, int]
# A number and which side of it: -1 just below, 0 the number itself, 1 just above. Edges compare as
# tuples do, so an open end needs no case of its own.


class Interval(Settings):
    """The ratings of one class; an end that is not given is open to the scale's end.

    Attributes
    ----------
    below, at_most : float or None
        Upper end, without or with the number itself.
    above, at_least : float or None
        Lower end, without or with the number itself.
    """

    below: float | None = None
    at_most: float | None = None
    above: float | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _one_number_an_end(self) -> Self:
        for one, other in (("below", "at_most"), ("above", "at_least")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"give {one} or {other}, not both")
        if not self.model_fields_set:
            raise ValueError("needs one of below, at_most, at_least and above")
        if self.lower > self.upper:
            raise ValueError("holds no number")
        return self

    @property
    def lower(self) -> tuple[float, int]:
        """Lower end; the second number is 1 where the first does not belong to the interval."""
        if self.above is not None:
            return (self.above, 1)
        return (-inf if self.at_least is None else self.at_least, 0)

    @property
    def upper(self) -> tuple[float, int]:
        """Upper end; the second number is -1 where the first does not belong to the interval."""
        if self.below is not None:
            return (self.below, -1)
        return (inf if self.at_most is None else self.at_most, 0)

    def meets(self, lower: _Edge, upper: _Edge) -> bool:
        """Say whether a number lies both in here and from ``lower`` to ``upper``."""
        return max(self.lower, lower) <= min(self.upper, upper)

    def holds(self, rating: float) -> bool:
        """Say whether a rating lies in here."""
        return self.meets((rating, 0), (rating, 0))


class RatedSettings(DatasetSettings):
    """The part that data sets share in which people rated what they had seen.

    Attributes
    ----------
    rating : str
        Which of the ratings makes the class.
    bounds : dict
        Each class's interval of that rating. Trials with a rating in none of them are not used.
    unit : str
        Unit of the samples; the files do not say it.
    exclude : tuple of int
        Numbers of the people who are left out.
    """

    scale: ClassVar[tuple[float, float]]
    """Lowest and highest rating that a person could give."""

    rating: str
    bounds: dict[str, Interval]
    unit: Unit = "uV"
    exclude: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @model_validator(mode="after")
    def _one_interval_a_class(self) -> Self:
        strangers = [name for name in self.bounds if name not in self.classes]
        if strangers:
            raise ValueError(f"bounds names {', '.join(strangers)}; classes has no such class")
        absent = [name for name in self.classes if name not in self.bounds]
        if absent:
            raise ValueError(f"bounds lacks the class {', '.join(absent)}")
        low, high = self.scale
        for name, interval in self.bounds.items():
            if not interval.meets((low, 0), (high, 0)):
                raise ValueError(f"bounds.{name} holds no rating; the scale is {low:g} to {high:g}")
        for (one, first), (other, second) in combinations(self.bounds.items(), 2):
            if first.meets(second.lower, second.upper):
                raise ValueError(f"bounds of {one} and {other} overlap")
        return self

    def label_of(self, rating: float, where: str) -> int:
        """Return the class of a rating, or -1 where it lies in no class's interval.

        Parameters
        ----------
        rating : float
            What the person said.
        where : str
            File and trial, for the error.

        Raises
        ------
        RecordingError
            If it is no number of the scale.
        """
        low, high = self.scale
        if not low <= rating <= high:
            raise RecordingError(
                f"{where}: {self.rating} is {rating:g}; the scale is {low:g} to {high:g}"
            )
        for index, name in enumerate(self.classes):
            if self.bounds[name].holds(rating):
                return index
        return -1
