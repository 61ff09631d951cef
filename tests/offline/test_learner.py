from __future__ import annotations

import io
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from offline.device import CPU, Device
from offline.examples import MapExamples, Windows
from offline.learner import Learner, WeightAverage, logits_of
from offline.models.attention import AttentionSettings
from offline.models.cnn import CnnSettings
from offline.models.graph import GraphSettings
from offline.models.image import ImageSettings
from offline.models.registry import build_network
from offline.training import TrainingSettings, one_thread
from rtbci.recipe import SEED_BANDS, Recipe

RECIPE = Recipe(
    classes=("rest", "task"), channels=("F5", "C3", "P5", "F6", "C4", "P6"), bands=SEED_BANDS[:2]
)
build = partial(build_network, RECIPE, CnnSettings(widths=(4, 8, 8), hidden=8))


@pytest.fixture(autouse=True)
def seeded():
    with one_thread(), CPU.repeatable():
        torch.manual_seed(0)
        yield


def windows(n: int, seed: int, strength: float = 1.0) -> Windows:
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    maps = rng.standard_normal((n, 2, 6)).astype(np.float32)
    maps[:, 0, :3] += strength * (2 * labels[:, None] - 1)
    return Windows(MapExamples(maps, np.arange(n)[:, None]), labels)


TRAIN, CHECK = windows(320, 1), windows(100, 2)
COUNTS = np.bincount(TRAIN.labels)


def learner(device: Device = CPU, network: nn.Module | None = None, **changes) -> Learner:
    settings = TrainingSettings(batch_size=32, **changes)
    return Learner(network or build(), COUNTS, settings, device)


def values(network: nn.Module) -> np.ndarray:
    return np.concatenate([v.double().numpy().ravel() for v in network.state_dict().values()])


def test_the_average_is_that_of_the_weights_and_buffers_by_the_equation():
    network = build()
    average = WeightAverage(network, 0.9)
    expected = values(network)
    counted = [name for name, v in network.state_dict().items() if not v.is_floating_point()]
    assert len(counted) > 1  # steps of batch normalisation, and where each channel lies
    generator = torch.Generator().manual_seed(1)
    for step in range(1, 200):
        with torch.no_grad():
            for value in (*network.parameters(), *network.buffers()):
                if value.is_floating_point():
                    value.add_(torch.randn(value.shape, generator=generator))
        average.update(network)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * values(network)
    floats = np.concatenate(
        [np.full(v.numel(), v.is_floating_point()) for v in network.state_dict().values()]
    )
    assert np.allclose(values(average.network)[floats], expected[floats], atol=1e-3)
    for name in counted:
        assert torch.equal(average.network.state_dict()[name], network.state_dict()[name])


def test_the_averaged_networks_statistics_are_those_of_its_own_activations():
    one = learner(weight_averaging=0.97)
    for _ in range(8):
        one.epoch(TRAIN, CHECK)
    judged = build()
    judged.load_state_dict(one.state()["average"][1])
    found = {k: v.clone() for k, v in judged.state_dict().items() if "running" in k}
    for module in judged.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over batches
        elif isinstance(module, nn.Dropout2d):
            module.eval()
    judged.train()
    with torch.no_grad():
        for rows in torch.randperm(len(TRAIN)).split(32):
            judged(torch.from_numpy(TRAIN.examples.batch(rows.numpy())))
    for name, value in found.items():
        recomputed = judged.state_dict()[name]
        assert torch.allclose(value, recomputed, rtol=0.25, atol=0.05), name


def test_what_is_validated_and_kept_is_the_average():
    one = learner(weight_averaging=0.99)
    _, checked = one.epoch(TRAIN, CHECK)
    kept = build()
    kept.load_state_dict(one.best.weights)
    with torch.inference_mode():
        logits = logits_of(kept.eval(), CHECK.examples)
    weights = torch.from_numpy(COUNTS.sum() / (2 * COUNTS)).float()
    labels = torch.from_numpy(CHECK.labels)
    loss = nn.functional.cross_entropy(logits, labels, weight=weights)
    assert loss.item() == pytest.approx(checked, rel=1e-5)
    assert not np.array_equal(values(kept), np.concatenate(
        [v.double().numpy().ravel() for v in one.state()["network"].values()]
    ))  # fmt: skip


def test_validation_knows_no_smoothing_and_training_does():
    plain, smooth = learner(epochs=1), learner(epochs=1, label_smoothing=0.5)
    smooth.restore(plain.state() | {"random": CPU.random_state()})
    state = CPU.random_state()
    first = plain.epoch(windows(400, 1, strength=20), CHECK)
    CPU.restore_random_state(state)
    second = smooth.epoch(windows(400, 1, strength=20), CHECK)
    # Half of each label is spread over two classes: at least the entropy of (3/4, 1/4).
    assert second[0] > 0.562 > first[0]
    with torch.inference_mode():
        network = build()
        network.load_state_dict(smooth.best.weights)
        logits = logits_of(network.eval(), CHECK.examples)
    weights = torch.from_numpy(COUNTS.sum() / (2 * COUNTS)).float()
    labels = torch.from_numpy(CHECK.labels)
    loss = nn.functional.cross_entropy(logits, labels, weight=weights)
    assert second[1] == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize(("epochs", "patience"), [(3, 9), (40, 2)])
def test_it_is_done_when_epochs_or_patience_are(epochs, patience):
    one = learner(epochs=epochs, patience=patience)
    contrary = Windows(CHECK.examples, 1 - CHECK.labels)
    while not one.done:
        one.epoch(TRAIN, contrary)
    assert len(one.losses) == min(epochs, one.best.epoch + patience)


def test_a_state_is_gone_on_from_to_the_bit_also_by_a_learner_that_has_seen_other_things():
    changes = {"weight_averaging": 0.9, "mixup": 0.3, "channel_dropout": 0.2}
    first = learner(**changes)
    first.epoch(TRAIN, CHECK)
    file = io.BytesIO()
    torch.save(first.state(), file)
    expected = first.epoch(TRAIN, CHECK), first.epoch(TRAIN, CHECK)
    other = learner(**changes)
    other.epoch(CHECK, TRAIN)
    file.seek(0)
    other.restore(torch.load(file, weights_only=True))
    assert (other.epoch(TRAIN, CHECK), other.epoch(TRAIN, CHECK)) == expected
    assert other.losses == first.losses
    assert other.best.epoch == first.best.epoch
    for name, value in first.best.weights.items():
        assert torch.equal(value, other.best.weights[name])


@pytest.mark.parametrize("settings", [
    CnnSettings(), AttentionSettings(), GraphSettings(), ImageSettings(),
], ids=lambda settings: settings.kind)  # fmt: skip
@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_networks_learn_in_mixed_precision(settings, precision):
    device = Device(torch.device("cpu"), precision)
    one = learner(device, build_network(RECIPE, settings), epochs=4, learning_rate=5e-3)
    for _ in range(4):
        _, checked = one.epoch(TRAIN, CHECK)
    assert checked < 0.45  # chance is 0.69
    assert {value.dtype for value in one.best.weights.values()} <= {torch.float32, torch.int64}


def test_logits_do_not_depend_on_how_many_windows_are_asked_for_at_once():
    network, many = build().eval(), windows(2500, 3)
    with torch.inference_mode():
        whole = logits_of(network, many.examples)
        parts = [logits_of(network, many.examples[rows]) for rows in np.split(np.arange(2500), 50)]
    assert whole.shape == (2500, 2)
    assert torch.allclose(whole, torch.cat(parts), atol=1e-5)
