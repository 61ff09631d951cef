"""Feature maps that a data set ships instead of samples."""

from __future__ import annotations

import numpy as np

from offline.datasets.recording import Recording
from offline.features.extract import Features, labelled
from rtbci.errors import ChannelError, RecipeError, RecordingError
from rtbci.montage.names import match_channels
from rtbci.recipe import Recipe


def shipped_features(recording: Recording, recipe: Recipe) -> Features:
    """Return a data set's own maps as features, a window being their unit of time.

    No signal path made them, and some look at later samples; whoever reports results on them says
    so. They are not cached: they are a file already.

    Parameters
    ----------
    recording : Recording
        One that has ``shipped``; its trials count windows.
    recipe : Recipe
        Says which planes and channels are expected, in which order.

    Raises
    ------
    RecordingError
        If the file cannot be read, or holds other planes or numbers that are none.
    ChannelError
        If a channel of the recipe is missing.
    RecipeError
        If the recipe asks for the signal.
    """
    if recording.shipped is None:
        raise RecordingError(f"{recording.name}: has no features of its own")
    if recipe.signal is not None:
        raise RecipeError(
            f"{recording.name}: ships features instead of samples, and recipe.signal asks for the "
            "signal; leave the key out, or take a model that looks at maps"
        )
    maps = np.asarray(recording.shipped(), np.float64)
    expected = (recording.n_samples, len(recipe.planes), len(recording.channels))
    if maps.shape != expected:
        shapes = (" x ".join(map(str, shape)) for shape in (maps.shape, expected))
        raise RecordingError(
            "{}: its features are {}; windows x planes x channels are {} by its own account and "
            "the recipe's planes {}".format(recording.name, *shapes, ", ".join(recipe.planes))
        )
    if not len(maps):
        raise RecordingError(f"{recording.name}: holds no windows")
    if not np.isfinite(maps).all():
        raise RecordingError(f"{recording.name}: its features hold values that are no numbers")
    matched = match_channels(recipe.channels, recording.channels)
    picks = [source for source in matched if source is not None]
    if len(picks) < len(matched):
        missing = [n for n, source in zip(recipe.channels, matched, strict=True) if source is None]
        raise ChannelError(
            f"{recording.name}: its features lack the channel {', '.join(missing)}; features "
            "cannot be interpolated"
        )
    return labelled(
        maps=maps[:, :, picks],
        bad=np.zeros((len(maps), len(picks)), np.bool_),
        last=np.arange(len(maps)),
        window=1,
        settling=0,
        covariances=None,
        trials=recording.trials,
    )
