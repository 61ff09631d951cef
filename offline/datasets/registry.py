"""The layouts of data sets, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offline.datasets.amigos import AmigosSettings, find_amigos
from offline.datasets.config import Dataset, DatasetSettings, LeftOut, Source
from offline.datasets.continuous import ContinuousSettings, find_continuous
from offline.datasets.deap import DeapSettings, find_deap
from offline.datasets.dreamer import DreamerSettings, find_dreamer
from offline.datasets.folder import FolderSettings, find_folder
from offline.datasets.markers import MarkersSettings, find_markers
from offline.datasets.recording import Recording
from offline.datasets.seed import SeedSettings, find_seed
from offline.datasets.seed_features import SeedFeaturesSettings, find_seed_features
from rtbci.configuration import packaged_config, read_yaml, validate
from rtbci.errors import ConfigError, RecordingError
from rtbci.progress import track


@dataclass(frozen=True)
class Layout:
    """A way in which data sets arrange their files.

    Attributes
    ----------
    settings : type
        What the YAML file may say.
    find : callable
        Turns those settings and the data folder into sources: ordered by subject, and each
        subject's by time.
    """

    settings: type[DatasetSettings]
    find: Callable[[Any, Path], tuple[Source, ...]]


LAYOUTS: dict[str, Layout] = {
    "seed": Layout(SeedSettings, find_seed),
    "seed-features": Layout(SeedFeaturesSettings, find_seed_features),
    "continuous": Layout(ContinuousSettings, find_continuous),
    "folder": Layout(FolderSettings, find_folder),
    "markers": Layout(MarkersSettings, find_markers),
    "deap": Layout(DeapSettings, find_deap),
    "amigos": Layout(AmigosSettings, find_amigos),
    "dreamer": Layout(DreamerSettings, find_dreamer),
}


def load_dataset_settings(path: Path) -> DatasetSettings:
    """Read a data set's YAML file.

    Raises
    ------
    ConfigError
        If it cannot be read, its layout is unknown, or it holds a wrong key or value.
    """
    content = read_yaml(path)
    layout = content.get("layout")
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise ConfigError(f"{path}: layout = {layout!r}; allowed are {', '.join(LAYOUTS)}")
    return validate(LAYOUTS[layout].settings, content, source=str(path))


def packaged_datasets() -> dict[str, Path]:
    """Return the YAML files of data sets that come with the program, by name."""
    folder = packaged_config("datasets/seed.yaml").parent
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def named_dataset_settings(named: str) -> DatasetSettings:
    """Read the settings of a data set that came with the program, or those of a YAML file.

    Parameters
    ----------
    named : str
        Such as ``seed``, or a path.

    Raises
    ------
    ConfigError
        If there is neither; see also :func:`load_dataset_settings`.
    """
    packaged = packaged_datasets()
    if named in packaged:
        return load_dataset_settings(packaged[named])
    if not Path(named).suffix and not Path(named).exists():
        raise ConfigError(
            f"no data set is called {named!r}; there are {', '.join(packaged)}, or name a YAML file"
        )
    return load_dataset_settings(Path(named))


def open_named(dataset: Path, root: Path | None) -> Dataset:
    """Find the recordings of a data set that an experiment names.

    Parameters
    ----------
    dataset : Path
        Its YAML file.
    root : Path or None
        The folder that holds the data.

    Raises
    ------
    ConfigError
        If no folder is given, or the settings are wrong.
    RecordingError
        As :func:`open_dataset`.
    """
    if root is None:
        raise ConfigError("where the data lie is not said; set root in the file, or pass --root")
    return open_dataset(load_dataset_settings(dataset), root)


def open_dataset(settings: DatasetSettings, root: Path, keep_going: bool = False) -> Dataset:
    """Find a data set's recordings; no samples are read yet.

    Parameters
    ----------
    settings : DatasetSettings
        From :func:`load_dataset_settings`.
    root : Path
        The folder that holds the data.
    keep_going : bool
        Leave out files that are not what the settings say, instead of stopping at the first.

    Raises
    ------
    RecordingError
        If the folder or a file is missing, or is not what the settings say.
    """
    recordings: list[Recording] = []
    left_out: list[LeftOut] = []
    for source in track(LAYOUTS[settings.layout].find(settings, root), "opening files"):
        try:
            recordings += source.open()
        except RecordingError as error:
            if not keep_going:
                raise
            left_out.append(LeftOut(source.name, str(error)))
    if not recordings:
        raise RecordingError(f"{root}: no file could be used; the first: {left_out[0].why}")
    return Dataset(settings, tuple(recordings), tuple(left_out))
