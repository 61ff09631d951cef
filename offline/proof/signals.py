"""How far generated signals are from real ones: spectrum, covariance, rhythm and amplitude.

Windows are (channels, samples) in microvolts. A window's own mean is taken away first, as electrode
offsets are no EEG. All is measured class by class, and classes count the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.signal
import scipy.stats
from numpy.typing import NDArray

from offline.generators.generator import Floats
from offline.proof.sets import ExampleSet, over_classes, refuse_flat
from rtbci.errors import GeneratorError
from rtbci.recipe import Band
from rtbci.signal.geometry import regularised

_FLOOR = 1e-6  # square microvolts, the recipe's own: a flat channel has a power
_WELCH_S = 2.0
_AT_ONCE = 64  # windows; of 2000 all at once the spectra alone would take gigabytes
_AMPLITUDES = 20_000  # of a class and channel: neighbouring samples tell nearly the same
_MAD = 1.4826  # median absolute deviation to standard deviation, of a Gaussian
_LEAST_SCALE = 1e-3  # microvolts


@dataclass(frozen=True)
class SignalDifferences:
    """What tells two sets of signals apart; of every number, 0 is best.

    Attributes
    ----------
    spectrum : mapping of str to float
        Of each band by its name; :func:`spectrum_difference`.
    covariance : float
        :func:`covariance_distance`.
    autocorrelation : float
        :func:`autocorrelation_difference`.
    amplitude : float
        :func:`amplitude_distance`.
    kurtosis : float
        :func:`kurtosis_difference`.
    """

    spectrum: Mapping[str, float]
    covariance: float
    autocorrelation: float
    amplitude: float
    kurtosis: float


def signal_differences(
    real: ExampleSet, other: ExampleSet, sfreq: float, bands: Sequence[Band]
) -> SignalDifferences:
    """Measure all that this module measures.

    Parameters
    ----------
    real, other : ExampleSet
        Windows (channels, samples), microvolts.
    sfreq : float
        Sampling rate of both, hertz.
    bands : sequence of Band
        Whose power is compared.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared, or the windows are too short for a band or half a second.
    """
    return SignalDifferences(
        spectrum=spectrum_difference(real, other, sfreq, bands),
        covariance=covariance_distance(real, other),
        autocorrelation=autocorrelation_difference(real, other, sfreq),
        amplitude=amplitude_distance(real, other),
        kurtosis=kurtosis_difference(real, other),
    )


def spectrum_difference(
    real: ExampleSet, other: ExampleSet, sfreq: float, bands: Sequence[Band]
) -> dict[str, float]:
    r"""Return the mean absolute difference of log power in each band.

    .. math:: \frac{1}{KC} \sum_{k,c} \left| \overline{\tfrac12 \ln P_{bc}}^{(k)}
        - \overline{\tfrac12 \ln \tilde P_{bc}}^{(k)} \right|

    for band b, channel c and class k, where :math:`P_{bc}` is the power of a window's density by
    Welch's method (1967, doi 10.1109/TAU.1967.1161901; Hann segments of 2 s that overlap by half)
    in the band.

    Returns
    -------
    dict of str to float
        By the band's name. Nats, on the scale of differential entropy: 1 nat is 8.7 dB. 0 is best.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared, or no frequency of so short a window lies in a band.
    """
    segment = min(real.x.shape[-1], round(_WELCH_S * sfreq))
    frequencies = np.fft.rfftfreq(segment, 1 / sfreq)
    inside = np.array([(frequencies >= band.low) & (frequencies < band.high) for band in bands])
    for band, chosen in zip(bands, inside, strict=True):
        if not chosen.any():
            raise GeneratorError(
                f"a window of {real.x.shape[-1] / sfreq:g} s at {sfreq:g} Hz holds no frequency of "
                f"the band {band.name}"
            )

    def log_power(windows: Floats) -> Floats:
        _, density = scipy.signal.welch(windows, sfreq, nperseg=segment)
        power: Floats = density @ inside.T * (frequencies[1] - frequencies[0])
        return 0.5 * np.log(np.maximum(power, _FLOOR))

    def difference(first: Floats, second: Floats) -> Floats:
        found: Floats = np.abs(_mean_of(log_power, first) - _mean_of(log_power, second)).mean(0)
        return found

    measured = over_classes(*_windows(real, other), difference)
    return dict(zip([band.name for band in bands], measured.tolist(), strict=True))


def covariance_distance(real: ExampleSet, other: ExampleSet, shrinkage: float = 0.1) -> float:
    r"""Return the Riemannian distance between mean covariances of the channels.

    .. math:: \delta(C, \tilde C) = \Big( \sum_i \ln^2 \lambda_i(C^{-1} \tilde C) \Big)^{1/2}

    (Barachant et al. 2012, doi 10.1109/TBME.2011.2172210; affine-invariant) with
    :math:`C` the mean over a class's windows of their covariances.

    Parameters
    ----------
    real, other : ExampleSet
        Windows (channels, samples), microvolts.
    shrinkage : float
        See :func:`~rtbci.signal.geometry.regularised`: an average reference, or taking artefacts
        out, leaves directions without any signal, whose logarithm would be all that counts.

    Returns
    -------
    float
        Without a unit; grows with the square root of the number of channels. 0 is best.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared.
    """
    from pyriemann.geometry.distance import distance_riemann

    def covariances(windows: Floats) -> Floats:
        found: Floats = windows @ windows.swapaxes(1, 2) / windows.shape[-1]
        return found

    def distance(first: Floats, second: Floats) -> float:
        means = np.stack([_mean_of(covariances, first), _mean_of(covariances, second)])
        return float(distance_riemann(*regularised(means, shrinkage, _FLOOR)))

    return float(over_classes(*_windows(real, other), distance))


def autocorrelation_difference(
    real: ExampleSet, other: ExampleSet, sfreq: float, longest_s: float = 0.5
) -> float:
    r"""Return how far the channels' mean autocorrelation functions are apart.

    .. math:: \Big( \frac{1}{CL} \sum_{c,l=1}^{L} \big( \overline{r_c(l)}
        - \overline{\tilde r_c(l)} \big)^2 \Big)^{1/2}, \qquad
        r_c(l) = \frac{\sum_t x_c(t)\, x_c(t + l)}{\sum_t x_c(t)^2}

    (the sample autocorrelation of Box and Jenkins, Time Series Analysis, chapter 2) with the mean
    over a class's windows, and then over classes.

    Parameters
    ----------
    real, other : ExampleSet
        Windows (channels, samples), microvolts.
    sfreq : float
        Sampling rate of both, hertz.
    longest_s : float
        The longest lag :math:`L`, seconds.

    Returns
    -------
    float
        Without a unit, 0 to 2. 0 is best.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared, or a window is no longer than the longest lag.
    """
    lags, length = round(longest_s * sfreq), real.x.shape[-1]
    if not 1 <= lags < length:
        raise GeneratorError(
            f"a window of {length / sfreq:g} s is too short for an autocorrelation up to "
            f"{longest_s:g} s"
        )

    def functions(windows: Floats) -> Floats:
        padded = 2 ** math.ceil(math.log2(length + lags))  # so that nothing goes round in a circle
        spectrum = np.abs(np.fft.rfft(windows, padded)) ** 2
        products = np.fft.irfft(spectrum, padded)[..., : lags + 1]
        energy = np.maximum(products[..., :1], _FLOOR * length)
        found: Floats = products[..., 1:] / energy
        return found

    def difference(first: Floats, second: Floats) -> float:
        apart = _mean_of(functions, first) - _mean_of(functions, second)
        return float(np.sqrt(np.mean(apart**2)))

    return float(over_classes(*_windows(real, other), difference))


def amplitude_distance(real: ExampleSet, other: ExampleSet) -> float:
    r"""Return the Wasserstein distance between distributions of amplitudes.

    .. math:: W_1 = \int_0^1 \left| F^{-1}(u) - \tilde F^{-1}(u) \right| du

    (Villani 2003, Topics in Optimal Transportation, chapter 2) of each channel, its amplitudes
    less the real ones' median and divided by 1.4826 times their median absolute deviation; then the
    mean over channels and classes.

    Returns
    -------
    float
        In (robust) standard deviations of the real amplitudes. 0 is best.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared.
    """

    def distance(first: Floats, second: Floats) -> float:
        one, two = _amplitudes(first), _amplitudes(second)
        median = np.median(one, axis=1, keepdims=True)
        deviation = _MAD * np.median(np.abs(one - median), axis=1)
        apart = [scipy.stats.wasserstein_distance(a, b) for a, b in zip(one, two, strict=True)]
        return float(np.mean(apart / np.maximum(deviation, _LEAST_SCALE)))

    return float(over_classes(*_windows(real, other), distance))


def kurtosis_difference(real: ExampleSet, other: ExampleSet) -> float:
    """Return the mean absolute difference of the channels' kurtosis.

    It is that of all amplitudes of a class and channel together, so it tells rare large waves and
    bursts, and a single artefact may weigh much in it.

    Returns
    -------
    float
        Without a unit; a Gaussian's kurtosis is 3 (0 as excess). 0 is best.

    Raises
    ------
    GeneratorError
        If the sets cannot be compared.
    """

    def difference(first: Floats, second: Floats) -> float:
        one, two = (scipy.stats.kurtosis(_amplitudes(x), axis=1) for x in (first, second))
        # A flat channel has none.
        return float(np.abs(np.nan_to_num(one) - np.nan_to_num(two)).mean())

    return float(over_classes(*_windows(real, other), difference))


def _windows(real: ExampleSet, other: ExampleSet) -> tuple[ExampleSet, ExampleSet]:
    refuse_flat(real, other, "signals are compared as windows (channels, samples)")
    return real, other


def _mean_of(function: Callable[[Floats], Floats], windows: Floats) -> NDArray[np.float64]:
    """Return the mean over windows of what a function makes of each."""
    starts = range(0, len(windows), _AT_ONCE)
    sums = [function(_centred(windows[k : k + _AT_ONCE])).sum(axis=0) for k in starts]
    return np.asarray(np.sum(sums, axis=0) / len(windows))


def _centred(windows: Floats) -> NDArray[np.float64]:
    held = windows.astype(np.float64)
    centred: NDArray[np.float64] = held - held.mean(axis=-1, keepdims=True)
    return centred


def _amplitudes(windows: Floats) -> NDArray[np.float64]:
    """Return amplitudes (channels, values) of all windows, of long ones not each sample."""
    n, channels, length = windows.shape
    step = min(math.ceil(n * length / _AMPLITUDES), length)
    means = windows.mean(axis=-1, keepdims=True, dtype=np.float64)
    kept = windows[..., step // 2 :: step] - means
    return np.asarray(kept.swapaxes(0, 1).reshape(channels, -1))
