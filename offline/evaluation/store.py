"""Fits on disk, so that an evaluation that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from offline.evaluation.fitting import Bench
from offline.evaluation.outcome import Fit, Said, Task
from offline.explain.explanation import Explanation
from offline.explain.gradients import captum_version
from offline.features.cache import fingerprint
from offline.provenance import own_code_hash, versions
from rtbci.atomic import complete_or_absent
from rtbci.configuration import Settings


def data_hash(bench: Bench) -> str:
    """Return a hash of the features and labels of every recording."""
    material = bench.material
    content = [
        [
            fingerprint(recording, material.recipe),
            recording.subject,
            recording.session,
            [asdict(trial) for trial in recording.trials],
        ]
        for recording in material.recordings
    ]
    return _hash(content)


class FitStore:
    """A folder with a file for each fit, named by all that it depends on; smoothing is not in it.

    Parameters
    ----------
    folder : Path
        Need not exist yet.
    bench : Bench
        Data, recipe, protocol and settings; anything that differs makes another file. One of a
        fit that was explained serves without its explanation too.
    """

    def __init__(self, folder: Path, bench: Bench) -> None:
        self._folder, self._bench = folder, bench
        self._basis = {
            "data": data_hash(bench),
            "recipe": bench.material.recipe.model_dump(mode="json", exclude={"smoothing"}),
            "tested_only": bench.material.tested_only,
            "protocol": bench.protocol.model_dump(mode="json"),
            "settings": bench.settings.model_dump(mode="json"),
            "stride": bench.stride,
            "scarce": _told(bench.scarce),
            "augmentation": _told(bench.augmentation),
            "left_out": {r: rows.tolist() for r, rows in bench.left_out.touched.items()},
            "versions": versions(),
            "code": own_code_hash(),
        }

    def load(self, task: Task) -> Fit | None:
        """Return a task's fit, or None if there is none that is whole."""
        try:
            with np.load(self._path(task), allow_pickle=False) as file:
                said = Said(**{field.name: file[field.name] for field in fields(Said)})
                explanation = None
                if self._bench.explains(task):
                    held = {each.name: file[_explains(each.name)] for each in fields(Explanation)}
                    explanation = Explanation(**held)
                rest = json.loads(str(file["rest"]))
        except FileNotFoundError:
            return None
        except Exception:  # whatever a damaged archive makes the reader raise: it is made again
            return None
        return Fit(task=task, said=said, explanation=explanation, **rest)

    def save(self, fit: Fit) -> None:
        """Write a fit, completely or not at all."""
        rest = {"chosen": fit.chosen, "validation": fit.validation, "fit_s": fit.fit_s}
        columns = dict(vars(fit.said))
        if fit.explanation is not None:
            columns |= {_explains(name): array for name, array in vars(fit.explanation).items()}
        with complete_or_absent(self._path(fit.task)) as file:
            np.savez_compressed(file, **columns, rest=np.array(json.dumps(rest)))

    def _path(self, task: Task) -> Path:
        return self._folder / f"{_hash({**self._basis, 'task': asdict(task)})}.npz"


def _explains(name: str) -> str:
    """Return where an array of an explanation lies; another version of Captum explains anew."""
    return f"explanation {captum_version()} {name}"


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _told(settings: Settings | None) -> dict[str, Any] | None:
    return None if settings is None else settings.model_dump(mode="json")
