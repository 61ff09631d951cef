"""Matrices of MATLAB files of any version, one at a time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.datasets.mat_cells import unreadable
from rtbci.errors import RecordingError


@dataclass(frozen=True)
class Variable:
    """A matrix in a file, not yet read.

    Attributes
    ----------
    name : str
        Its name.
    shape : tuple of int
        Its size as MATLAB shows it.
    """

    name: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} is {' x '.join(map(str, self.shape))}"


def numbered_variables(path: Path, pattern: str) -> dict[int, Variable]:
    """Find the variables whose names end in a number.

    Parameters
    ----------
    path : Path
        A MATLAB file.
    pattern : str
        Regular expression for the whole name with one group, the number.

    Returns
    -------
    dict
        By number, in order; empty where no name fits.

    Raises
    ------
    RecordingError
        If the file cannot be read, or two variables have the same number.
    """
    found: dict[int, Variable] = {}
    for variable in _variables(path):
        match = re.fullmatch(pattern, variable.name)
        if match is None:
            continue
        number = int(match[1])
        if number in found:
            raise RecordingError(
                f"{path}: has two variables {number}, {found[number].name} and {variable.name}"
            )
        found[number] = variable
    return dict(sorted(found.items()))


def load(path: Path, variable: Variable) -> NDArray[Any]:
    """Read one matrix of numbers in the shape that it has in MATLAB.

    Raises
    ------
    RecordingError
        If the file is damaged, or the variable is missing, no matrix of real numbers or of another
        shape.
    """
    (values,) = load_all(path, {0: variable}).values()
    return values


def load_all(path: Path, variables: Mapping[int, Variable]) -> dict[int, NDArray[Any]]:
    """Read several matrices in one go through the file; see :func:`load`."""
    from pymatreader import read_mat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy warns of damage, and goes on
            content = read_mat(path, variable_names=[each.name for each in variables.values()])
    except Exception as error:  # SciPy and h5py raise whatever their parsing ran into
        raise unreadable(path, error) from None
    return {
        number: _matrix(path, variable, content.get(variable.name))
        for number, variable in variables.items()
    }


def load_vector(path: Path, name: str) -> NDArray[Any]:
    """Read a row or column of numbers; see :func:`load`."""
    for variable in _variables(path):
        if variable.name == name:
            return np.ravel(load(path, variable))
    raise RecordingError(f"{path}: has no variable {name}")


def require_finite(path: Path, variable: Variable, values: NDArray[Any]) -> None:
    """Refuse a matrix (rows, ...) that holds NaN or infinite values.

    Raises
    ------
    RecordingError
        If it does; names the first row.
    """
    if np.isfinite(values).all():
        return
    wrong = ~np.isfinite(values)
    row = int(np.argmax(wrong.reshape(len(values), -1).any(axis=1)))
    raise RecordingError(
        f"{path}: {variable.name} holds {np.count_nonzero(wrong)} values that are no finite "
        f"numbers, the first in row {row + 1}"
    )


def _variables(path: Path) -> list[Variable]:
    from pymatreader import whosmat

    try:
        return [Variable(name, tuple(shape)) for name, shape, _ in whosmat(path)]
    except Exception as error:
        raise unreadable(path, error) from None


def _matrix(path: Path, variable: Variable, content: Any) -> NDArray[Any]:
    values = np.asarray(content)
    if values.dtype.kind not in "fiu":
        raise RecordingError(f"{path}: {variable.name} is no matrix of real numbers")
    if values.size != np.prod(variable.shape):
        raise RecordingError(f"{path}: {variable}, but holds {values.size} values; damaged?")
    return np.reshape(values, variable.shape)  # the reader drops dimensions of length 1
