"""The simulated headset: endless EEG whose emotion the caller chooses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from replay.simulator.artefacts import Blinks, Electrodes, Muscles
from replay.simulator.brain import Brain
from replay.simulator.head import load_head
from replay.simulator.person import draw_person
from rtbci.errors import ChannelError, ReplayError
from rtbci.montage.names import canonical_name
from rtbci.montage.positions import electrode_positions
from rtbci.recipe import EMOTIONS

LOWEST_SFREQ = 100.0
"""Hertz; below it there is no room for the gamma band."""

_BLOCK_S = 1.0  # samples are made in blocks, so that they do not depend on how they are asked for
_MOOD_TIME_CONSTANT_S = 0.2


class Simulator:
    """Endless EEG of one simulated person in one session.

    The signal is the same for the same arguments, bit for bit, however many samples are asked for
    at a time; the brain is the same for any montage. Potentials are against infinity and include
    the electrodes' offsets of up to a few millivolts.

    Parameters
    ----------
    sfreq : float
        Sampling rate, hertz, at least ``LOWEST_SFREQ``.
    channels : sequence of str
        Electrodes of the 10-5 system, CB1 or CB2, in any spelling.
    seed : int
        The population: people and sessions differ between seeds.
    subject, session : int
        Who and when.

    Attributes
    ----------
    sfreq : float
        Sampling rate, hertz.
    channels : tuple of str
        The electrodes as they were named.
    emotions : tuple of str
        Names of the labels that :meth:`next` takes, in their order.

    Raises
    ------
    ReplayError
        If the sampling rate is too low or the seed, the subject or the session negative.
    ChannelError
        If a channel is no known electrode, or is named twice.
    """

    def __init__(
        self,
        sfreq: float,
        channels: Sequence[str],
        seed: int = 0,
        *,
        subject: int = 0,
        session: int = 0,
    ) -> None:
        _check_numbers(sfreq, seed=seed, subject=subject, session=session)
        names = _check_channels(channels)
        self.sfreq = float(sfreq)
        self.channels = tuple(channels)
        self.emotions = EMOTIONS
        head = load_head()
        rows = head.rows(names)
        person = draw_person(seed, subject, session, len(head.sources))
        day, cortex, eyes, muscles, noise = (
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, subject, session, k)))
            for k in range(5)
        )
        self._block = round(_BLOCK_S * self.sfreq)
        self._brain = Brain(head, rows, person, self.sfreq, self._block, cortex)
        self._electrodes = Electrodes(len(head.electrodes), rows, self.sfreq, day, noise)
        self._artefacts = (
            Blinks(head, rows, self.sfreq, eyes),
            Muscles(head, rows, self.sfreq, muscles),
        )
        self._mood = _Mood(len(EMOTIONS), self.sfreq)
        self._made: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._used = 0

    def next(self, n_samples: int, label: int) -> NDArray[np.float32]:
        """Return the next samples.

        Parameters
        ----------
        n_samples : int
            How many.
        label : int
            The emotion, an index into ``emotions``. After a change the rhythms' amplitudes pass
            to the new emotion's without a step, most of the way in about 0.7 s.

        Returns
        -------
        array, shape (samples, channels)
            Microvolts.

        Raises
        ------
        ReplayError
            If ``n_samples`` is negative or there is no such emotion.
        """
        if n_samples < 0:
            raise ReplayError(f"cannot simulate {n_samples} samples")
        if not 0 <= label < len(self.emotions):
            raise ReplayError(
                f"there is no emotion {label}; there are 0 to {len(self.emotions) - 1}"
                f" ({', '.join(self.emotions)})"
            )
        samples = np.empty((n_samples, len(self.channels)), np.float32)
        done = 0
        while done < n_samples:
            if self._made is None or self._used == self._block:
                self._made, self._used = self._make_block(), 0
            count = min(n_samples - done, self._block - self._used)
            part = slice(self._used, self._used + count)
            common, rhythms = self._made
            signal = common[:, part].copy()
            # One emotion after the other: the order of a sum decides its last bit.
            for weight, rhythm in zip(self._mood.next(count, label), rhythms, strict=True):
                signal += weight * rhythm[:, part]
            samples[done : done + count] = signal.T
            done += count
            self._used += count
        return samples

    def _make_block(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        common, rhythms = self._brain.next_block()
        for artefact in self._artefacts:
            common += artefact.block(self._block)
        gain = self._electrodes.gain[:, None]
        return gain * common + self._electrodes.block(self._block), gain * rhythms


class _Mood:
    """How much of each emotion there is: 0 to 1, passing smoothly from one to the next."""

    def __init__(self, n_emotions: int, sfreq: float) -> None:
        pole = np.exp(-1 / (_MOOD_TIME_CONSTANT_S * sfreq))
        # Two equal poles: neither the weights nor their derivatives jump.
        self._sos = scipy.signal.zpk2sos([], [pole, pole], (1 - pole) ** 2)
        self._n_emotions = n_emotions
        self._state: NDArray[np.float64] | None = None

    def next(self, n_samples: int, label: int) -> NDArray[np.float64]:
        """Return the weights, shape (emotions, samples); the first label is there at once."""
        target = np.zeros((self._n_emotions, n_samples))
        target[label] = 1.0
        if self._state is None:
            settled = scipy.signal.sosfilt_zi(self._sos)
            self._state = settled[:, None, :] * target[None, :, :1]
        weights, self._state = scipy.signal.sosfilt(self._sos, target, axis=-1, zi=self._state)
        return np.asarray(weights)


def _check_numbers(sfreq: float, **whole: int) -> None:
    if not (np.isfinite(sfreq) and sfreq >= LOWEST_SFREQ):
        raise ReplayError(f"cannot simulate at {sfreq:g} Hz; choose {LOWEST_SFREQ:g} Hz or more")
    for name, number in whole.items():
        if number < 0:
            raise ReplayError(f"{name} {number} is negative; choose 0 or more")


def _check_channels(channels: Sequence[str]) -> tuple[str, ...]:
    if not channels:
        raise ChannelError("no channels to simulate; name at least one electrode")
    electrode_positions(channels)  # names the unknown ones
    names = tuple(canonical_name(name) for name in channels)
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ChannelError(f"electrode {', '.join(twins)} is named twice")
    return names
