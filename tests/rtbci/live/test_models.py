"""Which models can predict side by side, on which streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtbci.cli.live import live
from rtbci.errors import (
    ChannelError,
    ConfigError,
    ModelFileError,
    PersonFileError,
    RecipeError,
)
from rtbci.live.models import fit_models, joint_name, load_models, person_for
from rtbci.live.settings import LiveSettings
from rtbci.model.file import Output, PrototypeValues
from rtbci.model.person import Person, save_person
from rtbci.model.prototypes import Prototypes
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import EMOTIONS
from rtbci.stream.description import StreamDescription
from tests.system import make_model

CHANNELS = SEED_CHANNELS[:4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    (path / "sub").mkdir()
    for name, changes in {
        "plain": {},
        "long": {"window_s": 1.6},
        "rich": {"features": ("de", "psd"), "reference": "average", "grid": "8x9"},
        "odd": {"window_s": 1.25},
        "slow": {"hop_s": 0.2},
        "turned": {"classes": ("positive", "neutral", "negative")},
        "fine": {"window_s": 1.26, "hop_s": 0.13},
        "coarse": {"window_s": 1.0, "hop_s": 0.13},
        "more": {"channels": SEED_CHANNELS[:8]},
        "sub/plain": {},
    }.items():
        make_model(path / f"{name}.pt", **{"channels": CHANNELS} | changes)
    return path


def stream(sfreq: float = 200.0) -> StreamDescription:
    return StreamDescription(
        name="amp",
        kind="EEG",
        source_id="",
        hostname="",
        uid="",
        sfreq=sfreq,
        n_channels=len(CHANNELS),
        channels=CHANNELS,
        units=("uV",) * len(CHANNELS),
        numeric=True,
    )


def fit(paths: list[Path], sfreq: float = 200.0):
    settings = LiveSettings(model=tuple(paths))
    return fit_models(load_models(settings.model), [None] * len(paths), stream(sfreq), settings)


def test_prototypes_are_those_of_the_very_model_that_the_wearer_calibrated_with(tmp_path):
    block = {"classes": list(EMOTIONS), "seconds": 6, "prototypes": True}
    output = Output(prototypes=PrototypeValues.of(Prototypes(np.eye(3), np.eye(3))))
    for name, grid in (("mine", "9x9"), ("other", "8x9")):  # the features are the same
        path = tmp_path / f"{name}.pt"
        make_model(path, grid=grid, output=output, channels=CHANNELS, calibration=block)
    mine, other = load_models((tmp_path / "mine.pt", tmp_path / "other.pt"))
    ones = np.ones(mine.recipe.map_shape)
    person = Person(ones, ones, None, None, 6.0, outputs=np.eye(3), network=mine.digest)
    file = tmp_path / "anna.json"
    save_person(file, person, mine.recipe, mine.name)
    found = person_for(mine, [file])
    assert found is not None
    assert found.network == mine.digest
    with pytest.raises(PersonFileError, match=r"anna.json: .*another file than the model other"):
        person_for(other, [file])


def test_models_of_different_recipes_predict_at_the_same_samples(folder):
    paths = [folder / name for name in ("plain.pt", "long.pt", "rich.pt")]
    recognisers = fit(paths)
    assert joint_name([each.model for each in recognisers]) == "plain+long+rich"
    assert [each.path.window for each in recognisers] == [200, 320, 200]
    assert {each.path.hop for each in recognisers} == {20}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("odd", "windows of 1 s and 1.25 s differ by no whole number of hops of 0.1 s"),
        ("slow", "one predicts each 0.1 s, the other each 0.2 s"),
        (
            "turned",
            "the classes of one are negative, neutral, positive, of the other "
            "positive, neutral, negative",
        ),
        ("sub/plain", "both are called 'plain'"),
        ("plain", "both are called 'plain'"),
    ],
)
def test_models_that_cannot_be_averaged_are_refused_in_one_line(folder, other, said):
    plain, long, other = folder / "plain.pt", folder / "long.pt", folder / f"{other}.pt"
    with pytest.raises(ConfigError) as caught:
        load_models([plain, long, other])
    assert str(caught.value).startswith(f"{plain} and {other} cannot predict side by side: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_windows_that_a_stream_s_rate_rounds_apart_are_refused(folder):
    paths = [folder / "coarse.pt", folder / "fine.pt"]  # 0.26 s apart, two hops of 0.13 s
    assert [each.path.window for each in fit(paths, 200.0)] == [200, 252]
    # 250 and 315 samples, but hops of 32.
    with pytest.raises(RecipeError, match="'coarse' and 'fine' are 250 and 315 samples long"):
        fit(paths, 250.0)


def test_of_several_the_model_that_does_not_fit_is_named(folder):
    paths = [folder / "plain.pt", folder / "more.pt"]
    with pytest.raises(ChannelError, match="^stream 'amp', model 'more': 4 of the model's 8"):
        fit(paths)
    with pytest.raises(ChannelError, match="^stream 'amp': 4 of the model's 8"):
        fit(paths[1:])


def test_a_yaml_file_names_one_model_or_several_relative_to_itself(folder):
    config = folder / "live.yaml"
    config.write_text("model: [plain.pt, gone.pt]\n")
    with pytest.raises(ModelFileError, match=f"^{folder / 'gone.pt'}: there is no such"):
        live(config=config)
    config.write_text("model: sub/gone.pt\n")
    with pytest.raises(ModelFileError, match=f"^{folder / 'sub' / 'gone.pt'}: there is no such"):
        live(config=config)
    with pytest.raises(ConfigError, match="plain.pt and .*slow.pt cannot predict"):
        live(model=[folder / "plain.pt", folder / "slow.pt"], config=config)
    config.write_text("model: []\n")
    with pytest.raises(ConfigError, match="at least 1 item"):
        live(config=config)


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_is_a_probability(folder, threshold):
    with pytest.raises(ConfigError, match=f"abstain_below = {threshold}: "):
        live(model=[folder / "plain.pt"], abstain_below=threshold)
