from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from offline.evaluation.spreading import over_cluster
from offline.examples import MapExamples
from offline.explain.gradients import attributions, captum_version
from offline.extras import require
from offline.generators import build_generator
from offline.generators.neighbours import AdasynSettings, SmoteSettings
from offline.proof.robustness import Robustness, attack
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
EXTRA = re.compile(r"pip install 'rtbci\[(\w+)\]'")


def attacked() -> None:
    inputs = np.zeros((10, 1, 3, 4), np.float32)
    attack(nn.Flatten(), inputs, np.zeros(10, np.int64), Robustness(), 0)


def explained() -> None:
    maps = MapExamples(np.zeros((1, 1, 1, 2), np.float32), np.zeros((1, 1), np.int64))
    attributions(nn.Flatten(), "maps", maps, np.zeros(1, np.int64))


@pytest.mark.parametrize(
    ("missing", "work", "told"),
    [
        ("imblearn", lambda: build_generator(Recipe(), SmoteSettings()), "smote needs imbalanced"),
        ("imblearn", lambda: build_generator(Recipe(), AdasynSettings()), "adasyn needs imbalance"),
        ("art", attacked, "attacks need the Adversarial Robustness Toolbox"),
        ("multiprocess", attacked, "attacks need the Adversarial Robustness Toolbox"),
        ("captum", captum_version, "explain: true needs Captum"),
        ("captum", explained, "explain: true needs Captum"),
        ("distributed", lambda: list(over_cluster(None, [], "tcp://x")), "--dask needs Dask"),
    ],
)
def test_who_lacks_a_package_is_told_the_extra_that_brings_it(
    missing: str, work: Callable[[], object], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(ConfigError, match=told) as refused:
        work()
    (extra,) = EXTRA.findall(str(refused.value))
    names = {"imblearn": "imbalanced-learn", "art": "adversarial-robustness-toolbox"}
    assert any(line.startswith(names.get(missing, missing)) for line in EXTRAS[extra])


def test_what_is_there_is_not_refused() -> None:
    require("arithmetic needs NumPy", "none", "numpy", "math")


def test_all_extras_of_the_readme_exist() -> None:
    told = set(EXTRA.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert told
    assert told <= set(EXTRAS)
