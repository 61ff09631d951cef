"""The signal path: samples in, maps of each band's differential entropy or power out.

Where the recipe asks for it, covariances and the signal itself come out beside them.

Live feeds it chunks as they come, offline feeds it whole recordings, and both get the same numbers,
bit for bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import ChannelError, RecipeError, UnitError
from rtbci.montage.interpolation import spline_weights
from rtbci.montage.names import canonical_name, match_channels
from rtbci.montage.units import microvolts_per
from rtbci.recipe import Recipe
from rtbci.signal.covariance import Covariances
from rtbci.signal.design import design_filters
from rtbci.signal.kernels import advance
from rtbci.signal.raw import SignalPoints
from rtbci.signal.state import Plan, Wiring, initial_state
from rtbci.signal.welch import Welch

_STEP = 128
"""Most samples between two looks at what is computed beside DE: they stay in the cache."""


@dataclass(frozen=True)
class Maps:
    """Features of the windows that one chunk completed.

    Attributes
    ----------
    values : array, shape (hops, planes, channels)
        For each of the recipe's features in order, each band's: DE = 1/2 ln(2 pi e sigma^2) of its
        signal in microvolts, nats, or PSD = ln of its power density in square microvolts per hertz.
    last : array of int, shape (hops,)
        Index, since the path was started, of the last sample that each map used.
    bad : array of bool, shape (hops, channels)
        Channels that are not to be believed: with samples in the window that were no numbers (the
        sample before stood in), or without any signal, every plane being at the floor.
    covariances : array, shape (hops, bands, channels, channels), or None
        Covariance of the channels in each band, square microvolts, symmetric, without a floor; None
        where the recipe does not ask for it.
    points : array of float32, shape (points, channels), or None
        The signal's points that the chunk completed, hop or not, microvolts
        (:class:`~rtbci.signal.raw.SignalPoints`); None where the recipe does not ask for them.
    first_point : array of int, shape (hops,), or None
        Index, since the path was started, of the first point of each map's window, whose points are
        the last that its samples completed. It is negative where there are not so many yet.
    """

    values: NDArray[np.float64]
    last: NDArray[np.int64]
    bad: NDArray[np.bool_]
    covariances: NDArray[np.float64] | None
    points: NDArray[np.float32] | None = None
    first_point: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.last)


class SignalPath:
    """The causal path from a stream's samples to maps.

    Parameters
    ----------
    recipe : Recipe
        What to compute.
    sfreq : float
        The stream's sampling rate, hertz. Filters are designed for it; nothing but the signal's
        points is resampled.
    channel_names : sequence of str
        The stream's channels, in the stream's order and spelling.
    unit : str or sequence of str
        The stream's unit, or one for each of its channels.
    bad : sequence of str
        Channels of the stream that are not to be used; they are interpolated.

    Attributes
    ----------
    window, hop : int
        Lengths in samples.
    settling : int
        Samples after the start until the filters have forgotten how they were started.
    interpolated : tuple of str
        Channels that are filled in from their neighbours.

    Raises
    ------
    ChannelError
        If more channels are missing than the recipe lets be interpolated.
    RecipeError
        If a band reaches the Nyquist frequency, a window is shorter than two samples or too short
        for a band's power density, covariances would take absurdly much memory, or the stream is
        slower than the signal that the network sees.
    UnitError
        If the unit of a channel that is needed is not a known voltage.
    """

    def __init__(
        self,
        recipe: Recipe,
        sfreq: float,
        channel_names: Sequence[str],
        unit: str | Sequence[str] = "uV",
        bad: Sequence[str] = (),
    ) -> None:
        if not (math.isfinite(sfreq) and sfreq > 0):
            raise RecipeError(f"a sampling rate of {sfreq:g} Hz cannot be filtered")
        self.recipe = recipe
        self.sfreq = float(sfreq)
        self.channel_names = tuple(channel_names)
        self.window = round(recipe.window_s * sfreq)
        self.hop = max(round(recipe.hop_s * sfreq), 1)
        if self.window < 2:
            raise RecipeError(f"a window of {recipe.window_s:g} s has no variance at {sfreq:g} Hz")
        filters = design_filters(recipe, self.sfreq)
        block = math.gcd(self.window, self.hop)
        # Who asks for neither DE nor covariance does not pay for the filter bank.
        bands = len(recipe.bands) if "de" in recipe.features or recipe.covariance else 0
        self._plan = Plan(
            gain=filters.gain[:bands],
            poles=filters.poles[:bands],
            notch=filters.notch,
            block=block,
            blocks=self.window // block,
            hop=self.hop,
            floor=recipe.variance_floor,
            de=_position(recipe, "de"),
        )
        self._shape = (len(recipe.features), len(recipe.bands), len(recipe.channels))
        self._psd = _position(recipe, "psd")
        self._wiring, self.interpolated = _wire_up(recipe, self.channel_names, unit, bad)
        self.reset()
        self.settling = max(filters.settling, self._points.settling if self._points else 0)
        self._silence = self._floors() + 1e-9

    def reset(self) -> None:
        """Forget all samples: the next one is the first."""
        recipe, (_, bands, channels) = self.recipe, self._shape
        self._welch = Welch(recipe, self.sfreq, self.window) if self._psd >= 0 else None
        self._covariances = (
            Covariances(bands, channels, self.window, self.hop) if recipe.covariance else None
        )
        self._points = SignalPoints(recipe, self.sfreq, _STEP) if recipe.signal else None
        self._state = initial_state(
            self._plan,
            channels,
            wired=_STEP if self._welch or self._points else 0,
            filtered=_STEP if self._covariances else 0,
        )

    @property
    def samples(self) -> int:
        """Samples pushed since the start."""
        return int(self._state.counters[0])

    def hops_in(self, n_samples: int) -> int:
        """Return how many maps the next ``n_samples`` samples will complete."""
        return self._hops_until(self.samples + n_samples) - self._hops_until(self.samples)

    def points_in(self, n_samples: int) -> int:
        """Return how many of the signal's points the next ``n_samples`` samples will complete."""
        if self._points is None:
            return 0
        return self._points.until(self.samples + n_samples) - self._points.until(self.samples)

    @property
    def until_next_map(self) -> int:
        """Samples that are missing for the next map."""
        count = self.samples
        if count < self.window:
            return self.window - count
        return self.hop - (count - self.window) % self.hop

    def push(self, chunk: NDArray[np.floating]) -> Maps:
        """Take the stream's next samples and return the maps that they complete.

        Parameters
        ----------
        chunk : array, shape (samples, stream channels)
            In the stream's unit. NaN, infinities and absurd values are allowed anywhere.

        Returns
        -------
        Maps
            As many maps as hops end within the chunk, often none.

        Raises
        ------
        ChannelError
            If the chunk has another number of channels than the stream.
        """
        if chunk.ndim != 2 or chunk.shape[1] != len(self.channel_names):
            raise ChannelError(
                f"a chunk of shape {chunk.shape} does not fit (samples, {len(self.channel_names)})"
            )
        dtype = np.float32 if chunk.dtype == np.float32 else np.float64
        samples: NDArray[np.floating] = np.ascontiguousarray(chunk, dtype)
        hops, (features, bands, channels) = self.hops_in(len(chunk)), self._shape
        maps = Maps(
            values=np.empty((hops, features * bands, channels)),
            last=np.empty(hops, np.int64),
            bad=np.empty((hops, channels), np.bool_),
            covariances=np.empty((hops, bands, channels, channels)) if self._covariances else None,
            points=(
                np.empty((self.points_in(len(chunk)), channels), np.float32)
                if self._points
                else None
            ),
            first_point=np.empty(hops, np.int64) if self._points else None,
        )
        if self._welch or self._covariances or self._points:
            self._push_in_steps(samples, maps)
        else:
            self._advance(samples, maps, slice(0, hops))
        np.logical_or(maps.bad, (maps.values <= self._silence).all(axis=1), out=maps.bad)
        return maps

    def _advance(self, samples: NDArray[np.floating], maps: Maps, hops: slice) -> None:
        advance(
            samples,
            self._wiring,
            self._plan,
            self._state,
            maps.values[hops].reshape(-1, *self._shape),
            maps.last[hops],
            maps.bad[hops],
        )

    def _push_in_steps(self, samples: NDArray[np.floating], maps: Maps) -> None:
        """Push samples and, as often as there is something to see, look between the stages."""
        bands, first, point = self._shape[1], 0, 0
        while len(samples):
            n = min(len(samples), _STEP)
            if self._welch:  # has to see the samples of each window at its end
                n = min(n, self.until_next_map)
            hops = slice(first, first + self.hops_in(n))
            points = slice(point, point + self.points_in(n))
            self._advance(samples[:n], maps, hops)
            if self._welch:
                self._welch.take(self._state.wired[:n])
                for values in maps.values[hops]:
                    self._welch.write(values[self._psd * bands : (self._psd + 1) * bands])
            if self._covariances and maps.covariances is not None:
                self._covariances.take(self._state.filtered, n, maps.covariances[hops])
            if self._points and maps.points is not None:
                self._points.take(self._state.wired[:n], maps.points[points])
            samples, first, point = samples[n:], hops.stop, points.stop
        if self._points and maps.first_point is not None:
            ends = [self._points.until(last + 1) for last in maps.last.tolist()]
            maps.first_point[:] = np.array(ends, np.int64) - self._points.window

    def warm_up(self) -> None:
        """Compile what :meth:`push` needs, without touching this path's state."""
        twin = copy.copy(self)
        for dtype in (np.float32, np.float64):
            twin.reset()
            twin.push(np.zeros((self.window + self.hop, len(self.channel_names)), dtype))

    def _floors(self) -> NDArray[np.float64]:
        """Return what each plane is at least, shape (planes, 1)."""
        floors = {"de": [_de(self.recipe.variance_floor)] * len(self.recipe.bands)}
        if self._welch:
            floors["psd"] = list(np.log(self._welch.floor))
        return np.concatenate([floors[kind] for kind in self.recipe.features])[:, None]

    def _hops_until(self, count: int) -> int:
        return 0 if count < self.window else (count - self.window) // self.hop + 1


def _de(variance: float) -> float:
    return 0.5 * math.log(2 * math.pi * math.e * variance)


def _position(recipe: Recipe, feature: str) -> int:
    return recipe.features.index(feature) if feature in recipe.features else -1


def _wire_up(
    recipe: Recipe, channel_names: Sequence[str], unit: str | Sequence[str], bad: Sequence[str]
) -> tuple[Wiring, tuple[str, ...]]:
    matched = match_channels(recipe.channels, channel_names, bad)
    missing = [k for k, source in enumerate(matched) if source is None]
    present = [k for k, source in enumerate(matched) if source is not None]
    names = [recipe.channels[k] for k in missing]
    if len(missing) > recipe.interpolate * len(recipe.channels):
        excluded = {canonical_name(name) for name in bad}
        said = "missing or bad" if excluded else "missing"
        raise ChannelError(
            f"{len(missing)} of the model's {len(recipe.channels)} channels are {said}: "
            f"{', '.join(names)}; at most {recipe.interpolate:.0%} can be interpolated"
        )
    weights = np.zeros((len(missing), len(matched)))
    if missing:
        weights[:, present] = spline_weights(names, [recipe.channels[k] for k in present])
    units = [unit] * len(channel_names) if isinstance(unit, str) else list(unit)
    if len(units) != len(channel_names):
        raise UnitError(f"{len(units)} units do not fit {len(channel_names)} channels")
    wiring = Wiring(
        pick=np.array([-1 if source is None else source for source in matched], np.int64),
        scale=np.array([1.0 if k is None else microvolts_per(units[k]) for k in matched]),
        missing=np.array(missing, np.int64),
        weights=weights,
        average=recipe.reference == "average",
    )
    return wiring, tuple(names)
