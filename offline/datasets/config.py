"""What every data set is told in YAML and yields as a value, whatever its files look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from offline.datasets.recording import Recording
from rtbci.configuration import Settings
from rtbci.errors import ConfigError, RecordingError
from rtbci.montage.names import canonical_name


class DatasetSettings(Settings):
    """The part of a data set's YAML file that all layouts share.

    Attributes
    ----------
    layout : str
        How the files are arranged; a name from :data:`offline.datasets.registry.LAYOUTS`.
    name : str
        What to call the data set in reports and model files.
    simulated : bool
        True for data that no brain made; model files and reports say so.
    classes : tuple of str
        Class names in the network's order.
    channels : tuple of str
        Electrodes to work with, in any spelling.
    """

    causal: ClassVar[bool] = True
    """Whether the signal path makes the features; where the data set ships them it does not."""

    layout: str
    name: Annotated[str, Field(min_length=1)]
    simulated: bool = False
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    channels: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("classes")
    @classmethod
    def _distinct_classes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct(names, names)

    @field_validator("channels")
    @classmethod
    def _distinct_channels(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct(names, [canonical_name(name) for name in names])


def _distinct(names: tuple[str, ...], meant: Sequence[str]) -> tuple[str, ...]:
    for index, name in enumerate(meant):
        first = meant.index(name)
        if first < index:
            also = "" if names[first] == names[index] else f", which {names[first]} is too"
            raise ValueError(f"has {names[index]} twice{also}")
    return names


@dataclass(frozen=True)
class Source:
    """A file of a data set, not yet opened.

    Attributes
    ----------
    name : str
        What to call it in messages.
    open : callable
        Reads its headers and returns its recordings.
    """

    name: str
    open: Callable[[], tuple[Recording, ...]]


@dataclass(frozen=True)
class LeftOut:
    """Something that could not be used.

    Attributes
    ----------
    name : str
        What.
    why : str
        One line.
    """

    name: str
    why: str


@dataclass(frozen=True)
class Dataset:
    """An opened data set.

    Attributes
    ----------
    settings : DatasetSettings
        What its YAML file says: name, classes, channels.
    recordings : tuple of Recording
        Ordered by subject, and each subject's by time.
    left_out : tuple of LeftOut
        Files that could not be used.
    """

    settings: DatasetSettings
    recordings: tuple[Recording, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class FoundFile:
    """A file whose name fits a pattern.

    Attributes
    ----------
    path : Path
        Where it is.
    fields : dict
        Text that stands for each of the pattern's names.
    """

    path: Path
    fields: dict[str, str]


def find_files(root: Path, pattern: str) -> tuple[FoundFile, ...]:
    """Find the files under ``root`` that fit a pattern.

    Parameters
    ----------
    root : Path
        Folder of the data set.
    pattern : str
        Path below ``root`` with names in braces, such as ``raw/{subject}_{date}.mat``. A name
        stands for any text without ``/`` and ``_``.

    Returns
    -------
    tuple of FoundFile
        In natural order of their paths: 2 before 10.

    Raises
    ------
    RecordingError
        If there is no such folder, or no file in it fits.
    ConfigError
        If the pattern is no path below a folder.
    """
    if Path(pattern).is_absolute():
        raise ConfigError(f"{pattern}: files are named by their paths below the data folder")
    require_folder(root)
    parts = re.split(r"\{(\w+)\}", pattern)
    regex = "".join(
        f"(?P<{part}>[^/_]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    found = []
    for path in root.glob(re.sub(r"\{\w+\}", "*", pattern)):
        match = re.fullmatch(regex, path.relative_to(root).as_posix())
        if match:
            found.append(FoundFile(path, match.groupdict()))
    if not found:
        raise RecordingError(f"{root}: holds no file {pattern}; is it the data set's top folder?")
    return tuple(sorted(found, key=lambda file: natural_order(str(file.path))))


def require_folder(root: Path) -> None:
    """Refuse a data folder that is not there.

    Raises
    ------
    RecordingError
        If ``root`` is no folder.
    """
    try:
        if root.is_file():
            raise RecordingError(f"{root}: is a file; the folder that holds the data is expected")
        if not root.is_dir():
            raise RecordingError(f"{root}: no such data folder")
    except OSError as error:
        raise RecordingError(f"{root}: {error.strerror or error}") from None


def natural_order(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return a sorting key by which numbers in a text count as numbers.

    Examples
    --------
    >>> sorted(["s10", "s2"], key=natural_order)
    ['s2', 's10']
    """
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", text) if part
    )


def without_zeros(subject: str) -> str:
    """Return the same name for 1 and 01, which some copies of a data set mix."""
    return str(int(subject)) if subject.isdecimal() else subject
