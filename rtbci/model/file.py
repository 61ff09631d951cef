"""The model file: a TorchScript network with all that is needed to feed it.

The one module that uses ``torch.jit``, which PyTorch has deprecated.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

import rtbci
from rtbci.atomic import complete_or_absent
from rtbci.configuration import describe
from rtbci.errors import ModelFileError
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics

FORMAT = 2
"""Version of the extra files' content; a program refuses files with a newer one."""

_HEADER, _RECIPE, _CLASSES = "rtbci.json", "recipe.json", "classes.json"
_STATISTICS, _TRAINING = "statistics.json", "training.json"
_EXTRA_FILES = (_HEADER, _RECIPE, _CLASSES, _STATISTICS, _TRAINING)


@dataclass(frozen=True)
class Model:
    """A network with its recipe.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    recipe : Recipe
        What the network was trained on.
    statistics : Statistics
        The training set's, for normalisation.
    training : dict
        Summary of the training: data, split, scores.
    network : torch.jit.ScriptModule
        Pictures (batch, planes, rows, columns) float32 to logits (batch, classes).
    """

    name: str
    recipe: Recipe
    statistics: Statistics
    training: dict[str, Any]
    network: Any

    def log_probabilities(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logarithm of each class's probability.

        Parameters
        ----------
        pictures : array, shape (batch, planes, rows, columns)
            Standardised maps on the recipe's grid.

        Returns
        -------
        array, shape (batch, classes)
            Natural logarithms, in the order of ``recipe.classes``.
        """
        with torch.inference_mode():
            logits = self.network(torch.from_numpy(pictures)).double()
            result: NDArray[np.float64] = torch.log_softmax(logits, dim=1).numpy()
        return result

    def predict_proba(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return each class's probability, shape (batch, classes)."""
        return np.exp(self.log_probabilities(pictures))


def save_model(
    path: Path,
    network: torch.nn.Module,
    recipe: Recipe,
    statistics: Statistics,
    training: Mapping[str, Any],
) -> None:
    """Write a network and all that is needed to feed it as one file, completely or not at all.

    Parameters
    ----------
    path : Path
        Where to.
    network : torch.nn.Module
        Pictures (batch, planes, rows, columns) to logits (batch, classes); must be scriptable.
    recipe : Recipe
        What it was trained on.
    statistics : Statistics
        The training set's.
    training : mapping
        Summary of the training; anything that JSON can hold.

    Raises
    ------
    ModelFileError
        If the file cannot be written there; one line.
    """
    extra = {
        _HEADER: {"format": FORMAT, "rtbci": rtbci.__version__, "torch": torch.__version__},
        _RECIPE: recipe.model_dump(mode="json"),
        _CLASSES: recipe.classes,
        _STATISTICS: {"mean": statistics.mean.tolist(), "std": statistics.std.tolist()},
        _TRAINING: dict(training),
    }
    texts = {name: json.dumps(content) for name, content in extra.items()}
    try:
        with complete_or_absent(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.jit.save(torch.jit.script(network.eval()), file, _extra_files=texts)
    except (OSError, RuntimeError) as error:
        raise ModelFileError(f"{path}: cannot be written: {_first_line(error)}") from error


def load_model(path: Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelFileError
        If there is no such file, it is no rtbci model, is cut off, or comes from a newer program.
    """
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such model file")
    extra: dict[str, Any] = dict.fromkeys(_EXTRA_FILES, "")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
    except (RuntimeError, ValueError, OSError):
        raise ModelFileError(f"{path}: not a TorchScript model, or cut off") from None
    missing = [name for name in _EXTRA_FILES if not extra[name]]
    if missing:
        raise ModelFileError(
            f"{path}: a TorchScript file, but no rtbci model: it lacks {', '.join(missing)}"
        )
    try:
        content = {name: json.loads(extra[name]) for name in _EXTRA_FILES}
        _check_format(path, content[_HEADER]["format"])
        return _assemble(path, network, content)
    except (ValueError, KeyError, TypeError) as error:
        said = describe(error, Recipe) if isinstance(error, ValidationError) else str(error)
        raise ModelFileError(f"{path}: damaged model file: {said}") from None


def _check_format(path: Path, found: object) -> None:
    if not isinstance(found, int):
        raise ModelFileError(f"{path}: damaged model file: its format is {found!r}")
    if found > FORMAT:
        raise ModelFileError(
            f"{path}: model format {found} is newer than this program's {FORMAT}; "
            "install a newer rtbci"
        )


def _assemble(path: Path, network: Any, content: dict[str, Any]) -> Model:
    recipe = Recipe.model_validate(content[_RECIPE])
    if tuple(content[_CLASSES]) != recipe.classes:
        raise ValueError("class names and recipe disagree")
    stored = content[_STATISTICS]
    statistics = Statistics(np.array(stored["mean"], float), np.array(stored["std"], float))
    for array in (statistics.mean, statistics.std):
        if array.shape != recipe.map_shape or not np.isfinite(array).all():
            raise ValueError("normalisation statistics do not fit the recipe")
    if not (statistics.std > 0).all():
        raise ValueError("a standard deviation of the normalisation statistics is not positive")
    network.eval()
    return Model(path.stem, recipe, statistics, content[_TRAINING], network)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
