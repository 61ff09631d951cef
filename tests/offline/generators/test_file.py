from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from offline.generators import GENERATORS, load_generator, save_generator
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.generator import Course
from rtbci.errors import GeneratorError
from tests.offline.generators.material import KINDS, RECIPE, fitted

BEGIN = b"rtbci generator\n"
NOT_OURS = "a.pt: a generator file that this program did not write$"
FROM = {"data": "simulated", "trials": [1, 2], "seed": 5, "nested": {"versions": {"rtbci": "0.1"}}}
REGISTERED = [each for each in KINDS if each[0].kind in GENERATORS]


def saved(path: Path) -> Path:
    save_generator(path, fitted(Gaussian, GaussianSettings()), FROM)
    return path


def written(path: Path, content: object) -> Path:
    """Write a file as a program would that knows how such files begin."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    held = buffer.getvalue()
    path.write_bytes(BEGIN + hashlib.sha256(held).digest() + held)
    return path


def held_in(path: Path) -> dict[str, Any]:
    content = io.BytesIO(path.read_bytes()[len(BEGIN) + 32 :])
    return torch.load(content, weights_only=True)


def rewritten(path: Path, told: object = None, state: object = None) -> Path:
    """Change parts of a file."""
    content = held_in(path)
    merged = json.loads(content["told"]) | told if isinstance(told, dict) else told
    content["told"] = json.dumps(merged) if told is not None else content["told"]
    content["state"] = state if state is not None else content["state"]
    return written(path, content)


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=[kind.kind for kind, _ in KINDS])
def test_a_state_that_was_written_and_read_makes_the_same(kind, settings):
    generator = fitted(kind, settings)
    buffer = io.BytesIO()
    torch.save(generator.state(), buffer)
    buffer.seek(0)
    other = kind(RECIPE, settings)
    other.restore(torch.load(buffer, weights_only=True))
    for label in range(3):
        assert np.array_equal(other.sample(7, label, 3), generator.sample(7, label, 3))


@pytest.mark.parametrize(
    ("kind", "settings"), REGISTERED, ids=[kind.kind for kind, _ in REGISTERED]
)
def test_a_generator_survives_its_file(kind, settings, tmp_path):
    generator = fitted(kind, settings)
    generator.sfreq = 128.0
    generator.course = Course({"critic": (1.0, 0.1 + 0.2), "generator": (3.0, -2.0)})
    save_generator(tmp_path / "a.pt", generator, FROM)
    found, provenance = load_generator(tmp_path / "a.pt")
    assert provenance == FROM
    assert type(found) is kind
    assert found.settings == settings
    assert found.recipe == RECIPE
    assert found.sfreq == 128.0
    assert found.course == generator.course
    for label in range(3):
        assert np.array_equal(found.sample(7, label, 3), generator.sample(7, label, 3))


def test_a_file_that_is_cut_off_is_told_from_a_whole_one(tmp_path):
    path = saved(tmp_path / "a.pt")
    whole = path.read_bytes()
    for length in (0, 1, 10, len(BEGIN), 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(GeneratorError, match="a.pt: (no generator's|a damaged generator) file"):
            load_generator(path)


def test_no_bit_of_a_file_can_be_another_without_notice(tmp_path):
    path = saved(tmp_path / "a.pt")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=50):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        with pytest.raises(GeneratorError, match="a.pt: (no generator's|a damaged generator) file"):
            load_generator(path)


def foreign_files():
    tensors, model = io.BytesIO(), io.BytesIO()
    torch.save(torch.zeros(3), tensors)
    torch.save({"state": {}, "told": json.dumps({"what": "another"})}, model)
    return {
        "text": b"A note on generators.",
        "binary": bytes(range(256)),
        "zip": b"PK\x03\x04" + bytes(200),
        "tensor": tensors.getvalue(),
        "another": model.getvalue(),
    }


@pytest.mark.parametrize("name", foreign_files())
def test_a_file_of_something_else_is_none(name, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(foreign_files()[name])
    with pytest.raises(GeneratorError, match="a.pt: no generator's file$"):
        load_generator(path)


@pytest.mark.parametrize("told", [[], "text", 5, None])
def test_a_file_that_tells_nothing_is_none(told, tmp_path):
    path = saved(tmp_path / "a.pt")
    written(path, held_in(path) | {"told": json.dumps(told)})
    with pytest.raises(GeneratorError, match=NOT_OURS):
        load_generator(path)


class Explosive:
    def __reduce__(self):
        return (pytest.fail, ("code in a generator's file was run",))


def test_nothing_in_a_file_is_executed(tmp_path):
    path = tmp_path / "a.pt"
    written(path, {"told": json.dumps({"format": 1}), "state": {"means": Explosive()}})
    with pytest.raises(GeneratorError, match=NOT_OURS):
        load_generator(path)


def test_a_newer_programs_file_is_told(tmp_path):
    path = rewritten(saved(tmp_path / "a.pt"), {"format": 99})
    with pytest.raises(GeneratorError, match="generator file of format 99; this program reads for"):
        load_generator(path)


@pytest.mark.parametrize(
    "told",
    [
        {"settings": {"kind": "unheard-of"}},
        {"settings": {"kind": "gaussian", "unknown": 1}},
        {"settings": None},
        {"recipe": {"channels": ["F3", "F3"]}},
        {"recipe": 3},
        {"losses": [1, 2]},
        {"losses": {"critic": 5}},
    ],
    ids=str,
)
def test_a_file_whose_parts_do_not_fit_is_told_in_one_line(told, tmp_path):
    path = rewritten(saved(tmp_path / "a.pt"), told)
    with pytest.raises(GeneratorError, match=NOT_OURS) as caught:
        load_generator(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("state", [{}, {"means": torch.zeros(3, 12)}, {"means": 1, "roots": 2}])
def test_a_file_without_what_was_learned_is_told_in_one_line(state, tmp_path):
    path = rewritten(saved(tmp_path / "a.pt"), state=state)
    with pytest.raises(GeneratorError, match=NOT_OURS):
        load_generator(path)


def test_no_file_and_no_folder_are_told(tmp_path):
    with pytest.raises(GeneratorError, match="absent.pt: No such file or directory"):
        load_generator(tmp_path / "absent.pt")
    with pytest.raises(GeneratorError, match="Is a directory"):
        load_generator(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(GeneratorError, match="a.pt: cannot be written: "):
        saved(tmp_path / "file" / "a.pt")
