from __future__ import annotations

import pytest
import torch

from offline.models.cnn import Cnn, CnnSettings, parameter_count
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.montage.grids import GRID_NAMES, Grid


@pytest.mark.parametrize("layout", GRID_NAMES)
@pytest.mark.parametrize(("bands", "classes"), [(5, 3), (1, 2)])
def test_gives_a_logit_for_each_class_on_every_grid(layout, bands, classes):
    shape = Grid.of(layout, ["CZ"]).shape
    network = Cnn(bands, *shape, classes, CnnSettings()).eval()
    pictures = torch.randn(7, bands, *shape)
    with torch.inference_mode():
        logits = network(pictures)
        assert logits.shape == (7, classes)
        assert torch.allclose(network(pictures[:1]), logits[:1], atol=1e-5)


@pytest.mark.parametrize("layout", GRID_NAMES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_can_be_scripted_and_computes_the_same(layout):
    shape = Grid.of(layout, ["CZ"]).shape
    network = Cnn(5, *shape, 3, CnnSettings()).eval()
    pictures = torch.randn(4, 5, *shape)
    with torch.inference_mode():
        assert torch.equal(torch.jit.script(network)(pictures), network(pictures))


def test_sees_every_cell_of_the_picture():
    network = Cnn(5, 9, 9, 3, CnnSettings()).eval()
    pictures = torch.zeros(1, 5, 9, 9, requires_grad=True)
    network(pictures + torch.randn(1, 5, 9, 9)).square().sum().backward()
    assert (pictures.grad.abs().amax(dim=(0, 1)) > 0).sum() >= 70  # max pooling passes some by


def test_widths_set_the_size():
    small = Cnn(5, 9, 9, 3, CnnSettings(widths=(4, 4, 4), hidden=8))
    assert parameter_count(small) < parameter_count(Cnn(5, 9, 9, 3, CnnSettings())) / 10


def test_a_width_of_nought_is_refused():
    with pytest.raises(ConfigError, match=r"widths.1 = 0: .*greater than or equal to 1"):
        validate(CnnSettings, {"widths": [8, 0, 8]}, source="model.yaml")
