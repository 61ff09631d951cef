"""Figures of real and generated signals: windows, spectra, power on the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.report.panels import (
    QUIET_COLOUR,
    class_styles,
    legend_above,
    new_figure,
    panels,
    shortened,
)
from offline.evaluation.report.pictures import SEGMENT_S, mean_spectra, power_density
from offline.proof.fidelity import REAL, TEST
from offline.proof.report.maps import compared_heads
from offline.proof.sets import ExampleSet
from offline.proof.signal_fidelity import SignalCompared
from rtbci.recipe import Band, Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REAL_STYLES = {
    TEST: {"color": "black", "linewidth": 2.4},
    REAL: {"color": QUIET_COLOUR, "linewidth": 2.4},
}
_FLOOR = 1e-12  # square microvolts: what a channel without any signal gets
_MOST_SHOWN_S = 2.0
_HEADROOM = 1.3  # above the real windows


def butterfly_figure(compared: SignalCompared, classes: Sequence[str]) -> Figure:
    """Draw all channels of a typical window: a row a set, a column a class, the real scale."""
    sets = {
        name: [typical(each.of(label)) for label in range(len(classes))]
        for name, each in _sets(compared).items()
        if name != REAL
    }
    most = round(_MOST_SHOWN_S * compared.sfreq)
    limit = _HEADROOM * max(float(np.abs(each).max()) for each in sets[TEST] if each is not None)
    figure = new_figure(11.0, 0.8 + 1.7 * len(sets))
    grid = figure.subplots(len(sets), len(classes), squeeze=False, sharex=True, sharey=True)
    for axes, (name, row) in zip(grid, sets.items(), strict=True):
        axes[0].set_ylabel(f"{shortened([name], 18)[0]}\n[µV]")
        for panel, window, style in zip(axes, row, class_styles(classes), strict=True):
            if window is None:
                panel.text(0.5, 0.5, "no windows", ha="center", transform=panel.transAxes)
                continue
            seconds = np.arange(window.shape[1])[:most] / compared.sfreq
            panel.plot(seconds, window[:, :most].T, color=style["color"], linewidth=0.4, alpha=0.6)
    for panel, label in zip(grid[0], classes, strict=True):
        panel.set(title=label, ylim=(-limit, limit))
    for panel in grid[-1]:
        panel.set_xlabel("time [s]")
    return figure


def typical(windows: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Return the window of median strength less its channels' means; None if there are none."""
    if not len(windows):
        return None
    centred = windows.astype(np.float64)
    centred -= centred.mean(axis=-1, keepdims=True)
    order = centred.std(axis=(1, 2)).argsort(kind="stable")
    found: NDArray[np.float64] = centred[order[(len(order) - 1) // 2]]
    return found


def spectra_figure(compared: SignalCompared, classes: Sequence[str]) -> Figure:
    """Draw power spectral densities: a panel a class, a line a set; the real ones behind."""
    sets = _sets(compared)
    others = [name for name in sets if name not in _REAL_STYLES]
    styles = _REAL_STYLES | dict(zip(others, class_styles(others), strict=True))
    figure, axes = panels(len(classes), 3.4)
    lines = []
    for name, each in sets.items():
        frequencies, density = _density(each, compared.sfreq)
        power = np.full((len(classes), len(frequencies)), np.nan)
        for k, found in density.items():
            power[k] = np.median(found, axis=0)
        _, decibels = mean_spectra([(frequencies, power)], [name], len(classes))
        for panel, row in zip(axes, decibels, strict=True):
            (line,) = panel.plot(frequencies, row, **styles[name])
        lines.append(line)
    for panel, label in zip(axes, classes, strict=True):
        panel.grid(color="#E6E6E6")
        panel.set(title=label, xlabel="frequency [Hz]", ylabel="power density\n[dB re 1 µV²/Hz]")
        panel.set_xlim(left=0)
    legend_above(figure, lines, list(sets))
    return figure


def power_figure(compared: SignalCompared, recipe: Recipe, band: Band) -> Figure:
    """Draw a band's power on the head: a row a class, a column a set, one scale."""
    found = {
        name: band_power(each, compared.sfreq, band, len(recipe.classes))
        for name, each in _sets(compared).items()
    }
    level = np.nanmean(found[TEST])
    return compared_heads({name: each - level for name, each in found.items()}, recipe, "dB")


def band_power(
    examples: ExampleSet, sfreq: float, band: Band, n_classes: int
) -> NDArray[np.float64]:
    """Return each class's mean power in a band.

    Returns
    -------
    array, shape (classes, channels)
        dB of square microvolts; NaN for a class without windows.
    """
    frequencies, density = _density(examples, sfreq)
    inside = (frequencies >= band.low) & (frequencies < band.high)
    power = np.full((n_classes, examples.x.shape[1]), np.nan)
    for label, found in density.items():
        power[label] = found[:, inside].sum(axis=1) * (frequencies[1] - frequencies[0])
    decibels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, _FLOOR))
    return decibels


def _sets(compared: SignalCompared) -> dict[str, ExampleSet]:
    return {TEST: compared.test, **compared.made}


def _density(
    examples: ExampleSet, sfreq: float
) -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]]]:
    # Windows shorter than the usual segment are a segment each.
    segment_s = min(SEGMENT_S, examples.x.shape[-1] / sfreq)
    stretches = zip(examples.labels.tolist(), examples.x, strict=True)
    return power_density(stretches, sfreq, segment_s)
