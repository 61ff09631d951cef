"""What generated maps are good for: recognisers that learn with them, and without."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from offline.ablation import BASE, Ablated, Variant, base_of, merged, run_variants, variant
from offline.evaluation.config import ControlSettings
from offline.evaluation.evaluate import Places
from offline.proof.config import Proof, scarce_folder
from rtbci.errors import ConfigError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Use:
    """How recognisers do with and without generated maps.

    All learn from equally many windows, in equally many steps: without a generator real windows
    are repeated, and no network stops before its last epoch.

    Attributes
    ----------
    whole : Ablated
        With all real training windows; the base is without a generator.
    scarce : mapping of float to Ablated
        By the share that is kept of the scarce class.
    """

    whole: Ablated
    scarce: Mapping[float, Ablated]

    def recall(self, kept: float, method: str, recogniser: str, label: str) -> float | None:
        """Return the share of a class's windows that is recognised; None where nobody tried."""
        ablated = self.scarce[kept]
        summary = ablated.scored(recogniser).get(method)
        if summary is None:
            return None
        row = summary.confusion[summary.classes.index(label)]
        return float(row[summary.classes.index(label)] / max(row.sum(), 1))


def variants_of(
    proof: Proof, path: Path, roots: tuple[Path, ...], output: Path, kept: float | None = None
) -> tuple[Variant, ...]:
    """Return the evaluations that tell what generators are good for, the one without first.

    Generators of the signal have none: what is put beside real windows are maps.

    Parameters
    ----------
    proof : Proof
        What is asked.
    path : Path
        Its file.
    roots : tuple of Path
        Folders that hold the data, instead of the evaluation's.
    output : Path
        Folder for what is found.
    kept : float, optional
        Share of the scarce class that is kept.

    Raises
    ------
    ConfigError
        If the evaluation, or a variant of it, holds a wrong key or value, or says itself what is
        generated or scarce.
    """
    controls = ControlSettings(random_labels=0)
    source, base = base_of(proof.evaluation, path, controls, proof.recognisers, roots)
    for key in ("augmentation", "scarce"):
        if base.get(key) is not None:
            raise ConfigError(
                f"{source}: evaluation.{key}: what is generated or scarce the proof says itself; "
                "take it out"
            )
    if kept is not None and proof.scarce is not None:
        base["scarce"] = {"label": proof.scarce.label, "kept": kept}
    return tuple(
        _to_the_end(variant(name, changes, base, output, f"{path}: {name}", source.parent))
        for name, changes in _methods(proof).items()
    )


def _to_the_end(each: Variant) -> Variant:
    """Have networks learn in all epochs: who stops early learns in fewer steps than others."""
    settings = each.evaluation.settings
    training = settings.training.model_copy(update={"patience": settings.training.epochs})
    whole = {"settings": settings.model_copy(update={"training": training})}
    return replace(each, evaluation=each.evaluation.model_copy(update=whole))


def _methods(proof: Proof) -> dict[str, dict[str, Any]]:
    """Return by name what each way to learn changes in the evaluation, the one without first."""
    methods: dict[str, dict[str, Any]] = {BASE: {"augmentation": {"times": proof.times}}}
    for name, settings in proof.that_make("maps").items():
        made = {"generator": settings.model_dump(mode="json")}
        methods[name] = merged(methods[BASE], {"augmentation": made})
    if proof.mixup is not None:
        mixed = {"settings": {"training": {"mixup": proof.mixup.alpha}}}
        for name in (BASE, *proof.mixup.generators):
            methods[f"{name}+mixup"] = merged(methods[name], mixed)
    return methods


def find_use(
    proof: Proof, path: Path, roots: tuple[Path, ...], output: Path, places: Places
) -> Use:
    """Evaluate with and without each generator, going on where an earlier run was stopped.

    Raises
    ------
    RtbciError
        If the data cannot be read, or do not fit; one line.
    """
    whole = run_variants(output, variants_of(proof, path, roots, output), places)
    scarce = {}
    for kept in proof.scarce.kept if proof.scarce is not None else ():
        _log.info("with %g %% of %s", 100 * kept, proof.scarce.label if proof.scarce else "")
        folder = scarce_folder(output, kept)
        variants = variants_of(proof, path, roots, folder, kept)
        scarce[kept] = run_variants(folder, variants, places)
    return Use(whole, scarce)
