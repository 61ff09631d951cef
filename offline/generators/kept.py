"""What generators made, kept on disk: several recognisers learn from the same."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offline.generators.generator import Real
from offline.generators.registry import GeneratorSettings, build_generator
from offline.provenance import own_code_hash, versions
from rtbci.atomic import complete_or_absent
from rtbci.cache import cache_folder
from rtbci.recipe import Recipe

Supplement = tuple[NDArray[np.float32], NDArray[np.int64]]

_log = logging.getLogger(__name__)


def supplemented(
    recipe: Recipe,
    settings: GeneratorSettings,
    real: Real,
    wanted: Mapping[int, int],
    seed: int,
    folder: Path | None = None,
) -> Supplement:
    """Let a generator learn from real examples and make what they lack, once.

    What was made before of the same examples, with the same settings, seed and code, is read again.

    Parameters
    ----------
    recipe : Recipe
        Channels, classes and bands.
    settings : GeneratorSettings
        The generator's.
    real : Real
        The training part.
    wanted : mapping of int to int
        How many more there shall be of each class.
    seed : int
        Fixes the generator and what it makes.
    folder : Path, optional
        Where it is kept, instead of the folder ``generated`` of the cache, which may be deleted at
        any time.

    Returns
    -------
    x, labels
        As of :meth:`~offline.generators.generator.Generator.supplement`.

    Raises
    ------
    GeneratorError
        If the generator cannot learn from the examples.
    """
    entry = (folder or cache_folder() / "generated") / (
        _key(recipe, settings, real, wanted, seed) + ".npz"
    )
    found = _load(entry)
    if found is not None:
        return found
    made = build_generator(recipe, settings).fit(real, seed).supplement(real, wanted, seed)
    try:
        with complete_or_absent(entry) as file:
            np.savez(file, x=made[0], labels=made[1])
    except OSError as error:
        _log.warning("%s: cannot keep what was generated (%s)", entry.parent, error.strerror)
    return made


def _load(entry: Path) -> Supplement | None:
    try:
        with np.load(entry, allow_pickle=False) as file:
            return file["x"], file["labels"]
    except FileNotFoundError:
        return None
    except Exception:  # whatever a damaged archive makes the reader raise: it is made again
        return None


def _key(
    recipe: Recipe,
    settings: GeneratorSettings,
    real: Real,
    wanted: Mapping[int, int],
    seed: int,
) -> str:
    """Return a hash of all that the examples depend on."""
    told = {
        "recipe": recipe.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "wanted": sorted(wanted.items()),
        "seed": seed,
        "versions": versions(),
        "code": own_code_hash(),
        "arrays": [(each.dtype.str, each.shape) for each in (real.x, real.labels, real.trials)],
    }
    digest = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16)
    for each in (real.x, real.labels, real.trials):
        digest.update(np.ascontiguousarray(each).tobytes())
    return digest.hexdigest()
