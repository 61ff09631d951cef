"""``metrics.json``: the findings for machines to read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.findings import Findings, pooled
from offline.evaluation.summary import Summary
from offline.explain.explanation import Explained
from rtbci.atomic import complete_or_absent


def findings_to_dict(findings: Findings) -> dict[str, Any]:
    """Return the findings as plain data: what ``metrics.json`` holds.

    Returns
    -------
    dict
        Numbers, strings, lists and dicts only; a number that is not finite is None.

    Raises
    ------
    TypeError
        If the provenance holds a value that has no plain form.
    """
    recognisers = {
        summary.recogniser: _of_recogniser(findings, summary) for summary in findings.summaries
    }
    return {
        "dataset": findings.dataset,
        "protocol": findings.protocol,
        "simulated": findings.simulated,
        "causal": findings.causal,
        "leaky": findings.leaky,
        "warnings": list(findings.warnings),
        "classes": list(findings.classes),
        "subjects": list(findings.subjects),
        "windows": findings.windows,
        "trials": findings.trials,
        "chance": findings.chance,
        "recognisers": recognisers,
        "less_the_best": plain(findings.differences),
        "left_out": plain(findings.left_out),
        "provenance": plain(findings.provenance),
    }


def write_metrics(findings: Findings, path: Path) -> None:
    """Write the findings as strict JSON; the file is complete or absent."""
    text = json.dumps(findings_to_dict(findings), indent=2, allow_nan=False, ensure_ascii=False)
    with complete_or_absent(path) as file:
        file.write(f"{text}\n".encode())


def _of_recogniser(findings: Findings, summary: Summary) -> dict[str, Any]:
    name = summary.recogniser
    found: dict[str, Any] = plain(summary)
    found |= _on_random_labels(findings.controls.get(name), findings.chance)
    if name in findings.leak:
        leak = plain(findings.leak[name])
        leak |= _on_random_labels(findings.leak_controls.get(name), findings.chance)
        found["random_windows"] = {"leaky": True} | leak
    if name in findings.explained:
        found["looks_at"] = _looked_at(findings.explained[name], findings.classes)
    return found


def _looked_at(explained: Explained, classes: Sequence[str]) -> dict[str, Any]:
    """Return what a recogniser looks at, each number under its names; nats and shares."""
    mean, sd = explained.mean, explained.sd

    def by_class(values: NDArray[np.float64], *names: Sequence[str]) -> Any:
        return _named(values, classes, *names)

    segments = [f"{seconds:g} s before" for seconds in explained.segment_s]
    return {
        "fits": explained.fits,
        "attributions": by_class(mean.attributions, explained.planes, explained.channels),
        "over_segments": by_class(mean.over_segments, segments),
        "without_electrode": {
            "balanced_accuracy_lost": _named(mean.electrode_accuracy, explained.channels),
            "balanced_accuracy_lost_sd": _named(sd.electrode_accuracy, explained.channels),
            "log_probability_lost": by_class(mean.electrode_nats, explained.channels),
            "log_probability_lost_sd": by_class(sd.electrode_nats, explained.channels),
        },
        "without_band": {
            "balanced_accuracy_lost": _named(mean.band_accuracy, explained.bands),
            "balanced_accuracy_lost_sd": _named(sd.band_accuracy, explained.bands),
            "log_probability_lost": by_class(mean.band_nats, explained.bands),
            "log_probability_lost_sd": by_class(sd.band_nats, explained.bands),
        },
    }


def _named(values: NDArray[np.float64], names: Sequence[str], *inner: Sequence[str]) -> Any:
    """Return an array as dicts, one inside another, keyed by the names of each axis."""
    if not inner:
        return dict(zip(names, plain(values), strict=True))
    return {name: _named(row, *inner) for name, row in zip(names, values, strict=True)}


def _on_random_labels(draws: tuple[Summary, ...] | None, chance: float) -> dict[str, Any]:
    if not draws:
        return {}
    control = pooled(draws)
    inside = {"chance_inside": control.contains(chance), "summaries": plain(draws)}
    return {"random_labels": plain(control) | inside}


def plain(value: Any) -> Any:
    """Return a value in JSON's own types; a number that is not finite becomes None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Path | date):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence | frozenset | set):
        return [plain(each) for each in value]
    raise TypeError(f"{value!r} has no plain form")
