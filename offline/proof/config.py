"""What a proof of generators is told in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from offline.ablation import BASE, FITS, Name
from offline.generators import GENERATORS, GeneratorSettings
from offline.proof.robustness import Robustness
from rtbci.configuration import PathBeside, Settings


class Scarcity(Settings):
    """The hard case: of one class little is kept to learn from.

    Attributes
    ----------
    label : str
        Name of the class.
    kept : tuple of float
        Shares of its training windows that are kept, one after the other.
    """

    label: str
    kept: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1)] = (
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
    )


class Proof(Settings):
    """Content of a proof's YAML file; paths in it are relative to the file.

    Attributes
    ----------
    evaluation : Path or dict
        Data, recipe, protocol, recognisers and seeds: an evaluation's YAML file, or the same keys.
        Its ``output`` is not used.
    output : Path
        Folder for what is found.
    recognisers : tuple of str or None
        Instead of the evaluation's: who learns with and without generated maps.
    generators : dict of str to GeneratorSettings
        By name what is proven.
    times : float
        How many times the largest class's real windows each class has in the end; where nothing is
        generated, real ones are repeated.
    scarce : Scarcity or None
        The hard case, if it is wanted.
    robustness : Robustness or None
        Attacks on networks trained with and without, if they are wanted.
    network : str
        The network in whose features generated maps are compared, and that is attacked.
    folds : int
        In how many of the protocol's folds generated and real maps are compared.
    """

    evaluation: PathBeside | dict[str, Any]
    output: PathBeside
    recognisers: tuple[str, ...] | None = None
    generators: Annotated[dict[Name, GeneratorSettings], Field(min_length=1)]
    times: Annotated[float, Field(ge=1, le=100)] = 2.0
    scarce: Scarcity | None = None
    robustness: Robustness | None = None
    network: str = "cnn"
    folds: Annotated[int, Field(ge=1)] = 3

    @model_validator(mode="after")
    def _of_maps(self) -> Self:
        for name, settings in self.generators.items():
            if name in (BASE, FITS):
                raise ValueError(f"no generator can be called {name}; choose another name")
            if GENERATORS[settings.kind].makes != "maps":
                raise ValueError(
                    f"generators.{name}: the kind {settings.kind} makes no maps, which is what is "
                    "compared and learned from here"
                )
        return self


def scarce_folder(output: Path, kept: float) -> Path:
    """Return where the findings of the hard case with a share kept are written."""
    return output / f"kept-{100 * kept:g}"
