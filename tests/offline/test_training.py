from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from offline.examples import MapExamples, SignalExamples, Windows
from offline.learner import logits_of
from offline.models.cnn import Cnn, CnnSettings
from offline.models.eegnet import EEGNet, EEGNetSettings
from offline.models.ensemble import Ensemble
from offline.training import Fitted, TrainingSettings, fit, member_seed
from rtbci.errors import ConfigError
from rtbci.recipe import SEED_BANDS, RawSignal, Recipe

CLASSES = ("rest", "task")
SETTINGS = TrainingSettings(epochs=6, batch_size=32)
RECIPE = Recipe(
    classes=CLASSES, channels=("F5", "C3", "P5", "F6", "C4", "P6"), bands=SEED_BANDS[:2]
)
build = partial(Cnn, RECIPE, CnnSettings(widths=(4, 8, 8), hidden=8))


def easy(n: int, seed: int, share: float = 0.5, strength: float = 1.5) -> Windows:
    """Two classes that differ in the left half of the first band."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < share).astype(np.int64)
    maps = rng.standard_normal((n, 2, 6)).astype(np.float32)
    maps[:, 0, :3] += strength * (2 * labels[:, None] - 1)
    return Windows(MapExamples(maps, np.arange(n)[:, None]), labels)


def recalls(network: torch.nn.Module, windows: Windows) -> list[float]:
    with torch.inference_mode():
        named = logits_of(network, windows.examples).argmax(1).numpy()
    return [float((named == k)[windows.labels == k].mean()) for k in (0, 1)]


def weights(network: torch.nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in network.state_dict().values()])


def test_separates_two_easy_classes_it_has_not_seen():
    fitted = fit(build, easy(600, 1), easy(200, 2), CLASSES, SETTINGS, seed=0)
    assert min(recalls(fitted.network, easy(400, 3))) > 0.95


def test_the_seed_fixes_the_network_and_leaves_other_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (
        fit(build, easy(200, 1), easy(80, 2), CLASSES, SETTINGS, seed) for seed in (4, 4, 5)
    )
    assert np.array_equal(weights(first.network), weights(again.network))
    assert not np.array_equal(weights(first.network), weights(other.network))
    assert torch.equal(torch.rand(3), expected)


def test_keeps_the_epoch_that_is_best_on_validation_and_stops_when_it_gets_worse():
    train, contrary = easy(400, 1), easy(400, 2)
    contrary = Windows(contrary.examples, 1 - contrary.labels)  # learning makes this one worse
    settings = TrainingSettings(epochs=20, patience=3, batch_size=32)
    fitted = fit(build, train, contrary, CLASSES, settings, seed=0)
    (course,) = fitted.courses
    checked = [validation for _, validation in course.losses]
    assert course.best_epoch == 1 + int(np.argmin(checked))
    assert len(checked) == course.best_epoch + 3
    with torch.inference_mode():
        logits = logits_of(fitted.network, contrary.examples)
    counts = torch.bincount(torch.from_numpy(train.labels))
    loss = torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(contrary.labels), weight=counts.sum() / (2 * counts)
    )
    assert loss.item() == pytest.approx(min(checked), rel=1e-4)


def test_balanced_weights_find_the_rare_class():
    hard, check = (easy(600, seed, share=0.06, strength=0.9) for seed in (1, 2))
    rare = {}
    for kind in ("balanced", "none"):
        settings = TrainingSettings(epochs=3, batch_size=32, class_weights=kind)
        fitted = fit(build, hard, check, CLASSES, settings, seed=0)
        rare[kind] = recalls(fitted.network, check)[1]
    assert rare["balanced"] > rare["none"] + 0.2


def test_a_loss_that_is_no_number_stops_training_with_advice():
    settings = TrainingSettings(epochs=5, batch_size=32, learning_rate=1e30)
    with pytest.raises(ConfigError, match=r"stopped in epoch \d.*lower training.learning_rate"):
        fit(build, easy(200, 1), easy(80, 2), CLASSES, settings, seed=0)


def test_a_class_without_windows_is_named():
    with pytest.raises(ConfigError, match="no training window of class task"):
        fit(build, easy(50, 1, share=0), easy(50, 2), CLASSES, SETTINGS, seed=0)


def test_members_are_the_networks_of_their_seeds_and_are_asked_together():
    train, check = easy(200, 1), easy(80, 2)
    settings = SETTINGS.model_copy(update={"epochs": 3, "members": 3})
    several = fit(build, train, check, CLASSES, settings, seed=4)
    assert isinstance(several.network, Ensemble)
    assert not several.network.training
    alone = [
        fit(build, train, check, CLASSES, SETTINGS.model_copy(update={"epochs": 3}), seed)
        for seed in (member_seed(4, k) for k in range(3))
    ]
    for member, one, course in zip(several.network.members, alone, several.courses, strict=True):
        assert np.array_equal(weights(member), weights(one.network))
        assert course == one.courses[0]
    with torch.inference_mode():
        together = logits_of(several.network, check.examples).softmax(1)
        each = [logits_of(one.network, check.examples).softmax(1) for one in alone]
    assert torch.allclose(together, torch.stack(each).mean(0), atol=1e-6)


def test_trainings_share_no_member():
    seeds = [member_seed(seed, member) for seed in range(20) for member in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert member_seed(7, 0) == 7


SIGNAL_RECIPE = Recipe(
    classes=CLASSES, channels=("F3", "F4", "P3", "P4"), signal=RawSignal(sfreq=64, high=28)
)
build_eegnet = partial(EEGNet, SIGNAL_RECIPE, EEGNetSettings(temporal_filters=2))


def easy_signal(n: int, seed: int) -> Windows:
    """Noise that is twice as strong at one electrode or at another."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    points = rng.standard_normal((n, 64, 4)).astype(np.float32)
    points[np.arange(n), :, labels] *= 2
    scale = np.ones((n, 4), np.float32)
    return Windows(SignalExamples(points.reshape(-1, 4), 64 * np.arange(n), scale, 64), labels)


CHANGES = {
    "label_smoothing": 0.1,
    "mixup": 0.5,
    "channel_dropout": 0.2,
    "band_noise": 0.5,
    "weight_averaging": 0.9,
}
inputs = pytest.mark.parametrize(
    ("make", "example"), [(build, easy), (build_eegnet, easy_signal)], ids=["maps", "signal"]
)


@inputs
@pytest.mark.parametrize("key", CHANGES)
def test_every_setting_makes_another_network_that_still_learns(make, example, key):
    train, check = example(200, 1), example(150, 2)
    plain = TrainingSettings(epochs=4, batch_size=32, learning_rate=1e-2)
    changed = plain.model_copy(update={key: CHANGES[key]})
    before, after = (
        fit(make, train, check, CLASSES, settings, seed=0) for settings in (plain, changed)
    )
    assert not np.array_equal(weights(before.network), weights(after.network))
    assert min(recalls(after.network, check)) > 0.6


ALL = TrainingSettings(epochs=3, patience=3, batch_size=32, members=2, **CHANGES)


@dataclass(frozen=True)
class Interrupted(MapExamples):
    """Examples that a person stops at after so many training batches."""

    left: list[int]

    def batch(self, rows):
        if len(rows) < 100:  # larger ones are read to tell the data by, or to validate
            self.left[0] -= 1
            if self.left[0] < 0:
                raise KeyboardInterrupt
        return super().batch(rows)


def stop_at(windows: Windows, batches: int) -> Windows:
    examples = windows.examples
    return Windows(Interrupted(examples.maps, examples.rows, [batches]), windows.labels)


def same(first: Fitted, second: Fitted) -> bool:
    return np.array_equal(weights(first.network), weights(second.network)) and (
        first.courses == second.courses
    )


@pytest.mark.parametrize(
    "settings", [ALL, TrainingSettings(epochs=5, patience=2, batch_size=32)], ids=["all", "plain"]
)
def test_a_training_that_was_interrupted_goes_on_to_the_same_network(tmp_path, caplog, settings):
    caplog.set_level(logging.INFO)
    train, check = easy(200, 1, strength=0.3), easy(120, 2, strength=0.3)  # 7 batches an epoch
    whole = fit(build, train, check, CLASSES, settings, seed=3)
    path = tmp_path / "made.pt.checkpoint"
    found, stops = None, 0
    while found is None:  # each time it gets a bit more than one epoch further
        try:
            found = fit(build, stop_at(train, 9), check, CLASSES, settings, 3, checkpoint=path)
        except KeyboardInterrupt:
            stops += 1
            assert path.is_file()
    assert stops >= sum(len(course.losses) for course in whole.courses) - 2
    assert same(found, whole)
    assert len(caplog.messages) == stops
    assert caplog.messages[0] == "training resumes after epoch 1"
    # Until whoever saves it has removed the file, nothing is learned again.
    assert same(fit(build, stop_at(train, 0), check, CLASSES, settings, 3, checkpoint=path), whole)


def test_an_uninterrupted_training_is_the_same_with_a_checkpoint(tmp_path):
    train, check = easy(200, 1), easy(120, 2)
    path = tmp_path / "made.pt.checkpoint"
    with_file = fit(build, train, check, CLASSES, ALL, seed=3, checkpoint=path)
    assert same(with_file, fit(build, train, check, CLASSES, ALL, seed=3))


@pytest.mark.parametrize("different", ["settings", "seed", "data", "network"])
def test_what_another_training_left_is_not_gone_on_from(tmp_path, caplog, different):
    train, check = easy(200, 1), easy(120, 2)
    path = tmp_path / "made.pt.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fit(build, stop_at(train, 17), check, CLASSES, SETTINGS, 3, checkpoint=path)
    wider = partial(Cnn, RECIPE, CnnSettings(widths=(4, 8, 8), hidden=8, dropout=0.4))
    other = [
        wider if different == "network" else build,
        easy(200, 9) if different == "data" else train,
        check,
        CLASSES,
        SETTINGS.model_copy(update={"epochs": 5}) if different == "settings" else SETTINGS,
        4 if different == "seed" else 3,
    ]
    found = fit(*other, checkpoint=path)
    assert "another training's checkpoint" in caplog.text
    assert same(found, fit(*other))


KILLED = """
import sys
from pathlib import Path
from tests.offline import test_training as t
train, check = t.easy(200, 1), t.easy(120, 2)
settings = t.ALL.model_copy(update={"epochs": 10**6, "patience": 10**6})
t.fit(t.build, train, check, t.CLASSES, settings, 3, checkpoint=Path(sys.argv[1]))
"""


def test_a_process_that_is_killed_leaves_a_checkpoint_that_is_whole(tmp_path, caplog):
    path = tmp_path / "made.pt.checkpoint"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[2]
    ) as process:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    caplog.set_level(logging.INFO)
    settings = ALL.model_copy(update={"epochs": 10**6, "patience": 10**6})
    with pytest.raises(KeyboardInterrupt):
        fit(build, stop_at(easy(200, 1), 3), easy(120, 2), CLASSES, settings, 3, checkpoint=path)
    assert "training resumes after epoch" in caplog.text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_a_card_that_is_not_there_is_told():
    settings = SETTINGS.model_copy(update={"device": "cuda"})
    with pytest.raises(ConfigError, match="training.device = 'cuda'"):
        fit(build, easy(50, 1), easy(50, 2), CLASSES, settings, seed=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA graphics card")
def test_a_network_from_the_card_is_on_the_processor_and_knows_the_classes(tmp_path):
    train, check = easy(600, 1), easy(200, 2)
    settings = SETTINGS.model_copy(update={"device": "cuda"})
    fitted = fit(build, train, check, CLASSES, settings, 0, checkpoint=tmp_path / "a.checkpoint")
    assert {(p.device.type, p.dtype) for p in fitted.network.parameters()} == {
        ("cpu", torch.float32)
    }
    assert min(recalls(fitted.network, easy(400, 3))) > 0.95
    assert same(fitted, fit(build, train, check, CLASSES, settings, seed=0))
