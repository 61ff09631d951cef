from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyriemann.geometry.mean import mean_riemann

from rtbci.errors import PersonFileError
from rtbci.model.person import Person, load_person, personal, save_person
from rtbci.recipe import Calibration, Normalisation, RawSignal, Recipe
from rtbci.signal.geometry import regularised
from rtbci.signal.normalisation import Normaliser, Statistics

CHANNELS = ("FP1", "FP2", "CZ")
RECIPE = Recipe(
    classes=("rest", "work"),
    channels=CHANNELS,
    covariance=True,
    signal=RawSignal(),
    calibration=Calibration(classes=("rest",), seconds=30),
)


def block(n: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal((n, 5, 3, 60)) * 7
    return (
        rng.normal(3, 2, (n, 5, 3)),
        rng.normal(0, 8, (n, 3, 128)).astype(np.float32),
        samples @ samples.swapaxes(2, 3) / 60,
    )


def test_is_the_blocks_own_measure():
    maps, signal, covariances = block()
    person = Person.of(RECIPE, maps, signal, covariances)
    assert person.mean == pytest.approx(maps.mean(axis=0))
    assert person.std == pytest.approx(maps.std(axis=0))
    assert person.power == pytest.approx((signal.astype(float) ** 2).mean(axis=(0, 2)))
    kept = regularised(covariances, RECIPE.shrinkage, RECIPE.variance_floor)
    assert person.reference[2] == pytest.approx(mean_riemann(kept[:, 2]), rel=1e-6)
    assert person.seconds == pytest.approx(40 * RECIPE.hop_s)


def test_maps_are_standardised_in_the_persons_own_units():
    maps, signal, covariances = block()
    person = Person.of(RECIPE, maps, signal, covariances)
    rng = np.random.default_rng(1)
    training = Statistics(rng.normal(size=(5, 3)), rng.uniform(0.5, 2, (5, 3)), np.full(3, 0.5))
    own = personal(training, person)
    fixed = RECIPE.model_copy(update={"normalisation": Normalisation(kind="training")})
    found = Normaliser(fixed, own).apply(maps)
    relative = (maps - person.mean) / person.std
    assert found == pytest.approx((relative - training.mean) / training.std)
    assert own.power == pytest.approx(0.5 * person.power)
    assert own.reference is person.reference
    assert personal(training, None) is training


def test_everything_comes_back_from_the_file(tmp_path: Path):
    person = Person.of(RECIPE, *block())
    path = tmp_path / "new" / "anna.json"
    save_person(path, person, RECIPE, "model-a")
    again = load_person(path, RECIPE)
    for name in ("mean", "std", "power", "reference"):
        np.testing.assert_array_equal(getattr(again, name), getattr(person, name))
    assert (again.seconds, again.outputs) == (person.seconds, None)


def test_what_comes_after_the_features_does_not_matter(tmp_path: Path):
    path = tmp_path / "anna.json"
    save_person(path, Person.of(RECIPE, *block()), RECIPE, "model-a")
    changes = {"segments": 4, "grid": "19x19", "smoothing": {"kind": "hmm"}}
    load_person(path, Recipe.model_validate(RECIPE.model_dump() | changes))


def refused(path: Path, recipe: Recipe = RECIPE) -> str:
    with pytest.raises(PersonFileError) as caught:
        load_person(path, recipe)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


def test_files_that_cannot_be_used_are_refused_in_one_line(tmp_path: Path):
    path = tmp_path / "anna.json"
    assert refused(path) == "No such file or directory"
    path.write_text("not JSON")
    assert refused(path).startswith("no person's file, or damaged: ")
    save_person(path, Person.of(RECIPE, *block()), RECIPE, "model-a")
    other = Recipe.model_validate(RECIPE.model_dump() | {"hop_s": 0.5})
    assert refused(path, other) == (
        "was made for the model model-a, whose recipe is another one; calibrate again with this "
        "model"
    )
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"mean": [[1.0]]}))
    assert refused(path) == "damaged: its mean does not fit the recipe"
    path.write_text(json.dumps(content | {"std": [[0.0] * 3] * 5}))
    assert "std" in refused(path)
    del content["power"]
    path.write_text(json.dumps(content))
    assert "key 'power' is missing" in refused(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PersonFileError, match="cannot be written"):
        save_person(tmp_path / "file" / "a.json", Person.of(RECIPE, *block()), RECIPE, "m")


def test_prototypes_belong_to_one_network(tmp_path: Path):
    both = Calibration(classes=("rest", "work"), seconds=30, prototypes=True)
    recipe = Recipe.model_validate(RECIPE.model_dump() | {"calibration": both.model_dump()})
    person = replace(Person.of(recipe, *block()), outputs=np.eye(2), network="abc")
    save_person(tmp_path / "anna.json", person, recipe, "model-a")
    again = load_person(tmp_path / "anna.json", recipe)
    assert (again.outputs.tolist(), again.network) == (np.eye(2).tolist(), "abc")
    assert refused(tmp_path / "anna.json") == "damaged: its outputs does not fit the recipe"
