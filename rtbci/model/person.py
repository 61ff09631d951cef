"""What is known of a wearer from a calibration: a small file that live loads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

import rtbci
from rtbci.atomic import complete_or_absent
from rtbci.configuration import Settings, describe
from rtbci.errors import PersonFileError
from rtbci.recipe import Recipe
from rtbci.signal.geometry import geometric_mean, regularised
from rtbci.signal.normalisation import Statistics, mean_squares

FORMAT = 1
"""Version of the file's content."""

# What comes after the path, and what a person's numbers therefore do not depend on.
_NO_MATTER = {"grid", "normalisation", "smoothing", "segments", "segment_s", "calibration"}


_MEAN_WINDOWS = 200


@dataclass(frozen=True)
class Person:
    """A wearer's calibration block.

    Attributes
    ----------
    mean, std : arrays, shape (planes, channels)
        Of the block's maps.
    power : array, shape (channels,), or None
        Mean square of its signal, square microvolts, where the recipe keeps it.
    reference : array, shape (bands, channels, channels), or None
        Riemannian mean of its regularised covariances, where the recipe computes them.
    seconds : float
        How long the block was.
    outputs : array, shape (classes, classes), or None
        A model's mean log-probabilities over each class's part of the block, before prototypes;
        where the recipe wants prototypes.
    network : str
        Digest of the model's file that said so; empty without outputs.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    power: NDArray[np.float64] | None
    reference: NDArray[np.float64] | None
    seconds: float
    outputs: NDArray[np.float64] | None = None
    network: str = ""

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        maps: NDArray[np.float64],
        signal: NDArray[np.float32] | None = None,
        covariances: NDArray[np.float64] | None = None,
    ) -> Person:
        """Learn a person from a block's windows.

        Parameters
        ----------
        recipe : Recipe
            What the windows were computed by.
        maps : array, shape (windows, planes, channels)
            Not standardised.
        signal : array, shape (windows, channels, points), optional
            Microvolts.
        covariances : array, shape (windows, bands, channels, channels), optional
            Square microvolts, not regularised.
        """
        reference = None
        if covariances is not None:
            kept = regularised(covariances, recipe.shrinkage, recipe.variance_floor)
            # The mean of more windows is little else and takes long.
            reference = geometric_mean(kept[:: len(kept) // _MEAN_WINDOWS + 1])
        scale = Statistics.fit(maps)
        return cls(
            mean=scale.mean,
            std=scale.std,
            power=None if signal is None else mean_squares(signal).mean(axis=0),
            reference=reference,
            seconds=len(maps) * recipe.hop_s,
        )


def personal(statistics: Statistics, person: Person | None) -> Statistics:
    """Return training statistics as they are for one person; as they come without one."""
    if person is None:
        return statistics
    power = statistics.power
    if power is not None and person.power is not None:
        power = power * person.power
    return Statistics(
        mean=person.mean + person.std * statistics.mean,
        std=person.std * statistics.std,
        power=power,
        reference=person.reference,
    )


def save_person(path: Path, person: Person, recipe: Recipe, model: str) -> None:
    """Write a person's file, completely or not at all.

    Parameters
    ----------
    path : Path
        Where to.
    person : Person
        What was learned.
    recipe : Recipe
        What it was learned with.
    model : str
        Name of the model, for people.

    Raises
    ------
    PersonFileError
        If the file cannot be written there.
    """
    content = {
        "format": FORMAT,
        "rtbci": rtbci.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": model,
        "recipe": _digest(recipe),
        "seconds": person.seconds,
        "mean": person.mean.tolist(),
        "std": person.std.tolist(),
        "power": _listed(person.power),
        "reference": _listed(person.reference),
        "outputs": _listed(person.outputs),
        "network": person.network,
    }
    try:
        with complete_or_absent(path) as file:
            file.write(json.dumps(content).encode())
    except OSError as error:
        raise PersonFileError(f"{path}: cannot be written: {error.strerror or error}") from None


def load_person(path: Path, recipe: Recipe) -> Person:
    """Read a person's file for a model's recipe.

    Raises
    ------
    PersonFileError
        If there is no such file, it is damaged, or was made with another recipe.
    """
    try:
        stored = _Stored.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PersonFileError(f"{path}: {error.strerror or error}") from None
    except ValidationError as error:
        said = describe(error, _Stored)
        raise PersonFileError(f"{path}: no person's file, or damaged: {said}") from None
    if stored.recipe != _digest(recipe):
        raise PersonFileError(
            f"{path}: was made for the model {stored.model}, whose recipe is another one; "
            "calibrate again with this model"
        )
    person = Person(
        mean=np.array(stored.mean),
        std=np.array(stored.std),
        power=None if stored.power is None else np.array(stored.power),
        reference=None if stored.reference is None else np.array(stored.reference),
        seconds=stored.seconds,
        outputs=None if stored.outputs is None else np.array(stored.outputs),
        network=stored.network,
    )
    bands, channels, classes = len(recipe.bands), len(recipe.channels), len(recipe.classes)
    block = recipe.calibration
    shapes = {
        "mean": recipe.map_shape,
        "std": recipe.map_shape,
        "power": (channels,) if recipe.signal else None,
        "reference": (bands, channels, channels) if recipe.covariance else None,
        "outputs": (classes, classes) if block is not None and block.prototypes else None,
    }
    for name, shape in shapes.items():
        array = getattr(person, name)
        if (None if array is None else array.shape) != shape:
            raise PersonFileError(f"{path}: damaged: its {name} does not fit the recipe")
    return person


class _Stored(Settings):
    """Content of the file."""

    format: Literal[1]
    rtbci: str
    date: str
    model: str
    recipe: str
    seconds: Annotated[float, Field(gt=0)]
    mean: list[list[float]]
    std: list[list[Annotated[float, Field(gt=0)]]]
    power: list[float] | None
    reference: list[list[list[float]]] | None
    outputs: list[list[float]] | None
    network: str


def _listed(array: NDArray[np.float64] | None) -> Any:
    return None if array is None else array.tolist()


def _digest(recipe: Recipe) -> str:
    """Return a hash of all of a recipe that a person's numbers depend on."""
    text = json.dumps(recipe.model_dump(mode="json", exclude=_NO_MATTER), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
