"""The model file: a TorchScript network with all that is needed to feed it.

The one module that uses ``torch.jit``, which PyTorch has deprecated.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, ValidationError

import rtbci
from rtbci.atomic import complete_or_absent
from rtbci.configuration import Settings, describe
from rtbci.errors import ModelFileError
from rtbci.model.prototypes import Prototypes
from rtbci.model.views import Sees
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics

FORMAT = 3
"""Version of the file's content; a program refuses files of another one."""

_HEADER, _RECIPE, _CLASSES = "rtbci.json", "recipe.json", "classes.json"
_STATISTICS, _OUTPUT, _TRAINING = "statistics.json", "output.json", "training.json"
_EXTRA_FILES = (_HEADER, _RECIPE, _CLASSES, _STATISTICS, _OUTPUT, _TRAINING)


class PrototypeValues(Settings):
    """:class:`~rtbci.model.prototypes.Prototypes` as plain data."""

    means: tuple[tuple[float, ...], ...]
    precision: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, prototypes: Prototypes) -> PrototypeValues:
        """Take the numbers."""
        means, precision = prototypes.means.tolist(), prototypes.precision.tolist()
        return cls(means=means, precision=precision)

    @property
    def prototypes(self) -> Prototypes:
        """The numbers as arrays."""
        return Prototypes(np.array(self.means), np.array(self.precision))


class Output(Settings):
    """What is made of a network's logits.

    Attributes
    ----------
    temperature : float
        What they are divided by, so that probabilities mean what they say on data that the network
        was not trained on (Guo et al. 2017, arXiv 1706.04599).
    abstain_below : float
        Greatest probability below which the model would rather not say; 0 is never.
    prototypes : PrototypeValues or None
        Where classes lie among the log-probabilities of people in general.
    """

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    abstain_below: Annotated[float, Field(ge=0, le=1)] = 0.0
    prototypes: PrototypeValues | None = None


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
        What it sees, float32, to logits (batch, classes).
    sees : {"maps", "signal", "covariances"}
        What that is: maps (batch, segments, planes, channels), standardised; windows of the signal
        (batch, channels, points), standardised; or covariances (batch, bands, channels, channels).
    output : Output
        What is made of the logits.
    digest : str
        Hash of the file.
    """

    name: str
    recipe: Recipe
    statistics: Statistics
    training: dict[str, Any]
    network: Any
    sees: Sees = "maps"
    output: Output = field(default_factory=Output)
    digest: str = ""

    def log_probabilities(self, seen: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the logarithm of each class's probability.

        The network is asked for one window at a time, as a live stream brings them: of a batch it
        would add up in another order, and round differently.

        Parameters
        ----------
        seen : array, shape (windows, ...)
            What the network is made for; see ``sees``.

        Returns
        -------
        array, shape (windows, classes)
            Natural logarithms, in the order of ``recipe.classes``; the same, bit for bit, however
            many windows are given at a time.
        """
        if not len(seen):
            return np.empty((0, len(self.recipe.classes)))
        with torch.inference_mode():
            # Copies: how a window lies in memory can change how it is added up as well.
            logits = torch.cat([self.network(torch.tensor(window[None])) for window in seen])
            scaled = logits.double() / self.output.temperature
            result: NDArray[np.float64] = torch.log_softmax(scaled, dim=1).numpy()
        return result

    def predict_proba(self, seen: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return each class's probability, shape (windows, classes)."""
        return np.exp(self.log_probabilities(seen))


def save_model(
    path: Path,
    network: torch.nn.Module,
    recipe: Recipe,
    statistics: Statistics,
    training: Mapping[str, Any],
    *,
    sees: Sees = "maps",
    output: Output | None = None,
) -> None:
    """Write a network and all that is needed to feed it as one file, completely or not at all.

    Parameters
    ----------
    path : Path
        Where to.
    network : torch.nn.Module
        What it sees to logits (batch, classes); must be scriptable.
    recipe : Recipe
        What it was trained on.
    statistics : Statistics
        The training set's.
    training : mapping
        Summary of the training; anything that JSON can hold.
    sees : {"maps", "signal", "covariances"}
        What it sees.
    output : Output, optional
        What is made of the logits.

    Raises
    ------
    ModelFileError
        If the file cannot be written there; one line.
    """
    extra = {
        _HEADER: {
            "format": FORMAT,
            "rtbci": rtbci.__version__,
            "torch": torch.__version__,
            "sees": sees,
        },
        _RECIPE: recipe.model_dump(mode="json"),
        _CLASSES: recipe.classes,
        _STATISTICS: _plain(statistics),
        _OUTPUT: (output or Output()).model_dump(mode="json"),
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
    if _HEADER not in missing:
        _check_format(path, extra[_HEADER])
    if missing:
        raise ModelFileError(
            f"{path}: a TorchScript file, but no rtbci model: it lacks {', '.join(missing)}"
        )
    try:
        content = {name: json.loads(extra[name]) for name in _EXTRA_FILES}
        return _assemble(path, network, content)
    except (ValueError, KeyError, TypeError) as error:
        said = describe(error, Recipe) if isinstance(error, ValidationError) else str(error)
        raise ModelFileError(f"{path}: damaged model file: {said}") from None


def _check_format(path: Path, header: str | bytes) -> None:
    try:
        found = json.loads(header)["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: damaged model file: {_HEADER}: {error}") from None
    if not isinstance(found, int):
        raise ModelFileError(f"{path}: damaged model file: its format is {found!r}")
    if found > FORMAT:
        raise ModelFileError(
            f"{path}: model format {found} is newer than this program's {FORMAT}; "
            "install a newer rtbci"
        )
    if found < FORMAT:
        raise ModelFileError(
            f"{path}: model format {found} is older than this program's {FORMAT}; "
            "train the model again"
        )


def _assemble(path: Path, network: Any, content: dict[str, Any]) -> Model:
    recipe = Recipe.model_validate(content[_RECIPE])
    if tuple(content[_CLASSES]) != recipe.classes:
        raise ValueError("class names and recipe disagree")
    statistics = Statistics(
        **{name: np.array(values, float) for name, values in content[_STATISTICS].items()}
    )
    n_channels = len(recipe.channels)
    shapes: dict[str, tuple[int, ...]] = {
        "mean": recipe.map_shape,
        "std": recipe.map_shape,
        "power": (n_channels,),
        "reference": (len(recipe.bands), n_channels, n_channels),
    }
    for name in content[_STATISTICS]:
        array = getattr(statistics, name)
        if array.shape != shapes[name] or not np.isfinite(array).all():
            raise ValueError("normalisation statistics do not fit the recipe")
    if not (statistics.std > 0).all():
        raise ValueError("a standard deviation of the normalisation statistics is not positive")
    sees = content[_HEADER]["sees"]
    if sees not in get_args(Sees):
        raise ValueError(f"its network sees {sees!r}, which this program does not know")
    network.eval()
    return Model(
        name=path.stem,
        recipe=recipe,
        statistics=statistics,
        training=content[_TRAINING],
        network=network,
        sees=sees,
        output=Output.model_validate(content[_OUTPUT]),
        digest=hashlib.sha256(path.read_bytes()).hexdigest()[:32],
    )


def _plain(statistics: Statistics) -> dict[str, list[Any]]:
    found = asdict(statistics)
    return {name: array.tolist() for name, array in found.items() if array is not None}


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
