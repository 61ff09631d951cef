from __future__ import annotations

import os
import re

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from offline.generators import Real, save_generator
from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from replay.bench import headset
from rtbci.errors import GeneratorError, ReplayError
from rtbci.recipe import Recipe

RECIPE = Recipe(channels=("FP1", "CZ", "O2"))


def measured(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(headset)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_how_fast_a_generator_is_is_told_and_all_cores_are_given_back(tmp_path):
    rng = np.random.default_rng(0)
    real = Real(rng.standard_normal((12, 3, 200)), np.repeat([0, 1, 2], 4), np.arange(12))
    generator = Autoregressive(RECIPE, AutoregressiveSettings(order=2), sfreq=200.0).fit(real)
    save_generator(tmp_path / "made.pt", generator, {})
    cores = os.sched_getaffinity(0)
    said = measured(tmp_path / "made.pt", "--seconds", 2, "--repeats", 3)
    assert os.sched_getaffinity(0) == cores
    _, what, speed = said.splitlines()
    assert what.endswith("3 channels at 200 Hz, 3 times 2 s, on one core")
    median, slowest = map(
        int, re.fullmatch(r"(\d+) x real .*, (\d+) x at the slowest", speed).groups()
    )
    assert median >= slowest > 0


def test_what_ends_too_early_or_is_not_there_is_told(tmp_path, shared_data):
    short = shared_data("brainvision_derived")
    (recording,) = short.glob("*.vhdr")
    with pytest.raises(ReplayError, match="ends before 8 times 30 s; ask for less"):
        measured(recording)
    with pytest.raises(GeneratorError, match="absent.pt: No such file"):
        measured(tmp_path / "absent.pt")
