"""Features as plain NumPy archives, for whoever wants the arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from offline.datasets.recording import Recording
from offline.features.extract import Features
from rtbci.atomic import complete_or_absent
from rtbci.errors import RtbciError
from rtbci.recipe import Recipe


def write_arrays(path: Path, recording: Recording, features: Features, recipe: Recipe) -> None:
    """Write one recording's features and what they are as an ``.npz``.

    Parameters
    ----------
    path : Path
        The file; one that is there is replaced.
    recording : Recording
        Where they come from.
    features : Features
        ``maps``, ``label``, ``trial``, ``last`` and ``bad`` are written under these names, and
        ``covariances`` where there are any.
    recipe : Recipe
        Written as JSON under ``recipe``; its names under ``channels``, ``planes`` and ``classes``.

    Raises
    ------
    RtbciError
        If the file cannot be written.
    """
    arrays: dict[str, Any] = {
        "maps": features.maps,
        "label": features.label,
        "trial": features.trial,
        "last": features.last,
        "bad": features.bad,
        "channels": np.array(recipe.channels),
        "planes": np.array(recipe.planes),
        "classes": np.array(recipe.classes),
        "sfreq": np.array(recording.sfreq),
        "subject": np.array(recording.subject),
        "session": np.array(recording.session),
        "name": np.array(recording.name),
        "recipe": np.array(recipe.model_dump_json()),
    }
    if features.covariances is not None:
        arrays["covariances"] = features.covariances
    try:
        with complete_or_absent(path) as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise RtbciError(f"{path}: cannot be written ({error.strerror or error})") from None
