"""The generators by kind: their settings in YAML, and how they are built.

One of your own is one more module here, its settings in ``GeneratorSettings`` and one more entry of
``GENERATORS``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from offline.generators.average import Average, AverageSettings
from offline.generators.dcgan import Dcgan, DcganSettings
from offline.generators.escgan.generator import EscGan
from offline.generators.escgan.settings import EscGanSettings
from offline.generators.gaussian import Gaussian, GaussianSettings
from offline.generators.generator import Generator
from offline.generators.mixing import Mixup, MixupSettings
from offline.generators.neighbours import Adasyn, AdasynSettings, Smote, SmoteSettings
from offline.generators.signal_gan.generator import SignalGAN
from offline.generators.signal_gan.settings import SignalGANSettings
from offline.generators.wgan import WganGp, WganSettings
from rtbci.recipe import Recipe

GeneratorSettings = Annotated[
    GaussianSettings
    | AverageSettings
    | MixupSettings
    | SmoteSettings
    | AdasynSettings
    | AutoregressiveSettings
    | WganSettings
    | DcganSettings
    | EscGanSettings
    | SignalGANSettings,
    Field(discriminator="kind"),
]
"""Kind of a generator, and its settings."""

GENERATORS: dict[str, type[Generator[Any]]] = {
    each.kind: each
    for each in (
        Gaussian,
        Average,
        Mixup,
        Smote,
        Adasyn,
        WganGp,
        Dcgan,
        EscGan,
        Autoregressive,
        SignalGAN,
    )
}


def build_generator(
    recipe: Recipe, settings: GeneratorSettings, sfreq: float = 200.0
) -> Generator[Any]:
    """Return an untrained generator of the kind that its settings name."""
    return GENERATORS[settings.kind](recipe, settings, sfreq)
