"""What the features and the spectra look like: for people only, no recogniser sees any of it."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from offline.datasets.recording import Recording, Trial, cut
from rtbci.montage.names import match_channels
from rtbci.progress import track

if TYPE_CHECKING:
    from offline.evaluation.material import Material

SEGMENT_S = 2.0
"""Length of Welch's windows, seconds."""

_HIGHEST_HZ = 60.0
_FLOOR = 1e-12  # square microvolts a hertz: what a channel without any signal gets


@dataclass(frozen=True)
class Pictures:
    """What the report draws besides scores.

    Attributes
    ----------
    channels : tuple of str
        Electrodes, as the recipe has them.
    interpolated : tuple of str
        Those that were missing from a recording and filled in from their neighbours.
    bands : tuple of str
        Names of the features' planes.
    class_maps : array, shape (classes, planes, channels)
        Differential entropy of each class less the mean over classes, mean over subjects, nats.
    frequencies : array, shape (frequencies,)
        Hertz; empty where there are features but no samples.
    spectra : array, shape (classes, frequencies)
        Power spectral density, dB of square microvolts a hertz: median over channels, mean over
        subjects.
    """

    channels: tuple[str, ...]
    interpolated: tuple[str, ...]
    bands: tuple[str, ...]
    class_maps: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    spectra: NDArray[np.float64]


def pictures_of(material: Material) -> Pictures:
    """Compute the pictures of an evaluation's recordings.

    Raises
    ------
    RtbciError
        If a recording cannot be read.
    """
    from offline.features.cache import load_or_extract

    recipe, recordings = material.recipe, material.recordings
    n_classes = len(recipe.classes)
    features = (load_or_extract(each, recipe) for each in track(recordings, "averaging features"))
    parts = ((np.where(each.bad[:, None], np.nan, each.maps), each.label) for each in features)
    sampled = [each for each in recordings if each.shipped is None]
    spectra = (
        spectrum(_picked(each, recipe.channels), each.trials, each.sfreq, n_classes)
        for each in track(sampled, "computing spectra")
    )
    frequencies, mean = mean_spectra(spectra, [each.subject for each in sampled], n_classes)
    return Pictures(
        channels=recipe.channels,
        interpolated=_missing(recordings, recipe.channels),
        bands=recipe.planes,
        class_maps=class_means(parts, material.subjects, n_classes),
        frequencies=frequencies,
        spectra=mean,
    )


def class_means(
    recordings: Iterable[tuple[NDArray[np.float64], NDArray[np.int64]]],
    subjects: Sequence[Hashable],
    n_classes: int,
) -> NDArray[np.float64]:
    """Average feature maps by class, as differences from each subject's own mean.

    Parameters
    ----------
    recordings : iterable of (maps, labels)
        Of each recording its maps, shape (windows, planes, channels), and their classes, shape
        (windows,). Windows with the label -1 and values that are not finite are left out.
    subjects : sequence
        The subject of each recording.
    n_classes : int
        Number of classes.

    Returns
    -------
    array, shape (classes, planes, channels)
        Mean over subjects of the class's mean less the mean over classes, so that neither a
        subject's level nor the share of a class matters. NaN where no subject has any such window.
    """
    sums: dict[Hashable, NDArray[np.float64]] = {}
    counts: dict[Hashable, NDArray[np.float64]] = {}
    for (maps, labels), subject in zip(recordings, subjects, strict=True):
        shape = (n_classes, *maps.shape[1:])
        total = sums.setdefault(subject, np.zeros(shape))
        count = counts.setdefault(subject, np.zeros(shape))
        known = np.isfinite(maps)
        for label in range(n_classes):
            mine = labels == label
            total[label] += np.where(known[mine], maps[mine], 0).sum(axis=0)
            count[label] += known[mine].sum(axis=0)
    with np.errstate(invalid="ignore"):
        means = np.stack([sums[subject] / counts[subject] for subject in sums])
    return _nanmean(means - _nanmean(means, axis=1)[:, None], axis=0)


def spectrum(
    blocks: Iterable[NDArray[np.floating]], trials: Sequence[Trial], sfreq: float, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate one recording's power spectral density by class.

    Parameters
    ----------
    blocks : iterable of array, shape (channels, samples)
        The recording from its first sample to its last, microvolts.
    trials : sequence of Trial
        Its labelled stretches.
    sfreq : float
        Sampling rate, hertz.
    n_classes : int
        Number of classes.

    Returns
    -------
    frequencies : array, shape (frequencies,)
        Hertz, from the first above 0.
    power : array, shape (classes, frequencies)
        Square microvolts a hertz, median over channels; NaN for a class without a stretch of at
        least two seconds.
    """
    labelled = [trial for trial in trials if trial.label >= 0]
    stretches = ((labelled[k].label, samples) for k, samples in cut(blocks, labelled))
    frequencies, density = power_density(stretches, sfreq)
    power = np.full((n_classes, len(frequencies)), np.nan)
    for label, found in density.items():
        power[label] = _nanmedian(found, axis=0)
    return frequencies, power


def power_density(
    stretches: Iterable[tuple[int, NDArray[np.floating]]],
    sfreq: float,
    segment_s: float = SEGMENT_S,
) -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]]]:
    """Estimate the power spectral density of each channel by class.

    Parameters
    ----------
    stretches : iterable of (int, array of shape (channels, samples))
        Class of each, and its signal in microvolts.
    sfreq : float
        Sampling rate, hertz.
    segment_s : float
        Length of Welch's windows, seconds; shorter stretches are left out.

    Returns
    -------
    frequencies : array, shape (frequencies,)
        Hertz, from the first above 0.
    power : dict of int to array, shape (channels, frequencies)
        Square microvolts a hertz, of each class that has a stretch; NaN for a channel with gaps in
        all of them.

    Notes
    -----
    Welch 1967 (doi 10.1109/TAU.1967.1161901): Hann windows that overlap by half, their mean taken
    off, averaged over all stretches of a class.
    """
    from scipy.signal import welch

    length = round(segment_s * sfreq)
    frequencies = np.asarray(np.fft.rfftfreq(length, 1 / sfreq), np.float64)
    kept = (frequencies > 0) & (frequencies <= _HIGHEST_HZ)
    sums: dict[int, NDArray[np.float64]] = {}
    weights: dict[int, NDArray[np.float64]] = {}
    for label, samples in stretches:
        if samples.shape[1] < length:
            continue
        density = welch(samples.astype(np.float64), sfreq, nperseg=length)[1][:, kept]
        known = np.isfinite(density)
        weight = samples.shape[1] * known
        sums[label] = sums.get(label, 0) + np.where(known, density, 0) * weight
        weights[label] = weights.get(label, 0) + weight
    with np.errstate(invalid="ignore"):
        return frequencies[kept], {k: total / weights[k] for k, total in sums.items()}


def mean_spectra(
    spectra: Iterable[tuple[NDArray[np.float64], NDArray[np.float64]]],
    subjects: Sequence[Hashable],
    n_classes: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average spectra in decibels: over each subject's recordings, then over subjects.

    Parameters
    ----------
    spectra : iterable of (frequencies, power)
        Of each recording, as :func:`spectrum` returns them.
    subjects : sequence
        The subject of each recording.
    n_classes : int
        Number of classes.

    Returns
    -------
    frequencies : array, shape (frequencies,)
        Those of the recording that reaches least high; empty where there are no recordings.
    decibels : array, shape (classes, frequencies)
        dB of square microvolts a hertz.
    """
    found = list(spectra)
    if not found:
        return np.empty(0), np.empty((n_classes, 0))
    common = min((frequencies for frequencies, _ in found), key=lambda each: float(each[-1]))
    by_subject: dict[Hashable, list[NDArray[np.float64]]] = defaultdict(list)
    for (frequencies, power), subject in zip(found, subjects, strict=True):
        decibels = 10 * np.log10(np.maximum(power, _FLOOR))
        resampled = np.stack([np.interp(common, frequencies, row) for row in decibels])
        by_subject[subject].append(resampled)
    means = [_nanmean(np.stack(rows), axis=0) for rows in by_subject.values()]
    return common, _nanmean(np.stack(means), axis=0)


def _picked(recording: Recording, channels: Sequence[str]) -> Iterator[NDArray[np.float32]]:
    """Yield a recording's blocks with the recipe's channels alone, those that it has."""
    found = [place for place in match_channels(channels, recording.channels) if place is not None]
    for block in recording.blocks():
        yield block[found]


def _missing(recordings: Iterable[Recording], channels: Sequence[str]) -> tuple[str, ...]:
    """Return the channels that at least one recording does not have."""
    places = [match_channels(channels, recording.channels) for recording in recordings]
    return tuple(
        name
        for index, name in enumerate(channels)
        if any(matched[index] is None for matched in places)
    )


def _nanmean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN alone: NaN is the answer
        return np.asarray(np.nanmean(values, axis=axis))


def _nanmedian(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis=axis))
