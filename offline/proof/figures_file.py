"""A proof's figures as a file for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from offline.evaluation.report.ablation import ablation_to_dict
from offline.evaluation.report.metrics_file import plain
from offline.proof.run import Proven
from rtbci.atomic import complete_or_absent


def write_figures(proven: Proven, path: Path) -> None:
    """Write all figures as strict JSON; the file is complete or absent."""
    text = json.dumps(figures_of(proven), indent=2, allow_nan=False, ensure_ascii=False)
    with complete_or_absent(path) as file:
        file.write(f"{text}\n".encode())


def figures_of(proven: Proven) -> dict[str, Any]:
    """Return the figures as plain data; a number that is not finite is None."""
    return {
        "asked": proven.proof.model_dump(mode="json"),
        "simulated": proven.material.simulated,
        "compared": [
            {"fold": each.fold, "rows": [plain(row) for row in each.rows]}
            for each in proven.compared
        ],
        "signals": [
            {"fold": each.fold, "sfreq": each.sfreq, "rows": [plain(row) for row in each.rows]}
            for each in proven.signals
        ],
        "use": ablation_to_dict(proven.use.whole),
        "scarce": {
            f"{kept:g}": ablation_to_dict(ablated) for kept, ablated in proven.use.scarce.items()
        },
        "withstood": {name: plain(folds) for name, folds in proven.withstood.items()},
    }
