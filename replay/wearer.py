"""The scale of whoever wears a reference, for generators that edit relative to it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from offline.generators.scaling import Scale
from replay.sources import RecordingSource, Source
from rtbci.errors import ReplayError
from rtbci.model.person import Person
from rtbci.recipe import Recipe
from rtbci.signal.path import SignalPath

_PIECE_S = 4.0  # how much of a reference is looked at at a time


def pieces_of(reference: Source) -> Iterator[NDArray[np.float32]]:
    """Yield a reference from its start in pieces of a few seconds, shape (samples, channels)."""
    for block in reference.blocks(max(round(_PIECE_S * reference.sfreq), 1)):
        yield block.samples


def wearer_scale(reference: Source, recipe: Recipe) -> Scale | None:
    """Measure the beginning of a reference, its wearer's calibration block.

    A window counts as in a live calibration: the filters have settled, and no channel is bad.

    Parameters
    ----------
    reference : Source
        Begins in the one state that the calibration is of.
    recipe : Recipe
        The generator's.

    Returns
    -------
    Scale or None
        Of the block's maps; None where the recipe has no calibration.

    Raises
    ------
    ReplayError
        If the calibration is of several states, the reference is too short for it, or no window of
        it can be used.
    RtbciError
        If the reference's channels or rate do not fit the recipe.
    """
    block = recipe.calibration
    if block is None:
        return None
    if len(block.classes) > 1:
        raise ReplayError(
            f"the generator's calibration takes {', '.join(block.classes)} in turn, and a "
            "reference is in one state; train it with a calibration of one class"
        )
    path = SignalPath(recipe, reference.sfreq, reference.channels)
    # The first window after settling, on the hops' grid, is where the block begins.
    start = math.ceil(path.settling / path.hop) * path.hop
    end = start + round(block.seconds * reference.sfreq)
    if isinstance(reference, RecordingSource) and reference.turn < end:
        raise ReplayError(
            f"lasts {reference.turn / reference.sfreq:.1f} s, and its first "
            f"{end / reference.sfreq:.1f} s are to be its wearer's calibration"
        )
    found, bad = [], np.zeros(len(recipe.channels), np.bool_)
    for piece in pieces_of(reference):
        maps = path.push(piece[: end - path.samples])
        settled = maps.last + 1 - path.window >= start
        found.append(maps.values[settled & ~maps.bad.any(axis=1)])
        bad |= maps.bad[settled].any(axis=0)
        if path.samples >= end:
            break
    if not any(map(len, found)):
        names = [name for name, each in zip(recipe.channels, bad, strict=True) if each]
        raise ReplayError(
            f"none of its first {end / reference.sfreq:.1f} s can be used as its wearer's "
            f"calibration: bad channels ({', '.join(names)})"
        )
    return Scale.of_person(Person.of(recipe, np.concatenate(found)))
