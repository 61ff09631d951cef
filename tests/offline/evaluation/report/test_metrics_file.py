from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offline.evaluation.findings import pooled
from offline.evaluation.report.metrics_file import write_metrics
from offline.evaluation.summary import Spread
from tests.offline.evaluation.report.examples import findings, summary


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_numbers_are_the_summarys_to_the_last_bit(tmp_path: Path) -> None:
    found = findings()
    write_metrics(found, tmp_path / "new" / "metrics.json")
    metrics = read(tmp_path / "new" / "metrics.json")
    assert list(metrics["recognisers"]) == ["cnn", "svm", "trivial"]
    for one in found.summaries:
        held = metrics["recognisers"][one.recogniser]
        assert held["balanced_accuracy"] == vars(one.balanced_accuracy)
        assert held["confusion"] == one.confusion.tolist()
        assert held["per_subject"] == one.per_subject
        assert held["over_time"]["so_far"] == one.over_time.so_far.tolist()
        assert held["calibration"]["bins"][0] == vars(one.calibration.bins[0])
        control = pooled(found.controls[one.recogniser])
        assert held["random_labels"]["mean"] == control.mean
        assert held["random_labels"]["chance_inside"] is True
        assert [len(each["per_subject"]) for each in held["random_labels"]["summaries"]] == [3, 3]
    assert metrics["chance"] == 1 / 3
    assert metrics["subjects"] == ["1", "2", "3"]
    assert metrics["left_out"] == [vars(found.left_out[0])]
    assert metrics["provenance"]["recipe"]["bands"][1]["high"] == 8.0


def test_reservations_are_in_the_file(tmp_path: Path) -> None:
    found = findings(leaky=True, simulated=True, causal=False)
    write_metrics(found, tmp_path / "metrics.json")
    metrics = read(tmp_path / "metrics.json")
    assert (metrics["leaky"], metrics["simulated"], metrics["causal"]) == (True, True, False)
    assert metrics["warnings"] == list(found.warnings)


def test_random_windows_are_marked_leaky(tmp_path: Path) -> None:
    leak = summary("cnn", 0.94)
    random = (summary("cnn", 0.9),)
    found = findings(leak={"cnn": leak}, leak_controls={"cnn": random})
    write_metrics(found, tmp_path / "metrics.json")
    recognisers = read(tmp_path / "metrics.json")["recognisers"]
    held = recognisers["cnn"]["random_windows"]
    assert held["leaky"] is True
    assert held["balanced_accuracy"]["mean"] == leak.balanced_accuracy.mean
    assert held["random_labels"]["chance_inside"] is False
    assert "random_windows" not in recognisers["svm"]


def test_what_is_no_number_becomes_null(tmp_path: Path) -> None:
    one = summary(
        trial_accuracy=Spread(float("nan"), float("inf"), -float("inf"), np.float64("nan"), 0.0),
    )
    provenance = {"mean": np.array([1.0, np.nan]), "count": np.int64(3), "day": date(2026, 1, 2)}
    write_metrics(findings(summaries=(one,), provenance=provenance), tmp_path / "metrics.json")
    metrics = read(tmp_path / "metrics.json")
    assert list(metrics["recognisers"]["cnn"]["trial_accuracy"].values()) == [None] * 4 + [0.0]
    assert metrics["provenance"] == {"mean": [1.0, None], "count": 3, "day": "2026-01-02"}


def test_provenance_without_a_plain_form_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="object"):
        write_metrics(findings(provenance={"x": object()}), tmp_path / "metrics.json")
    assert list(tmp_path.iterdir()) == []
