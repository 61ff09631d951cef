"""Taking some of a recogniser's inputs."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from offline.recognisers import Inputs


def some_of(inputs: Inputs, rows: np.ndarray) -> Inputs:
    """Return the inputs of some windows."""
    return Inputs(**{each.name: getattr(inputs, each.name)[rows] for each in fields(Inputs)})
