from __future__ import annotations

import numpy as np
import pytest
import torch

from offline.device import CPU, Device, choose_device
from offline.examples import MapExamples
from rtbci.errors import ConfigError

needs_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA graphics card")
BFLOAT16 = Device(torch.device("cpu"), torch.bfloat16)


def card(monkeypatch: pytest.MonkeyPatch, present: bool, bfloat16: bool = True) -> None:
    """Have PyTorch say that there is a graphics card, or none."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")


@pytest.mark.parametrize(
    ("wanted", "present", "found"),
    [("auto", False, "cpu"), ("cpu", True, "cpu"), ("auto", True, "cuda:1"),
     ("cuda", True, "cuda:1")],
)  # fmt: skip
def test_the_card_is_taken_where_there_is_one_and_it_is_wanted(monkeypatch, wanted, present, found):
    card(monkeypatch, present)
    assert choose_device(wanted).place == torch.device(found)


@pytest.mark.parametrize(("native", "precision"), [(True, "bfloat16"), (False, "float16")])
def test_precision_is_mixed_on_the_card_alone(monkeypatch, native, precision):
    card(monkeypatch, True, native)
    assert choose_device("cuda").precision == getattr(torch, precision)
    assert choose_device("cpu").precision is None


def test_a_card_that_is_not_there_is_told_in_one_line(monkeypatch):
    card(monkeypatch, False)
    with pytest.raises(ConfigError, match="training.device = 'cuda': .* no CUDA graphics card"):
        choose_device("cuda")


@pytest.mark.parametrize("precision", [None, torch.bfloat16, torch.float16])
def test_products_are_in_the_devices_precision_and_weights_in_float32(precision):
    layer = torch.nn.Linear(3, 2)
    with Device(torch.device("cpu"), precision).autocast():
        assert layer(torch.ones(1, 3)).dtype == (precision or torch.float32)
    assert layer.weight.dtype == torch.float32


def test_gradients_are_scaled_in_float16_alone():
    scaled = [p for p in (None, torch.bfloat16, torch.float16)
              if Device(torch.device("cpu"), p).scaler().is_enabled()]  # fmt: skip
    assert scaled == [torch.float16]


def test_numbers_depend_on_place_and_precision():
    assert CPU.name == "cpu, torch.float32"
    assert BFLOAT16.name == "cpu, torch.bfloat16"


def test_random_numbers_go_on_from_a_state_and_those_outside_are_untouched():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with CPU.repeatable():
        torch.manual_seed(5)
        state = CPU.random_state()
        first = torch.rand(3)
        CPU.restore_random_state(state)
        assert torch.equal(torch.rand(3), first)
    assert torch.equal(torch.rand(2), expected)


def test_who_computes_on_the_processor_seeds_no_card(monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.cuda, "manual_seed", seeded.append)
    with CPU.repeatable():
        CPU.seed(7)
        first = torch.rand(3)
        torch.manual_seed(7)
        assert torch.equal(torch.rand(3), first)
        seeded.clear()
        CPU.seed(8)
    assert seeded == []


def test_examples_are_given_as_they_are():
    maps = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(np.float32)
    examples = MapExamples(maps, np.arange(5)[:, None])
    found = CPU.inputs(examples, torch.tensor([3, 1]))
    assert np.array_equal(found.numpy(), maps[[3, 1]][:, None])


@needs_card
def test_the_cards_own_random_numbers_go_on_from_a_state_too():
    device = choose_device("cuda")
    torch.cuda.manual_seed(1)
    expected = torch.rand(2, device=device.place)
    torch.cuda.manual_seed(1)
    with device.repeatable():
        torch.manual_seed(5)
        state = device.random_state()
        first = torch.rand(3, device=device.place)
        device.restore_random_state(state)
        assert torch.equal(torch.rand(3, device=device.place), first)
    assert torch.equal(torch.rand(2, device=device.place), expected)
