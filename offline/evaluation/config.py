"""What an evaluation is told in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from offline.evaluation.augmenting import Augmentation, Scarce
from offline.evaluation.protocols import (
    DatasetsProtocol,
    LeaveOneSubjectOut,
    Protocol,
    RandomWindows,
    Sessions,
    Subjects,
    TrialKfold,
    Trials,
)
from offline.recognisers import RECOGNISERS, Needs, RecogniserSettings
from rtbci.configuration import PathBeside, Settings
from rtbci.errors import ConfigError
from rtbci.recipe import Calibration, Recipe

TRIVIAL = "trivial"
"""The recogniser that every other is compared with."""

PRESETS: dict[str, Protocol] = {
    "trials-9-6": Trials(train=9, test=6),
    "trials-9-3-3": Trials(train=9, validation=3, test=3),
    "trial-kfold": TrialKfold(),
    "trial-kfold-pooled": TrialKfold(pooled=True),
    "sessions": Sessions(),
    "leave-one-subject-out": LeaveOneSubjectOut(),
    "subjects-9-3-3": Subjects(),
    "random-windows": RandomWindows(),
}
"""Protocols by the names that the command line knows."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class ControlSettings(Settings):
    """Checks that run with every evaluation.

    Attributes
    ----------
    random_labels : int
        How often all is done again with labels that are drawn at random, one for each trial of
        each recording; under an honest protocol that scores chance. Without it, the report says
        that it is not seen whether labels leak.
    permutations : int
        Exchanges of the test trials' labels for the permutation p-value.
    random_windows : bool
        Whether all is done again with windows dealt at random, whatever their trial, with true and
        with random labels: the leak that honest protocols avoid, shown beside them.
    """

    random_labels: Annotated[int, Field(ge=0)] = 1
    permutations: Annotated[int, Field(ge=99)] = 2000
    random_windows: bool = False


class Evaluation(Settings):
    """Content of an evaluation's YAML file; paths in it are relative to the file.

    Attributes
    ----------
    datasets : tuple of Path
        YAML files of the data sets.
    test_datasets : tuple of Path
        YAML files of data sets that are only tested on, for the protocol ``datasets``.
    roots : tuple of Path
        Folders that hold the data, in the order of ``datasets`` and ``test_datasets``; the command
        line can give them instead.
    output : Path
        Folder for what is found.
    recipe : Recipe
        The signal path. Classes and channels are the data sets' where they are not given.
    protocol : Protocol
        Who is trained on, chosen on and tested on.
    recognisers : tuple of str
        Names of the recognisers to be compared.
    settings : RecogniserSettings
        How they are fitted.
    seeds : tuple of int
        Everything is done once for each.
    window_stride_s : float
        Least distance from one training window to the next, seconds. Tested is every hop.
    controls : ControlSettings
        Checks that run beside it.
    left_out : Calibration or None
        The calibration block that is neither learned from nor scored, where it is not the recipe's:
        the longest one, where several are compared.
    scarce : Scarce or None
        The hard case: one class of which there is little to learn from.
    augmentation : Augmentation or None
        What is put beside the real training windows.
    explain : bool
        Whether the report shows which electrodes and bands the recognisers look at; needs Captum.
    """

    datasets: Annotated[tuple[PathBeside, ...], Field(min_length=1)]
    test_datasets: tuple[PathBeside, ...] = ()
    roots: tuple[PathBeside, ...] = ()
    output: PathBeside
    recipe: Recipe = Recipe()
    protocol: Annotated[Protocol, Field(discriminator="kind")] = LeaveOneSubjectOut()
    recognisers: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(RECOGNISERS)
    settings: RecogniserSettings = RecogniserSettings()
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    window_stride_s: Annotated[float, Field(gt=0)] = 1.0
    controls: ControlSettings = ControlSettings()
    left_out: Calibration | None = None
    scarce: Scarce | None = None
    augmentation: Augmentation | None = None
    explain: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unknown = [name for name in self.recognisers if name not in RECOGNISERS]
        if unknown:
            raise ValueError(
                f"recognisers names {', '.join(unknown)}; there are {', '.join(RECOGNISERS)}"
            )
        for key in ("recognisers", "seeds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} names one twice")
        if bool(self.test_datasets) != isinstance(self.protocol, DatasetsProtocol):
            raise ValueError("test_datasets and protocol: {kind: datasets} belong together")
        if not _covers(self.left_out, self.recipe.calibration):
            raise ValueError(
                "left_out does not hold all of recipe.calibration: what a person is measured by "
                "would be scored; name its classes, each for as long at least"
            )
        return self

    @property
    def compared(self) -> tuple[str, ...]:
        """The recognisers, and the trivial one, which is always there to be compared with."""
        return tuple(dict.fromkeys((*self.recognisers, TRIVIAL)))

    @property
    def needs(self) -> set[Needs]:
        """What the recognisers look at."""
        return {RECOGNISERS[name].needs for name in self.compared}


def _covers(left_out: Calibration | None, block: Calibration | None) -> bool:
    if left_out is None or block is None:
        return True
    each_s = left_out.seconds / len(left_out.classes)
    return set(block.classes) <= set(left_out.classes) and each_s >= block.seconds / len(
        block.classes
    )


def preset(name: str) -> Protocol:
    """Return a protocol by its name on the command line.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"no protocol {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def checked_roots(evaluation: Evaluation) -> tuple[Path, ...]:
    """Return the folder of each data set.

    Raises
    ------
    ConfigError
        If there are more or fewer folders than data sets.
    """
    files = (*evaluation.datasets, *evaluation.test_datasets)
    if len(evaluation.roots) != len(files):
        raise ConfigError(
            f"{len(evaluation.roots)} data folders for {len(files)} data sets "
            f"({', '.join(file.name for file in files)}); name one for each, in this order "
            "(--root, once for each, or roots in the file)"
        )
    return evaluation.roots
