from __future__ import annotations

import pytest
import torch

from offline.models.cnn import Cnn, CnnSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.montage.grids import GRID_NAMES
from rtbci.recipe import SEED_BANDS, Recipe
from tests.offline.models.networks import size


@pytest.mark.parametrize("grid", GRID_NAMES)
@pytest.mark.parametrize(
    ("bands", "segments", "classes"), [(5, 1, ("a", "b", "c")), (1, 4, ("a", "b"))]
)
def test_gives_a_logit_for_each_class_on_every_grid(grid, bands, segments, classes):
    recipe = Recipe(grid=grid, bands=SEED_BANDS[:bands], segments=segments, classes=classes)
    network = Cnn(recipe, CnnSettings()).eval()
    maps = torch.randn(7, segments, bands, 62)
    with torch.inference_mode():
        logits = network(maps)
        assert logits.shape == (7, len(classes))
        assert torch.allclose(network(maps[:1]), logits[:1], atol=1e-5)


@pytest.mark.parametrize("grid", GRID_NAMES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_can_be_scripted_and_computes_the_same(grid):
    network = Cnn(Recipe(grid=grid, segments=2), CnnSettings()).eval()
    maps = torch.randn(4, 2, 5, 62)
    with torch.inference_mode():
        assert torch.equal(torch.jit.script(network)(maps), network(maps))


def test_sees_every_electrode_of_every_map():
    network = Cnn(Recipe(segments=2), CnnSettings()).eval()
    maps = torch.randn(16, 2, 5, 62, requires_grad=True)
    network(maps).square().sum().backward()
    assert (maps.grad.abs().amax(dim=(0, 2)) > 0).all()  # one that pooling passes by now and then


def test_widths_set_the_size():
    small = Cnn(Recipe(), CnnSettings(widths=(4, 4, 4), hidden=8))
    assert size(small) < size(Cnn(Recipe(), CnnSettings())) / 10


def test_a_width_of_nought_is_refused():
    with pytest.raises(ConfigError, match=r"widths.1 = 0: .*greater than or equal to 1"):
        validate(CnnSettings, {"widths": [8, 0, 8]}, source="model.yaml")
