"""Configuration files: what is wrong is said in one line, with file, key, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from offline.experiment import Experiment
from rtbci.configuration import load_yaml, packaged_config
from rtbci.errors import ConfigError
from rtbci.recipe import Recipe


def refused(load, path: Path) -> str:
    """Return the one line that a file is refused with, which names the file."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def recipe(path: Path) -> Recipe:
    return load_yaml(path, Recipe)


def experiment(path: Path) -> Experiment:
    return load_yaml(path, Experiment)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "hop: 0.1",
            "unknown key 'hop'; allowed are classes, channels, bands, filter_order, window_s, "
            "hop_s, reference, notch_hz, variance_floor, interpolate, grid, normalisation, "
            "smoothing",
        ),
        ("hop_s: 0", "hop_s = 0: input should be greater than 0"),
        ("hop_s: 61", "hop_s = 61: input should be less than or equal to 60"),
        ("hop_s: .nan", "hop_s = nan: input should be a finite number"),
        (
            "hop_s: often",
            "hop_s = 'often': input should be a valid number, unable to parse string as a number",
        ),
        ("reference: ears", "reference = 'ears': input should be 'none' or 'average'"),
        ("grid: 7x7", "grid = '7x7': there are the grids 9x9, 8x9, 19x19"),
        ("channels: [FP1, A1]", "grid 9x9 has no cell"),
        ("hop_s: 1\ngrid: 9x9\nhop_s: 2", "not YAML: the key 'hop_s' stands twice in the mapping"),
        ("channels: [T3, T7]", "channels = ['T3', 'T7']: channel T7 is named twice"),
        (
            "normalisation: {kind: none}",
            "normalisation.kind = 'none': input should be 'training' or 'adaptive'",
        ),
        (
            "normalisation: {time: 3}",
            "unknown key 'normalisation.time'; allowed are kind, time_constant_s",
        ),
        ("bands: []", "bands = []: tuple should have at least 1 item"),
        ("bands: [{name: a, low: 1}]", "key 'bands.0.high' is missing"),
        (
            "bands: [{name: a, low: 1, high: 2, hi: 3}]",
            "unknown key 'bands.0.hi'; allowed are name, low, high",
        ),
        (
            "bands: [{name: a, low: 1, high: 2}, {name: b, low: 8, high: 4}]",
            "bands.1 = {'name': 'b', 'low': 8, 'high': 4}: band b ends at 4 Hz, not above its 8",
        ),
        ("1: 2", "1 = 1: keys should be strings"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(tmp_path, text, said):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    told = refused(recipe, path)
    assert told.startswith(said)
    assert "; tuple should" not in told
    assert ";" not in told.removeprefix(said)  # one mistake, one complaint


def test_all_mistakes_are_told_at_once_and_long_values_shortened(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"hop_s: -1\nwidow_s: 2\ngrid: {'x' * 500}")
    told = refused(recipe, path)
    for part in (
        "hop_s = -1: ",
        "unknown key 'widow_s'",
        "grid = 'xxx",
        "...: there are the grids",
    ):
        assert part in told
    assert "x" * 61 not in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hop_s: [1", "not YAML: while parsing a flow sequence"),
        (b"\thop_s: 1", "not YAML: while scanning for the next token"),
        (b"hop_s: \xff", "not YAML: 'utf-8' codec can't decode byte 0xff"),
        (b"hop_s: 2024-13-45", "not YAML: month must be in 1..12"),
        (b"hop_s: !!python/object/apply:os.getcwd []", "not YAML: could not determine a construct"),
        (b"- hop_s", "holds no keys; a mapping of settings is expected"),
        (b"hop_s", "holds no keys; a mapping of settings is expected"),
        (b"", "holds no keys; a mapping of settings is expected"),
    ],
)
def test_what_is_no_yaml_mapping_is_refused(tmp_path, content, said):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    assert refused(recipe, path).startswith(said)


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path):
    assert refused(recipe, tmp_path / "absent.yaml") == "No such file or directory"
    assert refused(recipe, tmp_path) == "Is a directory"


EXPERIMENT = "dataset: d.yaml\noutput: m.pt\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            EXPERIMENT + "recipe: {bands: [{name: slow, low: 0, high: 4}]}",
            "recipe.bands.0.low = 0: input should be greater than 0",
        ),
        (
            EXPERIMENT + "recipe: {bands: [{name: slow, lo: 1, low: 1, high: 4}]}",
            "unknown key 'recipe.bands.0.lo'; allowed are name, low, high",
        ),
        (
            EXPERIMENT + "recipe: {normalisation: {kind: adaptive, time_constant_s: soon}}",
            "recipe.normalisation.time_constant_s = 'soon': input should be a valid number",
        ),
        (
            EXPERIMENT + "recipe: {channels: [FP1, A1]}",
            "recipe = {'channels': ['FP1', 'A1']}: grid 9x9 has no cell for A1",
        ),
        (
            EXPERIMENT + "recipe: {hops: 1}",
            "unknown key 'recipe.hops'; allowed are classes, channels, bands,",
        ),
        ("output: m.pt", "key 'dataset' is missing"),
    ],
)
def test_a_nested_mistake_is_named_by_its_whole_path(tmp_path, text, said):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    assert refused(experiment, path).startswith(said)


def test_numbers_lists_and_defaults_come_through(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("hop_s: 0.2\nnotch_hz: 50\nbands: [{name: low, low: 1.0e+0, high: 4}]\n")
    loaded = recipe(path)
    assert (loaded.hop_s, loaded.notch_hz, loaded.window_s) == (0.2, 50.0, 1.0)
    assert [(band.name, band.low, band.high) for band in loaded.bands] == [("low", 1.0, 4.0)]


@pytest.mark.parametrize("name", ["demo.yaml", "train-eegmat.yaml", "datasets/simulated.yaml"])
def test_the_program_finds_the_files_it_came_with(name):
    path = packaged_config(name)
    assert path.is_file()
    assert path.as_posix().endswith(f"configs/{name}")


@pytest.mark.parametrize("name", ["absent.yaml", "datasets"])
def test_a_file_that_the_program_should_have_come_with(name):
    with pytest.raises(ConfigError, match=rf"^the program came without configs/{name}; install"):
        packaged_config(name)
