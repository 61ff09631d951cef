"""What difference one choice makes: an evaluation, and again with one thing changed.

All variants have the same data, protocol, seeds and folds, and are compared subject by subject.
Not all score the same windows: a longer window has its first prediction later in a trial, and
another hop predicts at other moments. (A network's history takes no window from the score, but from
what is learned those whose history begins before their trial.) A calibration block is not scored:
where variants have blocks of several lengths, ``left_out`` in their base has to hold the longest
for them to be scored on the same windows.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from offline.evaluation.config import TRIVIAL, ControlSettings, Evaluation
from offline.evaluation.evaluate import Places, evaluate
from offline.evaluation.findings import Findings
from offline.evaluation.intervals import Difference, paired_difference
from offline.evaluation.report.metrics_file import write_metrics
from offline.evaluation.summary import Summary
from rtbci.configuration import PathBeside, Settings, load_yaml, read_yaml, validate
from rtbci.recipe import Calibration

BASE = "base"
"""Name of the variant in which nothing is changed."""

FITS = "outcomes"
"""Folder with the fits of all variants: those that differ in smoothing alone share theirs."""

_CHANGEABLE = (
    "recipe",
    "settings",
    "recognisers",
    "window_stride_s",
    "scarce",
    "augmentation",
)

_log = logging.getLogger(__name__)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]


class Ablation(Settings):
    """Content of an ablation's YAML file; paths in it are relative to the file.

    Attributes
    ----------
    evaluation : Path or dict
        The base: an evaluation's YAML file, or the same keys. Its ``output`` is not used.
    output : Path
        Folder for what is found, with one for each variant.
    recognisers : tuple of str or None
        Instead of the base's.
    controls : ControlSettings
        Instead of the base's; by default none with random labels, which would take as long again.
    variants : dict of str to dict
        By name what is changed in the base: the recipe, the recognisers and their settings, what
        is scarce, what is generated. A mapping is merged into the base's, key by key; null takes a
        key away.
    """

    evaluation: PathBeside | dict[str, Any]
    output: PathBeside
    recognisers: tuple[str, ...] | None = None
    controls: ControlSettings = ControlSettings(random_labels=0)
    variants: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        for name, changes in self.variants.items():
            if name in (BASE, FITS):
                raise ValueError(f"no variant can be called {name}; choose another name")
            for key in changes:
                if key not in _CHANGEABLE:
                    raise ValueError(
                        f"variants.{name} changes {key}; variants can change "
                        f"{', '.join(_CHANGEABLE)}, so that all have the same splits"
                    )
        return self


@dataclass(frozen=True)
class Variant:
    """One of the evaluations that are compared.

    Attributes
    ----------
    name : str
        Its name.
    changes : dict
        What is changed in the base.
    evaluation : Evaluation
        The base with these changes.
    """

    name: str
    changes: Mapping[str, Any]
    evaluation: Evaluation


@dataclass(frozen=True)
class Ablated:
    """What the variants scored.

    Attributes
    ----------
    variants : tuple of Variant
        The base first.
    findings : dict of str to Findings
        By the variant's name.
    """

    variants: tuple[Variant, ...]
    findings: Mapping[str, Findings]

    @property
    def recognisers(self) -> tuple[str, ...]:
        """All that variants compare, in the order they are named, but for the trivial one."""
        named = [name for each in self.variants for name in each.evaluation.recognisers]
        return tuple(name for name in dict.fromkeys(named) if name != TRIVIAL)

    def scored(self, recogniser: str) -> dict[str, Summary]:
        """Return a recogniser's summary by variant, of those that have it."""
        found = {name: _summary(findings, recogniser) for name, findings in self.findings.items()}
        return {name: summary for name, summary in found.items() if summary is not None}

    def difference(self, variant: str, recogniser: str) -> Difference | None:
        """Compare a variant's balanced accuracy with the base's, subject by subject.

        Returns
        -------
        Difference or None
            Variant less base; None for the base itself, and where the base lacks the recogniser.
        """
        scored = self.scored(recogniser)
        if variant == BASE or BASE not in scored or variant not in scored:
            return None
        return paired_difference(scored[variant], scored[BASE], seed=0)

    @property
    def calibration_s(self) -> dict[str, dict[str, float]]:
        """Seconds of calibration by variant, ascending, for each sort of block by its name.

        Where variants differ in more than that there are none. A variant without a calibration
        belongs to every sort, with 0 s.
        """
        evaluations = {each.name: each.evaluation for each in self.variants}
        if len({_without_calibration(each) for each in evaluations.values()}) > 1:
            return {}
        blocks = {name: each.recipe.calibration for name, each in evaluations.items()}
        sorts: dict[str, dict[str, float]] = {}
        for name, block in blocks.items():
            if block is not None:
                sorts.setdefault(_sort(block), {})[name] = block.seconds
        for found in sorts.values():
            found.update({name: 0.0 for name, block in blocks.items() if block is None})
        return {sort: _ascending(found) for sort, found in sorts.items()}


def load_ablation(
    path: Path, roots: tuple[Path, ...] = (), output: Path | None = None
) -> tuple[Path, tuple[Variant, ...]]:
    """Read an ablation's file and put its variants together, the base first.

    Parameters
    ----------
    path : Path
        YAML file.
    roots : tuple of Path
        Folders that hold the data, instead of the base's.
    output : Path, optional
        Folder for what is found, instead of the file's.

    Returns
    -------
    output : Path
        Folder for what is found.
    variants : tuple of Variant
        All of them valid.

    Raises
    ------
    ConfigError
        If a file cannot be read, or holds a wrong key or value; the variant is named.
    """
    settings = load_yaml(path, Ablation)
    folder = output or settings.output
    source, base = base_of(
        settings.evaluation, path, settings.controls, settings.recognisers, roots
    )
    return folder, (
        variant(BASE, {}, base, folder, f"{source}", source.parent),
        *(
            variant(name, changes, base, folder, f"{path}: variant {name}", source.parent)
            for name, changes in settings.variants.items()
        ),
    )


def base_of(
    evaluation: Path | Mapping[str, Any],
    path: Path,
    controls: ControlSettings,
    recognisers: tuple[str, ...] | None,
    roots: tuple[Path, ...],
) -> tuple[Path, dict[str, Any]]:
    """Return the file in which an evaluation stands, and its keys with what is asked instead.

    Parameters
    ----------
    evaluation : Path or mapping
        The evaluation's own file, or its keys.
    path : Path
        The file that says so.
    controls : ControlSettings
        Instead of the evaluation's.
    recognisers : tuple of str or None
        Instead of the evaluation's, if there are any.
    roots : tuple of Path
        Folders that hold the data, likewise.

    Raises
    ------
    ConfigError
        If the evaluation's file cannot be read.
    """
    if isinstance(evaluation, Path):
        source, base = evaluation, read_yaml(evaluation)
    else:
        source, base = path, dict(evaluation)
    base["controls"] = controls
    if recognisers is not None:
        base["recognisers"] = recognisers
    if roots:
        base["roots"] = [root.absolute() for root in roots]
    return source, base


def variant(
    name: str,
    changes: Mapping[str, Any],
    base: Mapping[str, Any],
    output: Path,
    told: str,
    beside: Path,
) -> Variant:
    """Return an evaluation with changes.

    Parameters
    ----------
    name : str
        Its name, and that of its folder.
    changes : mapping
        What is changed.
    base : mapping
        The evaluation's keys.
    output : Path
        Folder of all variants.
    told : str
        Where this stands, for errors.
    beside : Path
        Folder that paths in the base are relative to.

    Raises
    ------
    ConfigError
        If a key or value is wrong.
    """
    content = merged(base, changes) | {"output": (output / name).absolute()}
    return Variant(name, changes, validate(Evaluation, content, told, beside))


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with changes: mappings key by key, null takes a key away.

    Parameters
    ----------
    base, changes : mappings
        Plain data; neither is changed.
    """
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            known = result.get(key)
            result[key] = merged(known if isinstance(known, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def run_variants(
    output: Path, variants: tuple[Variant, ...], places: Places, keep_going: bool = False
) -> Ablated:
    """Evaluate each variant, going on where an earlier run of the same was stopped.

    Each variant's figures are written into its folder as ``metrics.json`` as soon as it is done.

    Parameters
    ----------
    output : Path
        Folder for what is found.
    variants : tuple of Variant
        As of :func:`load_ablation`.
    places : Places
        Where the work is done.
    keep_going : bool
        Leave out what cannot be read, instead of stopping.

    Raises
    ------
    RtbciError
        If the data cannot be read, or the protocol does not fit them; one line.
    """
    findings = {}
    for number, each in enumerate(variants, 1):
        _log.info("variant %s, %d of %d", each.name, number, len(variants))
        findings[each.name], _ = evaluate(each.evaluation, places, keep_going, output / FITS)
        write_metrics(findings[each.name], each.evaluation.output / "metrics.json")
    return Ablated(variants, findings)


def _summary(findings: Findings, recogniser: str) -> Summary | None:
    named = (each for each in findings.summaries if each.recogniser == recogniser)
    return next(named, None)


def _without_calibration(evaluation: Evaluation) -> str:
    recipe = evaluation.recipe.model_copy(update={"calibration": None})
    alike = evaluation.model_copy(update={"recipe": recipe, "output": Path()})
    return alike.model_dump_json()


def _sort(block: Calibration) -> str:
    return " + ".join(block.classes) + (", prototypes" if block.prototypes else "")


def _ascending(seconds: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(seconds.items(), key=lambda pair: pair[1]))
