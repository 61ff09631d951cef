from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from torch import nn

from offline.checkpoint import Checkpoint, training_key
from offline.examples import MapExamples, Windows
from rtbci.errors import ConfigError

KEY = bytes(range(32))
STATE = {"weights": {"a": torch.arange(6.0)}, "losses": [(0.5, 0.25)], "epoch": 3, "none": None}


def test_what_is_written_is_read(tmp_path):
    checkpoint = Checkpoint(tmp_path / "new" / "folder" / "a.checkpoint", KEY)
    assert checkpoint.load() is None
    checkpoint.save({"epoch": 2})
    checkpoint.save(STATE)
    found = checkpoint.load()
    assert torch.equal(found["weights"]["a"], STATE["weights"]["a"])
    assert [found[key] for key in ("losses", "epoch", "none")] == [[(0.5, 0.25)], 3, None]
    assert [each.name for each in (tmp_path / "new" / "folder").iterdir()] == ["a.checkpoint"]


def test_any_change_to_the_file_makes_it_untrusted(tmp_path, caplog):
    path = tmp_path / "a.checkpoint"
    checkpoint = Checkpoint(path, KEY)
    checkpoint.save(STATE)
    whole = path.read_bytes()
    damaged = [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
               for place in range(0, len(whole), 7)]  # fmt: skip
    for content in (*damaged, b"", whole[:10], whole[:-1], whole[: len(whole) // 2], whole + b"x"):
        path.write_bytes(content)
        caplog.clear()
        assert checkpoint.load() is None
        assert len(caplog.messages) == 1
        assert "training starts anew" in caplog.messages[0]
    path.write_bytes(whole)
    assert checkpoint.load() is not None


def test_another_trainings_is_told_and_left_alone(tmp_path, caplog):
    path = tmp_path / "a.checkpoint"
    Checkpoint(path, KEY).save(STATE)
    assert Checkpoint(path, KEY[::-1]).load() is None
    assert caplog.messages == [
        f"{path}: another training's checkpoint: data, settings or program differ; "
        "training starts anew"
    ]
    assert Checkpoint(path, KEY).load() is not None


class Explosive:
    def __reduce__(self):
        return (pytest.fail, ("code in a checkpoint was run",))


def test_nothing_in_the_file_is_executed(tmp_path, caplog):
    checkpoint = Checkpoint(tmp_path / "a.checkpoint", KEY)
    checkpoint.save({"state": Explosive()})
    assert checkpoint.load() is None
    assert "this checkpoint holds more than data; training starts anew" in caplog.text


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="a.checkpoint: the training's checkpoint cannot be wr"):
        Checkpoint(tmp_path / "file" / "a.checkpoint", KEY).save(STATE)


def test_what_is_in_the_files_way_is_told(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    (tmp_path / "a.checkpoint").mkdir()
    assert Checkpoint(tmp_path / "a.checkpoint", KEY).load() is None
    assert "Is a directory; training starts anew" in caplog.messages[0]


def network(seed: int = 0, dropout: float = 0.5, bound: float = 1.0) -> nn.Module:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Linear(4, 3), nn.Dropout(dropout), nn.Linear(3, 2))
    made.bound = bound
    made.register_buffer("sources", torch.tensor([seed, 1]))
    return made


def windows(n: int = 2100, changed: int | None = None, label: int = 0) -> Windows:
    maps = np.random.default_rng(0).standard_normal((n, 1, 4)).astype(np.float32)
    if changed is not None:
        maps[changed, 0, 3] = np.nextafter(maps[changed, 0, 3], 9, dtype=np.float32)
    labels = np.zeros(n, np.int64)
    labels[-1] = label
    return Windows(MapExamples(maps, np.arange(n)[:, None]), labels)


def test_the_key_is_of_everything_that_a_network_depends_on():
    whole = windows()
    told = {"seed": 0, "training": {"epochs": 3}}
    keys = [
        training_key(net, parts, settings)
        for net, parts, settings in [
            (network(), (whole, whole), told),
            (network(seed=1), (whole, whole), told),
            (network(dropout=0.25), (whole, whole), told),
            (network(bound=2.0), (whole, whole), told),
            (network(), (windows(changed=0), whole), told),
            (network(), (whole, windows(changed=2099)), told),
            (network(), (whole, windows(label=1)), told),
            (network(), (whole, windows(2099)), told),
            (network(), (whole, whole), told | {"training": {"epochs": 4}}),
        ]
    ]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}
    assert training_key(network(), (windows(), windows()), dict(told)) == keys[0]
