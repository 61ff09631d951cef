"""What a proof of generators is told in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from offline.ablation import BASE, FITS, Name
from offline.generators import GENERATORS, GeneratorSettings, Makes
from offline.proof.fidelity import REAL
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


class MixupControl(Settings):
    """Networks that learn with mixup, with and without what generators make.

    ESC-GAN's authors put edited maps beside the real ones and mix all: what mixup alone is worth
    tells what of the gain is the edits'.

    Attributes
    ----------
    alpha : float
        Of mixup (:class:`~offline.training.TrainingSettings`); the paper's is 0.2.
    generators : tuple of str
        By name those that are mixed with as well. Without a generator it is the control.
    """

    alpha: Annotated[float, Field(gt=0)] = 0.2
    generators: tuple[str, ...] = ()


class Proof(Settings):
    """Content of a proof's YAML file; paths in it are relative to the file.

    Attributes
    ----------
    evaluation : Path or dict
        Data, recipe, protocol, recognisers and seeds: an evaluation's YAML file, or the same keys.
        Its ``output`` is not used, nor its patience: networks learn to the last epoch, and the best
        one on validation is kept.
    output : Path
        Folder for what is found.
    recognisers : tuple of str or None
        Instead of the evaluation's: who learns with and without generated maps.
    generators : dict of str to GeneratorSettings
        By name what is proven. Those of the signal are compared as signals, and by the maps that
        the signal path measures in their streams; recognisers learn with those of maps alone.
    signal_s : float
        Length of a window of the signal, seconds, for generators of it.
    times : float
        How many times the largest class's real windows each class has in the end; where nothing is
        generated, real ones are repeated.
    mixup : MixupControl or None
        What mixup in training is worth beside generators, if it is wanted. It is for networks;
        others learn the same with it as without.
    scarce : Scarcity or None
        The hard case, if it is wanted.
    robustness : Robustness or None
        Attacks on networks trained with and without, if they are wanted.
    network : str
        The network in whose features generated maps are compared, and that is attacked.
    folds : int
        In how many of the protocol's folds generated and real EEG are compared, and networks
        attacked; they are spread evenly, so that they are not all of one person.
    """

    evaluation: PathBeside | dict[str, Any]
    output: PathBeside
    recognisers: tuple[str, ...] | None = None
    generators: Annotated[dict[Name, GeneratorSettings], Field(min_length=1)]
    signal_s: Annotated[float, Field(ge=1, le=60)] = 2.0
    times: Annotated[float, Field(ge=1, le=100)] = 2.0
    mixup: MixupControl | None = None
    scarce: Scarcity | None = None
    robustness: Robustness | None = None
    network: str = "cnn"
    folds: Annotated[int, Field(ge=1)] = 3

    @model_validator(mode="after")
    def _named(self) -> Self:
        for name in self.generators:
            if name in (BASE, FITS, REAL):
                raise ValueError(f"no generator can be called {name}; choose another name")
        known = self.that_make("maps")
        for name in self.mixup.generators if self.mixup is not None else ():
            if name not in known:
                raise ValueError(
                    f"mixup.generators: no generator of maps {name}; there are {', '.join(known)}"
                )
        return self

    def that_make(self, makes: Makes) -> dict[str, GeneratorSettings]:
        """Return the generators of maps, or those of the signal."""
        return {
            name: settings
            for name, settings in self.generators.items()
            if GENERATORS[settings.kind].makes == makes
        }


def scarce_folder(output: Path, kept: float) -> Path:
    """Return where the findings of the hard case with a share kept are written."""
    return output / f"kept-{100 * kept:g}"
