"""What the cortex contributes: 1/f background and rhythms, the rhythms once for each emotion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replay.simulator.head import REGIONS, Head
from replay.simulator.person import BANDS, Person
from replay.simulator.shapes import ShapedNoise, Wander, band_noise, power_law_noise

_WARM_UP_S = 5.0  # the slowest filter has settled
_ALPHA_HALF_WIDTH_HZ = 1.3


class Brain:
    """Cortical sources of one person, seen by some electrodes.

    Parameters
    ----------
    head : Head
        Sources and lead field.
    rows : array of int
        The electrodes, rows of the head's lead field.
    person : Person
        Amplitudes and effects.
    sfreq : float
        Sampling rate, hertz.
    block : int
        Samples in a block.
    rng : Generator
        Its own stream of random numbers; it does not depend on the electrodes.
    """

    def __init__(
        self,
        head: Head,
        rows: NDArray[np.intp],
        person: Person,
        sfreq: float,
        block: int,
        rng: np.random.Generator,
    ) -> None:
        n_sources = len(head.sources)
        regions = head.source_regions()
        lead_field = _oriented(head, person)[rows]
        self._sfreq, self._block, self._rng = sfreq, block, rng
        self._regions = regions
        self._rhythms = _rhythms(person, n_sources, sfreq)
        self._background = power_law_noise(person.background_slope, n_sources, sfreq)
        self._background_weights = person.background_uv * lead_field
        # (emotions, electrodes, bands, sources), flattened so that one product mixes all.
        amplitude = (person.amplitude * person.gain)[:, :, regions]
        weights = amplitude[:, None] * lead_field[None, :, None, :]
        self._n_emotions, self._n_channels = weights.shape[:2]
        self._rhythm_weights = weights.reshape(self._n_emotions * self._n_channels, -1)
        shape = (len(BANDS), len(REGIONS))
        self._wander = (
            Wander(shape, 4.0, 0.15, rng),
            Wander(shape, 40.0, 0.14, rng),
            Wander((len(BANDS), 1), 90.0, 0.08, rng),
        )
        for _ in range(int(np.ceil(_WARM_UP_S * sfreq / block))):
            self._sources()

    def next_block(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the next block of both parts, microvolts.

        Returns
        -------
        background : array, shape (channels, samples)
            What is there in any emotion.
        rhythms : array, shape (emotions, channels, samples)
            What each emotion would add.
        """
        background, rhythms = self._sources()
        mixed = self._rhythm_weights @ rhythms
        return (
            self._background_weights @ background,
            mixed.reshape(self._n_emotions, self._n_channels, -1),
        )

    def _sources(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        background = self._background.block(self._rng, self._block)
        rhythms = np.stack([noise.block(self._rng, self._block) for noise in self._rhythms])
        level = sum(wander.block(self._rng, self._block, self._sfreq) for wander in self._wander)
        rhythms *= np.exp(level)[:, self._regions]
        return background, rhythms.reshape(-1, self._block)


def _oriented(head: Head, person: Person) -> NDArray[np.float64]:
    """Return the lead field of the person's dipoles, shape (electrodes, sources).

    It is scaled so that independent sources of unit variance make a mean variance of 1 over all
    electrodes: amplitudes then are microvolts on the scalp.
    """
    outwards = head.sources / np.linalg.norm(head.sources, axis=1, keepdims=True)
    leaning = outwards + person.tilt
    leaning /= np.linalg.norm(leaning, axis=1, keepdims=True)
    oriented = np.einsum("esx,sx->es", head.lead_field, leaning)
    scale = np.sqrt(np.mean(np.sum(oriented**2, axis=1)))
    return np.asarray(oriented / scale)


def _rhythms(person: Person, n_sources: int, sfreq: float) -> tuple[ShapedNoise, ...]:
    limits = {
        "delta": (1.0, 4.0),
        "theta": (4.0, 8.0),
        "alpha": (person.alpha_hz - _ALPHA_HALF_WIDTH_HZ, person.alpha_hz + _ALPHA_HALF_WIDTH_HZ),
        "beta": (14.0, 30.0),
        "gamma": (31.0, 60.0),
    }
    return tuple(band_noise(*limits[band], n_sources, sfreq) for band in BANDS)
