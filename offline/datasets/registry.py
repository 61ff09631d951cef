"""The layouts of data sets, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offline.datasets.config import Dataset, DatasetSettings
from offline.datasets.folder import FolderSettings, open_folder
from offline.datasets.recording import Recording
from offline.datasets.seed import SeedSettings, open_seed
from rtbci.configuration import read_yaml, validate
from rtbci.errors import ConfigError


@dataclass(frozen=True)
class Layout:
    """A way in which data sets arrange their files.

    Attributes
    ----------
    settings : type
        What the YAML file may say.
    open : callable
        Turns those settings and the data folder into recordings.
    """

    settings: type[DatasetSettings]
    open: Callable[[Any, Path], tuple[Recording, ...]]


LAYOUTS: dict[str, Layout] = {
    "seed": Layout(SeedSettings, open_seed),
    "folder": Layout(FolderSettings, open_folder),
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
    if layout not in LAYOUTS:
        raise ConfigError(f"{path}: layout = {layout!r}; allowed are {', '.join(LAYOUTS)}")
    return validate(LAYOUTS[layout].settings, content, source=str(path))


def open_dataset(settings: DatasetSettings, root: Path) -> Dataset:
    """Find a data set's recordings; no samples are read yet.

    Parameters
    ----------
    settings : DatasetSettings
        From :func:`load_dataset_settings`.
    root : Path
        The folder that holds the data.

    Raises
    ------
    RecordingError
        If the folder or a file is missing, or is not what the settings say.
    """
    return Dataset(settings, LAYOUTS[settings.layout].open(settings, root))
