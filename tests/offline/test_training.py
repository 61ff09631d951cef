from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from offline.examples import MapExamples, Windows
from offline.models.cnn import Cnn, CnnSettings
from offline.training import TrainingSettings, fit, logits_of
from rtbci.errors import ConfigError
from rtbci.recipe import SEED_BANDS, Recipe

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
    checked = [validation for _, validation in fitted.losses]
    assert fitted.best_epoch == 1 + int(np.argmin(checked))
    assert len(checked) == fitted.best_epoch + 3
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
