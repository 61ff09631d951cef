"""The features that ship with SEED and SEED-IV: for comparison, no live system can make them.

They are smoothed over whole trials: ``LDS`` by a linear dynamic system that starts from the trial's
mean, ``movingAve`` by a moving average (Zheng and Lu 2015, doi 10.1109/TAMD.2015.2431497).
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from offline.datasets.config import Source
from offline.datasets.matlab import Variable, load_all, numbered_variables, require_finite
from offline.datasets.recording import Origin, Recording
from offline.datasets.script import Patterns, SessionFile, find_sessions
from offline.datasets.seed import MatSettings, require_clips, session_of
from rtbci.errors import RecordingError

BANDS = ("delta", "theta", "alpha", "beta", "gamma")
"""The shipped bands in their order: 1-4, 4-8, 8-14, 14-31 and 31-50 Hz."""

_FEATURES = ("de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve")
_ASYMMETRIES = ("dasm", "rasm", "asm", "dcau")


class SeedFeaturesSettings(MatSettings):
    """Files with maps of each clip, electrodes x windows x bands; see :class:`MatSettings`.

    Attributes
    ----------
    features : str
        Which of them: ``de`` or ``psd``, ``_LDS`` or ``_movingAve``.
    window_s : float
        Length of a window, seconds; windows do not overlap.
    """

    causal: ClassVar[bool] = False

    layout: Literal["seed-features"]
    files: Patterns = ("ExtractedFeatures/{subject}_{date}.mat",)
    features: str = "de_LDS"
    window_s: Annotated[float, Field(gt=0)] = 1.0

    @field_validator("features")
    @classmethod
    def _of_electrodes(cls, value: str) -> str:
        if value.partition("_")[0] in _ASYMMETRIES:
            raise ValueError(
                "compares pairs of electrodes and has no map of its own; allowed are "
                + ", ".join(_FEATURES)
            )
        if value not in _FEATURES:
            raise ValueError("allowed are " + ", ".join(_FEATURES))
        return value


def find_seed_features(settings: SeedFeaturesSettings, root: Path) -> tuple[Source, ...]:
    """Find the recordings, which hold maps and no samples.

    See :func:`offline.datasets.registry.open_dataset` and ``Recording.shipped``.
    """
    return tuple(
        Source(file.path.name, partial(_open_session, settings, file))
        for file in find_sessions(settings, root, not_this=settings.label_file)
    )


def _open_session(settings: SeedFeaturesSettings, file: SessionFile) -> tuple[Recording, ...]:
    path = file.path
    variables = numbered_variables(path, rf"{settings.features}(\d+)")
    if not variables:
        raise RecordingError(f"{path}: has no variable {settings.features}1 (key features)")
    for variable in variables.values():
        _require_maps(path, variable, len(settings.rows))
    windows = [variable.shape[1] for variable in variables.values()]
    session = session_of(settings, file)
    require_clips(path, variables, session, [count * settings.window_s for count in windows])
    edges = np.cumsum([0, *windows]).tolist()
    recording = Recording(
        subject=file.subject,
        session=file.session,
        name=path.name,
        sfreq=1 / settings.window_s,
        channels=settings.rows,
        trials=settings.trials_at(session, list(pairwise(edges))),
        blocks=partial(_no_samples, path),
        n_samples=edges[-1],
        origin=Origin((path,), settings.features),
        shipped=partial(_maps, path, variables),
    )
    return (recording,)


def _require_maps(path: Path, variable: Variable, n_rows: int) -> None:
    shape = variable.shape
    if len(shape) != 3 or shape[0] != n_rows or shape[1] < 1 or shape[2] != len(BANDS):
        raise RecordingError(
            f"{path}: {variable}; SEED's features are {n_rows} x windows x {len(BANDS)}"
        )


def _maps(path: Path, variables: dict[int, Variable]) -> NDArray[np.float64]:
    parts = []
    for number, values in load_all(path, variables).items():
        require_finite(path, variables[number], values)
        parts.append(values.astype(np.float64).transpose(1, 2, 0))
    return np.concatenate(parts)


def _no_samples(path: Path) -> NoReturn:
    raise RecordingError(
        f"{path}: holds features and no samples; evaluate them as they are, or open the data set "
        "that has samples"
    )
