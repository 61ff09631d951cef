"""The recipe: everything that fixes how samples become a probability, in one frozen value.

The recipe travels inside the model file. Live takes it from there and from nowhere else, so that a
network cannot meet features that it was not trained on.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from rtbci.configuration import Settings
from rtbci.errors import RtbciError
from rtbci.montage.grids import GRID_NAMES, Grid
from rtbci.montage.names import SEED_CHANNELS, canonical_name

EMOTIONS: tuple[str, ...] = ("negative", "neutral", "positive")
"""The class order everywhere; a model with other classes carries its own names."""


class Band(Settings):
    """A frequency band in hertz."""

    name: Annotated[str, Field(min_length=1)]
    low: Annotated[float, Field(gt=0)]
    high: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high <= self.low:
            raise ValueError(
                f"band {self.name} ends at {self.high:g} Hz, not above its {self.low:g}"
            )
        return self


SEED_BANDS: tuple[Band, ...] = (
    Band(name="delta", low=1, high=4),
    Band(name="theta", low=4, high=8),
    Band(name="alpha", low=8, high=14),
    Band(name="beta", low=14, high=31),
    Band(name="gamma", low=31, high=50),
)


Feature = Literal["de", "psd"]
"""What a map can hold of each band: differential entropy, or power density."""


class Normalisation(Settings):
    """How maps are brought to zero mean and unit variance.

    ``training`` uses the training set's mean and standard deviation per band and channel, for ever.
    ``adaptive`` starts from them and follows the wearer: an exponentially weighted causal update
    with the time constant ``time_constant_s``.
    """

    kind: Literal["training", "adaptive"] = "adaptive"
    time_constant_s: Annotated[float, Field(gt=0)] = 100.0


class Exponential(Settings):
    """Smoothing of log-probabilities by an exponential filter with this time constant, seconds."""

    kind: Literal["exponential"]
    time_constant_s: Annotated[float, Field(gt=0)] = 2.0


class HiddenMarkov(Settings):
    """Smoothing by the forward pass of a hidden Markov model.

    A state lasts ``dwell_s`` seconds on average before it gives way to any other.
    """

    kind: Literal["hmm"]
    dwell_s: Annotated[float, Field(gt=0)] = 30.0


Smoothing = Annotated[Exponential | HiddenMarkov, Field(discriminator="kind")]
"""How predictions are smoothed, looking back only."""


class RawSignal(Settings):
    """The signal itself, for networks that look at samples: what frequencies, at what rate.

    Attributes
    ----------
    sfreq : float
        Rate that the network sees, hertz, whatever the stream's is.
    low, high : float
        Edges of the causal band-pass, hertz.
    """

    sfreq: Annotated[float, Field(gt=0, le=1000)] = 128.0
    low: Annotated[float, Field(gt=0)] = 1.0
    high: Annotated[float, Field(gt=0)] = 45.0

    @model_validator(mode="after")
    def _below_nyquist(self) -> Self:
        if not self.low < self.high < self.sfreq / 2:
            raise ValueError(
                f"its band is {self.low:g}-{self.high:g} Hz; low has to be below high, and high "
                f"below half of its sfreq, {self.sfreq / 2:g} Hz"
            )
        return self


class Calibration(Settings):
    """A block with which each wearer begins, and that everything is then relative to.

    Attributes
    ----------
    classes : tuple of str
        What the wearer does in it: one state, as rest, or several for equally long.
    seconds : float
        How long it lasts in all.
    prototypes : bool
        Whether the classes' places in the network's output are the wearer's own as well; needs a
        block of all classes.
    """

    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    prototypes: bool = False

    @property
    def class_s(self) -> float:
        """Seconds of each class."""
        return self.seconds / len(self.classes)

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_twins(classes, "class")
        return classes


class Recipe(Settings):
    """What turns samples into a probability.

    Attributes
    ----------
    classes : tuple of str
        Class names; the network's outputs are in this order.
    channels : tuple of str
        Electrodes in the network's order, in their one spelling (``FP1``, ``T7``, ...).
    bands : tuple of Band
        Bands in the network's order.
    filter_order : int
        Order of each Butterworth band-pass, as :func:`scipy.signal.butter` counts it.
    window_s, hop_s : float
        Window and the distance from one window to the next, seconds.
    reference : {"none", "average"}
        Whether the mean of all channels is subtracted from each.
    notch_hz : float or None
        Mains frequency to be removed (with its harmonics), hertz.
    variance_floor : float
        The least variance of a band, square microvolts; a flat channel has this one.
    interpolate : float
        The largest share of channels that may be interpolated from their neighbours.
    grid : str
        Layout of the pictures that the network sees.
    normalisation : Normalisation
        How maps are standardised.
    smoothing : Exponential, HiddenMarkov or None
        Causal filter of log-probabilities. It delays a change of mind.
    features : tuple of {"de", "psd"}
        What a map holds of each band, one plane for each: differential entropy of the band-filtered
        signal, or the logarithm of Welch's power density (:class:`~rtbci.signal.welch.Welch`).
    covariance : bool
        Whether the channels' covariance in each band is computed beside the maps
        (:class:`~rtbci.signal.covariance.Covariances`), for models that look at it.
    signal : RawSignal or None
        Whether the window's samples are kept beside the maps, for models that look at them.
    segments : int
        How many maps a network sees at once, the newest last.
    segment_s : float
        Distance from one of these to the next, seconds; a whole number of hops.
    shrinkage : float
        Share of each covariance matrix that is replaced by its mean variance times the identity
        before a model sees it. Below 0.001 a slow band's matrices, which have far less than full
        rank, would be too nearly singular to have a mean.
    calibration : Calibration or None
        The block that each wearer begins with.
    """

    classes: Annotated[tuple[str, ...], Field(min_length=2)] = EMOTIONS
    channels: Annotated[tuple[str, ...], Field(min_length=1)] = SEED_CHANNELS
    bands: Annotated[tuple[Band, ...], Field(min_length=1)] = SEED_BANDS
    filter_order: Annotated[int, Field(ge=1, le=8)] = 3
    window_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    hop_s: Annotated[float, Field(gt=0, le=60)] = 0.1
    reference: Literal["none", "average"] = "none"
    notch_hz: Annotated[float, Field(gt=0)] | None = None
    variance_floor: Annotated[float, Field(gt=0)] = 1e-6
    interpolate: Annotated[float, Field(ge=0, lt=1)] = 0.2
    grid: str = "9x9"
    normalisation: Normalisation = Normalisation()
    smoothing: Smoothing | None = None
    features: Annotated[tuple[Feature, ...], Field(min_length=1)] = ("de",)
    covariance: bool = False
    signal: RawSignal | None = None
    segments: Annotated[int, Field(ge=1, le=64)] = 1
    segment_s: Annotated[float, Field(gt=0, le=60)] = 0.5
    shrinkage: Annotated[float, Field(ge=0.001, le=1)] = 0.1
    calibration: Calibration | None = None

    @field_validator("channels")
    @classmethod
    def _one_spelling(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(canonical_name(name) for name in channels)
        _refuse_twins(names, "channel")
        return names

    @field_validator("classes")
    @classmethod
    def _distinct_classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        _refuse_twins(classes, "class")
        return classes

    @field_validator("bands")
    @classmethod
    def _distinct_bands(cls, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        _refuse_twins(tuple(band.name for band in bands), "band")
        return bands

    @field_validator("features")
    @classmethod
    def _distinct_features(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        _refuse_twins(features, "feature")
        return features

    @field_validator("grid")
    @classmethod
    def _known_grid(cls, grid: str) -> str:
        if grid not in GRID_NAMES:
            raise ValueError(f"there are the grids {', '.join(GRID_NAMES)}")
        return grid

    @model_validator(mode="after")
    def _channels_on_grid(self) -> Self:
        try:
            Grid.of(self.grid, self.channels)
        except RtbciError as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _segments_on_hops(self) -> Self:
        hops = self.segment_s / self.hop_s
        if self.segments > 1 and (round(hops) < 1 or abs(hops - round(hops)) > 1e-6):
            raise ValueError(
                f"segment_s is {self.segment_s:g} s, no whole number of hops of {self.hop_s:g} s"
            )
        return self

    @model_validator(mode="after")
    def _calibration_of_known_classes(self) -> Self:
        block = self.calibration
        if block is not None and block.class_s < self.window_s:
            raise ValueError(
                f"calibration.seconds = {block.seconds:g} leaves less than one window of "
                f"{self.window_s:g} s for each class"
            )
        if block is None or "classes" not in self.model_fields_set:  # the data set will name them
            return self
        unknown = [name for name in block.classes if name not in self.classes]
        if unknown:
            raise ValueError(
                f"calibration.classes names {', '.join(unknown)}; "
                f"the classes are {', '.join(self.classes)}"
            )
        if block.prototypes and set(block.classes) != set(self.classes):
            raise ValueError("calibration.prototypes needs a block of all classes")
        return self

    @property
    def segment_hops(self) -> int:
        """Hops from one of a network's maps to the next."""
        return max(round(self.segment_s / self.hop_s), 1)

    @property
    def history_hops(self) -> int:
        """Hops from the oldest map that a network sees to the newest."""
        return (self.segments - 1) * self.segment_hops

    @property
    def map_shape(self) -> tuple[int, int]:
        """Shape of a map: (planes, channels)."""
        return len(self.features) * len(self.bands), len(self.channels)

    @property
    def stacked_shape(self) -> tuple[int, int]:
        """Shape of all maps that a network sees at once, as one with so many more planes."""
        planes, channels = self.map_shape
        return self.segments * planes, channels

    @property
    def planes(self) -> tuple[str, ...]:
        """Names of a map's planes in order: all bands of the first feature, then of the next."""
        return tuple(f"{band.name} {kind.upper()}" for kind in self.features for band in self.bands)


def _refuse_twins(names: tuple[str, ...], what: str) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"{what} {', '.join(twins)} is named twice")
