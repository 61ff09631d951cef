"""Figures of signals: maps of features on the head, electrodes, spectra."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.report.panels import (
    LEAKY_COLOUR,
    MAIN_COLOUR,
    class_styles,
    legend_above,
    new_figure,
    shortened,
)
from rtbci.montage.positions import electrode_positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from offline.evaluation.report.pictures import Pictures

MIN_MAPPED = 4
"""Fewer electrodes than this make no map."""

_MAPS_ABREAST = 6
_CONTOURS = 6  # an even number: none at zero, which noise would crumple


def maps_figure(classes: Sequence[str], pictures: Pictures) -> Figure:
    """Draw the mean feature maps: a row a class, a column a band, one scale a column."""
    return heads_figure(
        classes,
        pictures.channels,
        pictures.bands,
        pictures.class_maps,
        [limit_of(pictures.class_maps[:, plane]) for plane in range(len(pictures.bands))],
    )


def heads_figure(
    rows: Sequence[str],
    channels: Sequence[str],
    columns: Sequence[str],
    maps: NDArray[np.float64],
    limits: Sequence[float],
    unit: str = "nats",
    leading: int = 0,
) -> Figure:
    """Draw heads: of each row's and column's map.

    Parameters
    ----------
    rows, columns : sequence of str
        What they are called; more columns than fit abreast go on below.
    channels : sequence of str
        Electrodes.
    maps : array, shape (rows, columns, channels)
        A map that is not finite has no windows.
    limits : sequence of float
        The greatest distance from zero that each column's scale shows.
    unit : str
        Of the maps.
    leading : int
        The first so many columns are drawn again wherever others go on below: what those are
        compared with.
    """
    blocks = _abreast(len(columns), leading)
    n_blocks, widest = len(blocks), max(map(len, blocks))
    height = 2.0 * len(rows) + 1.1
    # Heads keep their shape after the layout, which then would cut the titles above them.
    figure = new_figure(max(2.0 * widest, 4.0) + 0.5, height * n_blocks, headroom=0.15)
    parts = figure.subfigures(n_blocks, 1, squeeze=False).ravel()
    info = _info(channels)
    for part, block in zip(parts, blocks, strict=True):
        # A last block that is not full keeps the others' size of maps.
        axes = part.subplots(len(rows), widest, squeeze=False)
        for unused in axes[:, len(block) :].ravel():
            unused.set_axis_off()
        for place, column in enumerate(block):
            _column(part, axes[:, place], maps[:, column], info, limits[column], unit)
            axes[0, place].set_title(columns[column])
        for panel, name in zip(axes[:, 0], shortened(rows), strict=True):
            panel.text(
                -0.12, 0.5, name, rotation=90, ha="center", va="center", weight="bold",
                transform=panel.transAxes,
            )  # fmt: skip
    return figure


def _abreast(columns: int, leading: int) -> list[list[int]]:
    """Return which columns stand abreast, from above to below."""
    n_blocks = max(math.ceil((columns - leading) / (_MAPS_ABREAST - leading)), 1)
    parts = np.array_split(np.arange(leading, columns), n_blocks)
    return [[*range(leading), *part.tolist()] for part in parts]


def _column(
    part: SubFigure,
    axes: Sequence[Axes],
    maps: NDArray[np.float64],
    info: Any,
    limit: float,
    unit: str,
) -> None:
    """Draw one column's maps, and their scale below."""
    import mne

    image = None
    # The same lines in all maps of a column, so that a flat one looks flat.
    levels = np.linspace(-limit, limit, _CONTOURS + 2)[1:-1]
    for panel, values in zip(axes, maps, strict=True):
        if np.isfinite(values).all():
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "No contour levels were found", UserWarning)
                image, _ = mne.viz.plot_topomap(
                    values, info, axes=panel, vlim=(-limit, limit), cmap="RdBu_r", contours=levels,
                    sensors="k.", sphere=_head(), extrapolate="local", show=False,
                )  # fmt: skip
        else:
            panel.text(0.5, 0.5, "no windows", ha="center", transform=panel.transAxes)
            panel.set_axis_off()
    if image is not None:
        bar = part.colorbar(image, ax=axes, location="bottom", shrink=0.8)
        bar.set_label(unit)
        bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])


def electrodes_figure(pictures: Pictures) -> Figure:
    """Draw where the electrodes are, and which were filled in from their neighbours."""
    import mne

    figure = new_figure(7.0, 7.4)
    axes = figure.subplots()
    info = _info(pictures.channels)
    mne.viz.plot_sensors(info, axes=axes, show_names=True, sphere=_head(), show=False)
    filled = [name in pictures.interpolated for name in pictures.channels]
    points = axes.collections[0]
    points.set(
        sizes=[60],
        linewidths=2,
        facecolor=["white" if each else MAIN_COLOUR for each in filled],
        edgecolor=[LEAKY_COLOUR if each else MAIN_COLOUR for each in filled],
    )
    marks = [
        axes.scatter([], [], s=60, linewidths=2, facecolor=face, edgecolor=edge)
        for face, edge in ((MAIN_COLOUR, MAIN_COLOUR), ("white", LEAKY_COLOUR))
    ]
    legend_above(figure, marks, ["recorded", "interpolated in at least one recording"])
    return figure


def spectra_figure(classes: Sequence[str], pictures: Pictures) -> Figure:
    """Draw the mean power spectral density of each class."""
    figure = new_figure(9.0, 4.2)
    axes = figure.subplots()
    lines = [
        axes.plot(pictures.frequencies, row, linewidth=1.8, **style)[0]
        for row, style in zip(pictures.spectra, class_styles(classes), strict=True)
    ]
    axes.set_xlim(0, float(pictures.frequencies[-1]))
    axes.grid(color="#E6E6E6")
    axes.set(xlabel="frequency [Hz]", ylabel="power density [dB re 1 µV²/Hz]")
    legend_above(figure, lines, classes)
    return figure


def _info(channels: Sequence[str]) -> Any:
    import mne

    info = mne.create_info(list(channels), 1.0, "eeg", verbose="error")
    positions = dict(zip(channels, electrode_positions(channels), strict=True))
    montage = mne.channels.make_dig_montage(positions, coord_frame="head")
    return info.set_montage(montage, verbose="error")


@cache
def _head() -> tuple[float, float, float, float]:
    """Return middle and radius of the circle that stands for the head.

    It passes through the electrodes of the 10-20 system's equator, as in its own drawings; MNE's
    default is meant for other positions than these and leaves the back of the head outside.
    """
    left, right, front, back = electrode_positions(("T7", "T8", "FPZ", "OZ"))
    middle = np.array([(left + right)[0] / 2, (front + back)[1] / 2, (left + right)[2] / 2])
    ring = np.stack([left, right, front, back])
    x, y, z = middle.tolist()
    return x, y, z, float(np.linalg.norm(ring - middle, axis=1).mean())


def limit_of(maps: NDArray[np.float64]) -> float:
    """Return the greatest distance from zero, so that white is no difference."""
    known = np.abs(maps[np.isfinite(maps)])
    return float(known.max()) if known.size and known.any() else 1.0
