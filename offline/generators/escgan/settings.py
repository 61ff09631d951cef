"""What of ESC-GAN can be set, and switched off."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from offline.generators.adversarial import AdversarialSettings
from rtbci.configuration import Settings

Weight = Annotated[float, Field(ge=0)]


class LossWeights(Settings):
    """What each of the generator's losses counts; 0 switches it off.

    The paper has the first four, weighed 1, 1, 5 and 1. With these alone nothing leads a map to its
    target, and hardly any passes the filter; and where the classes are told apart well, a map
    that lies in doubt between them is none that could be real. So by default what a map was and
    whether it could be real count more, doubt counts less, and the target is a fifth loss.

    Attributes
    ----------
    reconstruction, adversarial, boundary, diversity, target : float
        See :mod:`offline.generators.escgan.losses`.
    """

    reconstruction: Weight = 10.0
    adversarial: Weight = 3.0
    boundary: Weight = 1.0
    diversity: Weight = 1.0
    target: Weight = 1.0


class EscGanSettings(AdversarialSettings):
    """How it learns, and what it keeps.

    Attributes
    ----------
    weights : LossWeights
        What each of the generator's losses counts.
    residual : bool
        Whether the generator makes what is added to a map. In the paper it makes the map anew, and
        what it cannot rebuild, the noise of a real one, gives it away.
    noise : float
        Standard deviation, in those of the maps, of the noise through which the discriminator sees
        maps while both learn (Sønderby et al. 2017, arXiv 1610.04490). The paper has none; without,
        it learns a few hundred maps by heart, and finds those of people it does not know as little
        real as edited ones.
    even : bool
        Whether the discriminator weighs maps by class, so that of each class the real and the
        edited ones count as much, and to its class head all classes do. The paper has no such
        weights; then most of what looks like a rare class is edited, and next to nothing that is
        edited to it passes.
    filter : bool
        Whether an edited map is kept only if the discriminator finds it real and of its class.
    choose_by_counts : bool
        Whether targets and references are chosen by how many maps each class has; if not, all
        classes are as likely.
    references : int
        The most maps of each class that are kept to be edited when maps are asked for.
    """

    kind: Literal["esc-gan"] = "esc-gan"
    # After fewer batches, edits of a few hundred maps have little of their class's pattern.
    least_steps: Annotated[int, Field(ge=1)] = 1600
    batch_size: Annotated[int, Field(ge=2)] = 32
    weights: LossWeights = LossWeights()
    residual: bool = True
    noise: Annotated[float, Field(ge=0)] = 1.0
    even: bool = True
    filter: bool = True
    choose_by_counts: bool = True
    references: Annotated[int, Field(ge=1)] = 256
