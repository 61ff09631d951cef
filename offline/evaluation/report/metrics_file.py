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

from offline.evaluation.findings import Findings, pooled
from offline.evaluation.summary import Summary
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
    return found


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
