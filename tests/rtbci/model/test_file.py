"""The model file: all of it or an error of one line, never a network that is fed wrongly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rtbci.errors import ModelFileError
from rtbci.model.file import FORMAT, Output, load_model, save_model
from rtbci.recipe import Band, Normalisation, Recipe
from rtbci.signal.normalisation import Statistics
from tests.system import TinyNetwork, make_model

CHANNELS = ("FP1", "FP2", "CZ")
PARTS = (
    "rtbci.json",
    "recipe.json",
    "classes.json",
    "statistics.json",
    "output.json",
    "training.json",
)


def refused(path: Path) -> str:
    """Return the one line that a file is refused with, which names the file."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def quietly(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call what PyTorch has deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return function(*arguments, **options)


def tampered(path: Path, name: str, content: Any) -> Path:
    """Write a model file of which one part says something else; None leaves the part out."""
    make_model(path, channels=CHANNELS)
    extra: dict[str, Any] = dict.fromkeys(PARTS, "")
    network = quietly(torch.jit.load, str(path), _extra_files=extra)
    texts = {
        part: text.decode() if isinstance(text, bytes) else text for part, text in extra.items()
    }
    texts[name] = content if isinstance(content, str) else json.dumps(content)
    if content is None:
        del texts[name]
    quietly(torch.jit.save, network, str(path), _extra_files=texts)
    return path


def test_everything_comes_back(tmp_path):
    recipe = Recipe(
        classes=("rest", "work"),
        channels=("O2", "CZ", "T7"),
        bands=(Band(name="low", low=0.5, high=4), Band(name="high", low=12.5, high=40)),
        hop_s=0.25,
        notch_hz=50,
        grid="19x19",
        normalisation=Normalisation(kind="training"),
        smoothing={"kind": "hmm", "dwell_s": 20},
    )
    rng = np.random.default_rng(0)
    statistics = Statistics(rng.normal(size=(2, 3)), rng.uniform(0.1, 1, (2, 3)))
    network = TinyNetwork(recipe)
    output = Output(temperature=2.5, abstain_below=0.6)
    training = {"dataset": "Größe", "scores": [0.5, None], "seed": 3}
    path = tmp_path / "new" / "folder" / "my.model.pt"
    save_model(path, network, recipe, statistics, training, output=output)
    model = load_model(path)
    assert (model.name, model.recipe, model.training) == ("my.model", recipe, training)
    assert (model.output, model.sees) == (output, "maps")
    np.testing.assert_array_equal(model.statistics.mean, statistics.mean)
    np.testing.assert_array_equal(model.statistics.std, statistics.std)
    maps = rng.normal(size=(4, 1, 2, 3)).astype(np.float32)
    with torch.no_grad():
        logits = torch.cat([network(torch.tensor(one[None])) for one in maps])
        expected = torch.softmax(logits.double() / 2.5, dim=1).numpy()
    np.testing.assert_allclose(model.predict_proba(maps), expected, rtol=1e-12)
    np.testing.assert_allclose(np.exp(model.log_probabilities(maps)), expected, rtol=1e-12)
    assert [file.name for file in path.parent.iterdir()] == ["my.model.pt"]


def test_statistics_of_de_alone_do_not_fit_a_recipe_of_two_features(tmp_path):
    recipe = Recipe(channels=CHANNELS, features=("de", "psd")).model_dump(mode="json")
    path = tampered(tmp_path / "m.pt", "recipe.json", recipe)
    assert refused(path) == "damaged model file: normalisation statistics do not fit the recipe"


class WithDropout(torch.nn.Module):
    """Says something else at each call, unless it has been told that training is over."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(5 * 3, 3)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return self.layers(maps)


def test_a_network_saved_in_the_midst_of_training_predicts_the_same_each_time(tmp_path):
    recipe, shape = Recipe(channels=CHANNELS), (5, 3)
    statistics = Statistics(np.zeros(shape), np.ones(shape))
    save_model(tmp_path / "m.pt", WithDropout().train(), recipe, statistics, {})
    model = load_model(tmp_path / "m.pt")
    maps = np.ones((1, 1, 5, 3), np.float32)
    first = model.predict_proba(maps)
    assert all(np.array_equal(model.predict_proba(maps), first) for _ in range(5))


def test_torchscript_without_our_parts_is_no_model(tmp_path):
    path = tmp_path / "plain.pt"
    network = quietly(torch.jit.script, TinyNetwork(Recipe(channels=CHANNELS)))
    quietly(torch.jit.save, network, str(path))
    assert refused(path).startswith("a TorchScript file, but no rtbci model: it lacks rtbci.json, ")


@pytest.mark.parametrize("name", PARTS)
def test_a_model_that_lacks_a_part_says_which(tmp_path, name):
    path = tampered(tmp_path / "m.pt", name, None)
    assert refused(path) == f"a TorchScript file, but no rtbci model: it lacks {name}"


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "m.pt"
    make_model(path, channels=CHANNELS)
    content = path.read_bytes()
    for length in [*range(0, len(content), len(content) // 40), len(content) - 1]:
        path.write_bytes(content[:length])
        assert refused(path) == "not a TorchScript model, or cut off"


def test_other_files_are_refused(tmp_path):
    text, weights = tmp_path / "text.pt", tmp_path / "weights.pt"
    text.write_text("a model\nof something\n")
    torch.save({"weights": torch.zeros(3)}, weights)
    for path in (text, weights):
        assert refused(path) == "not a TorchScript model, or cut off"
    for path in (tmp_path, tmp_path / "absent.pt"):
        assert refused(path) == "there is no such model file"


def test_an_older_format_asks_to_train_again(tmp_path):
    path = tampered(tmp_path / "m.pt", "rtbci.json", {"format": FORMAT - 1})
    assert refused(path) == (
        f"model format {FORMAT - 1} is older than this program's {FORMAT}; train the model again"
    )


def test_a_newer_format_asks_for_a_newer_program(tmp_path):
    path = tampered(tmp_path / "m.pt", "rtbci.json", {"format": FORMAT + 1, "more": []})
    assert refused(path) == (
        f"model format {FORMAT + 1} is newer than this program's {FORMAT}; install a newer rtbci"
    )


FIVE = [[1.0] * 3] * 5
NAN, HUGE, ZERO = ([[value, 1.0, 1.0], *FIVE[1:]] for value in (float("nan"), 1e999, 0.0))
NEGATIVE = [[-1.0, 1.0, 1.0], *FIVE[1:]]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rtbci.json", {"format": "one"}, "its format is 'one'"),
        ("rtbci.json", {}, "'format'"),
        ("rtbci.json", [], ""),
        ("classes.json", ["negative", "positive"], "class names and recipe disagree"),
        ("classes.json", ["positive", "neutral", "negative"], "class names and recipe disagree"),
        ("recipe.json", "{", ""),
        ("recipe.json", {"hop_s": -1}, "hop_s = -1: input should be greater than 0"),
        ("recipe.json", {"novelty": 1}, "unknown key 'novelty'; allowed are classes, channels"),
        ("recipe.json", {"channels": ["FP1"]}, "normalisation statistics do not fit the recipe"),
        ("statistics.json", {"mean": NAN, "std": FIVE}, "statistics do not fit"),
        ("statistics.json", {"mean": FIVE, "std": NAN}, "statistics do not fit"),
        ("statistics.json", {"mean": HUGE, "std": FIVE}, "statistics do not fit"),
        ("statistics.json", {"mean": FIVE[1:], "std": FIVE}, "statistics do not fit"),
        ("statistics.json", {"mean": FIVE, "std": ZERO}, "deviation .* is not positive"),
        ("statistics.json", {"mean": FIVE, "std": NEGATIVE}, "deviation .* is not positive"),
        ("statistics.json", {"mean": FIVE}, "'std'"),
        ("statistics.json", {"mean": "much", "std": FIVE}, ""),
        ("statistics.json", {"mean": [[1.0], [1.0, 2.0]], "std": FIVE}, ""),
        ("training.json", "not JSON", ""),
    ],
)
def test_a_damaged_part_is_told_in_one_line(tmp_path, name, content, said):
    told = refused(tampered(tmp_path / "m.pt", name, content))
    assert told.startswith("damaged model file: ")
    assert re.search(said, told)


class Unscriptable(torch.nn.Module):
    def forward(self, *maps: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        return maps[0]


class Contradictory(torch.nn.Module):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + "text"


@pytest.mark.parametrize("network", [Unscriptable(), Contradictory()])
def test_a_network_that_cannot_be_saved_leaves_what_was_there(tmp_path, network):
    recipe = Recipe(channels=CHANNELS)
    statistics = Statistics(np.zeros((5, 3)), np.ones((5, 3)))
    path = tmp_path / "m.pt"
    with pytest.raises(Exception):  # noqa: B017, PT011 (TorchScript has many)
        save_model(path, network, recipe, statistics, {})
    assert list(tmp_path.iterdir()) == []
    make_model(path, channels=CHANNELS)
    before = path.read_bytes()
    with pytest.raises(Exception):  # noqa: B017, PT011
        save_model(path, network, recipe, statistics, {})
    assert [file.name for file in tmp_path.iterdir()] == ["m.pt"]
    assert path.read_bytes() == before


def test_a_training_summary_that_json_cannot_hold_leaves_what_was_there(tmp_path):
    recipe = Recipe(channels=CHANNELS)
    make_model(tmp_path / "m.pt", channels=CHANNELS)
    before = (tmp_path / "m.pt").read_bytes()
    statistics = Statistics(np.zeros((5, 3)), np.ones((5, 3)))
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_model(tmp_path / "m.pt", TinyNetwork(recipe), recipe, statistics, {"at": object()})
    assert (tmp_path / "m.pt").read_bytes() == before


def test_saving_over_a_model_replaces_it(tmp_path):
    make_model(tmp_path / "m.pt", channels=CHANNELS)
    make_model(tmp_path / "m.pt", channels=("O1", "O2"))
    assert load_model(tmp_path / "m.pt").recipe.channels == ("O1", "O2")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path):
    recipe = Recipe(channels=CHANNELS)
    statistics = Statistics(np.zeros((5, 3)), np.ones((5, 3)))
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "m.pt", tmp_path / "folder"):
        with pytest.raises(ModelFileError) as caught:
            save_model(path, TinyNetwork(recipe), recipe, statistics, {})
        said = str(caught.value)
        assert said.startswith(f"{path}: cannot be written: ")
        assert "\n" not in said
        assert len(list(tmp_path.iterdir())) == 2


SAVE_LOAD_PREDICT = """
import sys
from pathlib import Path
import numpy as np
from tests.system import make_model
model = make_model(Path(sys.argv[1]), channels=("FP1", "FP2"))
for _ in range(3):
    probabilities = model.predict_proba(np.zeros((1, 1, 5, 2), np.float32))
print(probabilities.sum())
"""


def test_no_deprecation_warning_of_pytorch_reaches_a_person(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error::DeprecationWarning"),
            *("-c", SAVE_LOAD_PREDICT, str(tmp_path / "m.pt")),
        ],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert float(done.stdout) == pytest.approx(1)
