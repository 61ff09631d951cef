"""One generator: data set, recipe and settings in, a generator's file out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from offline.checkpoint import checkpoint_beside
from offline.datasets.registry import open_named
from offline.features.recipes import recipe_for
from offline.generators.file import SUFFIX, save_generator
from offline.generators.generator import Generator, Real
from offline.generators.material import maps_in, signal_in
from offline.generators.registry import GENERATORS, GeneratorSettings, build_generator
from offline.provenance import versions
from offline.splits import SplitSettings, make_split
from rtbci.atomic import require_writable
from rtbci.configuration import PathBeside, Settings
from rtbci.errors import GeneratorError
from rtbci.recipe import Recipe


class GeneratorExperiment(Settings):
    """Content of a generator's YAML file; paths in it are relative to the file.

    Attributes
    ----------
    dataset : Path
        YAML file of the data set.
    root : Path or None
        Folder that holds the data; the command line can give it instead.
    output : Path
        The generator's file to be written.
    seed : int
        Fixes the split and the generator.
    recipe : Recipe
        The signal path. Classes and channels are the data set's where they are not given.
    split : SplitSettings
        Which trials are learned from: the training part alone, so that what is held out stays
        unseen. Blocks of a calibration are in no part: a person's are what its maps are relative
        to, whatever part its trials are in.
    generator : GeneratorSettings
        What learns. Generators of maps learn maps as they leave the signal path, in nats, or where
        the recipe has a calibration, relative to each person's block.
    window_stride_s : float
        Least distance from one map to the next, seconds.
    signal_s : float
        Length of a generator's windows of the signal, seconds.
    """

    dataset: PathBeside
    root: PathBeside | None = None
    output: PathBeside
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    recipe: Recipe = Recipe()
    split: SplitSettings = SplitSettings()
    generator: GeneratorSettings
    window_stride_s: Annotated[float, Field(gt=0)] = 0.5
    signal_s: Annotated[float, Field(ge=1, le=60)] = 2.0


def _refuse_unfit(output: Path) -> None:
    """Refuse now what could not be written, or played, after hours of learning."""
    if output.suffix.lower() != SUFFIX:
        raise GeneratorError(f"{output}: the name of a generator's file ends in {SUFFIX}")
    if output.is_dir():
        raise GeneratorError(f"{output}: a folder; the output is to be a file")
    require_writable(output.parent)


@dataclass(frozen=True)
class Made:
    """A generator that was trained.

    Attributes
    ----------
    path : Path
        Its file.
    generator : Generator
        Itself.
    examples : dict of str to int
        Of each class, what it learned from.
    """

    path: Path
    generator: Generator[Any]
    examples: dict[str, int]


def train_generator(experiment: GeneratorExperiment) -> Made:
    """Learn from the training part, and write the generator's file.

    A training that was interrupted goes on at its last epoch.

    Raises
    ------
    RtbciError
        If the settings do not fit the data or a file cannot be read or written; one line.
    """
    _refuse_unfit(experiment.output)
    dataset = open_named(experiment.dataset, experiment.root)
    recipe = recipe_for(experiment.recipe, dataset.settings)
    split = make_split(dataset.recordings, recipe.classes, experiment.split, experiment.seed)
    sfreq = 0.0
    if GENERATORS[experiment.generator.kind].makes == "maps":
        stride = max(round(experiment.window_stride_s / recipe.hop_s), 1)
        real: Real = maps_in(dataset.recordings, split.train, recipe, stride)
    else:
        real, sfreq = signal_in(dataset.recordings, split.train, recipe, experiment.signal_s)
    generator = build_generator(recipe, experiment.generator, sfreq)
    checkpoint = checkpoint_beside(experiment.output)
    generator.fit(real, experiment.seed, checkpoint=checkpoint)
    counts = dict(zip(recipe.classes, real.counts(len(recipe.classes)).tolist(), strict=True))
    provenance = {
        "dataset": dataset.settings.name,
        "simulated": dataset.settings.simulated,
        "split": experiment.split.model_dump(mode="json"),
        "trials": len(split.train),
        "examples": counts,
        "seed": experiment.seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
    }
    save_generator(experiment.output, generator, provenance)
    checkpoint.unlink(missing_ok=True)
    return Made(experiment.output, generator, counts)
