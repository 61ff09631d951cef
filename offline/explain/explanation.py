"""What a recogniser looked at, as a plain value, and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from offline.recognisers.inputs import Needs
from rtbci.recipe import Recipe


@dataclass(frozen=True)
class Explanation:
    """What one fitted recogniser looked at in windows that it was not trained on.

    A class that has no such windows, or that the recogniser does not know, is NaN.

    Attributes
    ----------
    attributions : array, shape (classes, planes, channels)
        Evidence for the true class in each plane of the maps and each electrode, nats: mean over
        the class's windows. The signal counts as one plane; there are none where a recogniser has
        no gradients.
    over_segments : array, shape (classes, segments)
        The same, summed over planes and electrodes, by the map that it is in, the newest last;
        none where there are no attributions.
    electrode_nats : array, shape (classes, channels)
        What the true class's log-probability loses without an electrode: mean over the class's
        windows. Below zero the electrode misleads.
    band_nats : array, shape (classes, bands)
        The same without a band.
    electrode_accuracy : array, shape (channels,)
        What balanced accuracy loses without an electrode.
    band_accuracy : array, shape (bands,)
        The same without a band.
    """

    attributions: NDArray[np.float64]
    over_segments: NDArray[np.float64]
    electrode_nats: NDArray[np.float64]
    band_nats: NDArray[np.float64]
    electrode_accuracy: NDArray[np.float64]
    band_accuracy: NDArray[np.float64]


@dataclass(frozen=True)
class Explained:
    """What one recogniser looked at, over its fits.

    Attributes
    ----------
    mean : Explanation
        Over fits, each counting alike; those in which a number is NaN are left out of it.
    sd : Explanation
        Sample standard deviation over fits; 0 for one.
    fits : int
        How many there are: one for each fold and seed.
    channels, bands : tuple of str
        Names of the electrodes and bands.
    planes : tuple of str
        Names of the attributions' planes.
    segment_s : tuple of float
        How long before the newest map the attributions' segments end, seconds.
    """

    mean: Explanation
    sd: Explanation
    fits: int
    channels: tuple[str, ...]
    bands: tuple[str, ...]
    planes: tuple[str, ...]
    segment_s: tuple[float, ...]


def over_fits(parts: Sequence[Explanation], needs: Needs, recipe: Recipe) -> Explained:
    """Average the explanations of one recogniser's fits.

    Parameters
    ----------
    parts : sequence of Explanation
        One a fit, at least one.
    needs : {"maps", "covariances", "segments", "signal"}
        What the recogniser looks at.
    recipe : Recipe
        Names of channels and bands.
    """
    mean, sd = {}, {}
    for each in fields(Explanation):
        stacked = np.ma.masked_invalid([getattr(part, each.name) for part in parts])
        mean[each.name] = stacked.mean(axis=0).filled(np.nan)
        squares = ((stacked - mean[each.name]) ** 2).sum(axis=0).filled(np.nan)
        sd[each.name] = np.sqrt(squares / np.maximum(stacked.count(axis=0) - 1, 1))
    planes = ("signal",) if needs == "signal" else recipe.planes
    segments = mean["over_segments"].shape[1]
    distance = recipe.segment_hops * recipe.hop_s
    return Explained(
        mean=Explanation(**mean),
        sd=Explanation(**sd),
        fits=len(parts),
        channels=recipe.channels,
        bands=tuple(band.name for band in recipe.bands),
        planes=planes[: mean["attributions"].shape[1]],
        segment_s=tuple(round(k * distance, 6) for k in range(segments - 1, -1, -1)),
    )
