"""The two networks of ESC-GAN."""

from __future__ import annotations

from torch import Tensor, nn

from offline.generators.pictures import SLOPE, OffGrid, decoder, encoded_shape, encoder
from offline.models.layers import OnGrid
from rtbci.recipe import Recipe


class Editor(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    r"""The generator: edits maps to a class.

    .. math:: G(x, t) = r x + M \odot \mathrm{dec}(\mathrm{enc}(x) \odot e_t)

    where :math:`e_t` is the class's embedding, as large as the code, and :math:`M` the head's mask
    of the montage. An embedding begins close to one: at first all classes are alike. :math:`r` is
    1, and what is learned is the change, or, as in the paper, 0.

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, grid and classes.
    width : int
        Feature maps of the first layer.
    residual : bool
        Whether r is 1.
    """

    def __init__(self, recipe: Recipe, width: int, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        planes = recipe.stacked_shape[0]
        self.on_grid = OnGrid(recipe)
        rows, columns = self.on_grid.rows, self.on_grid.columns
        self.encoder = encoder(planes, width)
        self.code = encoded_shape(rows, columns, width)
        self.embedding = nn.Embedding(
            len(recipe.classes), self.code[0] * self.code[1] * self.code[2]
        )
        nn.init.normal_(self.embedding.weight, 1.0, 0.02)
        self.decoder = decoder(planes, rows, columns, width, SLOPE)
        self.off_grid = OffGrid(recipe)

    def forward(self, maps: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return edited maps (batch, planes, channels), and codes of what they were before."""
        codes = self.encoder(self.on_grid(maps))
        towards = self.embedding(targets).unflatten(1, self.code)
        made = self.off_grid(self.decoder(codes * towards))
        return (maps + made if self.residual else made), codes


class Discriminator(nn.Module):  # type: ignore[misc]  # mypy does not read torch, for speed
    """Tells real maps from edited ones, and classes from each other: one encoder, two heads.

    Parameters
    ----------
    recipe : Recipe
        Shape of the maps, grid and classes.
    width : int
        Feature maps of the first layer.
    """

    def __init__(self, recipe: Recipe, width: int) -> None:
        super().__init__()
        self.on_grid = OnGrid(recipe)
        self.encoder = encoder(recipe.stacked_shape[0], width)
        maps, rows, columns = encoded_shape(self.on_grid.rows, self.on_grid.columns, width)
        self.real = nn.Linear(maps * rows * columns, 1)
        self.classes = nn.Linear(maps * rows * columns, len(recipe.classes))

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of being real (batch,), and of the classes (batch, classes)."""
        features = self.encoder(self.on_grid(maps)).flatten(1)
        return self.real(features)[:, 0], self.classes(features)
