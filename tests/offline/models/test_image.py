from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.models.image import (
    ImageSettings,
    TopographicImage,
    azimuthal_equidistant,
    interpolation,
    topography,
)
from rtbci.configuration import validate
from rtbci.errors import ConfigError
from rtbci.montage.names import SEED_CHANNELS
from rtbci.montage.positions import electrode_positions
from rtbci.recipe import SEED_BANDS, Recipe
from tests.offline.models.networks import accuracy, check_contract, learn, random_maps, recipes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MUSE_LIKE = ("TP7", "AF3", "AF4", "TP8")
montages = st.lists(st.sampled_from(SEED_CHANNELS), min_size=1, max_size=20, unique=True)


@given(recipe=recipes(), size=st.integers(8, 20))
@settings(max_examples=8, deadline=None)
def test_gives_logits_for_any_recipe_and_the_same_when_scripted(recipe, size):
    check_contract(TopographicImage(recipe, ImageSettings(size=size)), recipe)


def test_the_projection_keeps_distances_from_the_vertex_and_directions():
    generator = np.random.default_rng(0)
    angle, azimuth = generator.uniform(0, 2, 50), generator.uniform(-np.pi, np.pi, 50)
    sphere = np.stack(
        [np.sin(angle) * np.cos(azimuth), np.sin(angle) * np.sin(azimuth), np.cos(angle)], axis=1
    )
    plane = azimuthal_equidistant(0.09 * sphere)
    np.testing.assert_allclose(np.hypot(*plane.T), angle)
    np.testing.assert_allclose(np.arctan2(plane[:, 1], plane[:, 0]), azimuth)
    np.testing.assert_allclose(azimuthal_equidistant(np.array([[0, 0, 0.1]])), 0)


def test_electrodes_lie_where_a_person_expects_them():
    names = ("FPZ", "OZ", "T7", "T8", "CZ", "F3", "F4")
    place = dict(zip(names, azimuthal_equidistant(electrode_positions(names)), strict=True))
    assert np.hypot(*place["CZ"]) < 0.1
    assert place["FPZ"][1] > 1.4
    assert place["OZ"][1] < -1.3
    assert place["T7"][0] < -1.4
    assert place["T8"][0] > 1.4
    np.testing.assert_allclose(place["F3"] * (-1, 1), place["F4"], atol=0.05)


@given(montage=montages, seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_interpolation_is_the_solution_of_its_equations(montage, seed):
    known = azimuthal_equidistant(electrode_positions(montage))
    generator = np.random.default_rng(seed)
    wanted, values = generator.uniform(-2, 2, (30, 2)), generator.standard_normal(len(known))

    def apart(points):
        return np.sqrt(((points[:, None] - known) ** 2).sum(-1))

    ones = np.ones((len(known), 1))
    system = np.block([[-apart(known), ones], [ones.T, np.zeros((1, 1))]])
    *slopes, level = np.linalg.solve(system, [*values, 0])
    expected = level - apart(wanted) @ np.array(slopes)
    np.testing.assert_allclose(interpolation(known, wanted) @ values, expected, atol=1e-8)
    np.testing.assert_allclose(interpolation(known, known) @ values, values, atol=1e-8)


@given(montage=montages, size=st.integers(8, 40))
@settings(max_examples=25, deadline=None)
def test_a_constant_stays_one_inside_the_head_and_outside_is_nought(montage, size):
    image = (topography(montage, size) @ np.full(len(montage), 3.0)).reshape(size, size)
    middle = (np.arange(size) + 0.5) / size - 0.5
    inside = np.hypot(*np.meshgrid(middle, middle)) <= 0.5
    np.testing.assert_allclose(image[inside], 3)
    assert (image[~inside] == 0).all()
    assert not inside[0, 0]


@pytest.mark.parametrize("montage", [SEED_CHANNELS, MUSE_LIKE])
def test_the_pixel_at_an_electrode_shows_its_value(montage):
    size = 64
    places = azimuthal_equidistant(electrode_positions(montage))
    radius = max(np.hypot(*places.T).max(), np.pi / 2)
    columns = ((places[:, 0] / radius + 1) / 2 * size).astype(int).clip(0, size - 1)
    rows = ((1 - places[:, 1] / radius) / 2 * size).astype(int).clip(0, size - 1)
    weights = topography(montage, size).reshape(size, size, -1)
    for number, name in enumerate(montage):
        own = weights[rows[number], columns[number]]
        if own.any():  # the pixel of one at the very rim may have its centre outside
            assert own.argmax() == number, name
            assert own[number] > 0.7, name
    outside = sum(not weights[row, column].any() for row, column in zip(rows, columns, strict=True))
    assert outside <= 2


def test_front_is_up_and_left_is_left():
    values = {"FPZ": (0, 8), "OZ": (15, 8), "T7": (8, 0), "T8": (8, 15)}
    names = (*values, "CZ")
    for number, name in enumerate(values):
        image = topography(names, 16)[:, number].reshape(16, 16)
        brightest = np.unravel_index(image.argmax(), image.shape)
        assert np.abs(np.subtract(brightest, values[name])).max() <= 1, name


def test_the_network_sees_the_interpolated_images():
    recipe = Recipe(channels=MUSE_LIKE, segments=2)
    maps = random_maps(recipe, 3)
    images = TopographicImage(recipe, ImageSettings(size=12)).images(maps).numpy()
    assert images.shape == (3, 2, 5, 12, 12)
    expected = np.einsum("jc,btpc->btpj", topography(MUSE_LIKE, 12), maps.numpy())
    np.testing.assert_allclose(images, expected.reshape(images.shape), atol=1e-5)


def hills(examples, seed):
    """Return maps with a hill of activity around one electrode: left or right, or in the middle."""
    recipe = Recipe(bands=SEED_BANDS[:1])
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (examples,), generator=generator)
    positions = electrode_positions(SEED_CHANNELS)
    apart = ((positions[:, None] - positions) ** 2).sum(-1)
    bumps = torch.from_numpy(np.exp(-apart / (2 * 0.03**2))).float()
    sides = (positions[:, 0] > 0.03) * 1 - (positions[:, 0] < -0.03) * 1
    centres = [torch.from_numpy(np.flatnonzero(sides == side)) for side in (-1, 0, 1)]
    drawn = [
        int(centres[label][torch.randint(0, len(centres[label]), (1,), generator=generator)])
        for label in labels.tolist()
    ]
    return (
        recipe,
        0.3 * random_maps(recipe, examples, seed) + 2 * bumps[drawn][:, None, None],
        labels,
    )


def test_learns_where_on_the_head_something_is():
    torch.manual_seed(0)
    recipe, maps, labels = hills(384, 1)
    network = learn(TopographicImage(recipe, ImageSettings()), maps, labels, epochs=6)
    assert accuracy(network, *hills(300, 2)[1:]) > 0.9


@pytest.mark.parametrize("size", [4, 1000])
def test_an_image_of_senseless_size_is_refused(size):
    with pytest.raises(ConfigError, match=f"size = {size}"):
        validate(ImageSettings, {"size": size}, source="net.yaml")
