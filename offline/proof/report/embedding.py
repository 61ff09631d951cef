"""The figure of what a network makes of real and generated maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from offline.evaluation.report.panels import class_styles, legend_above, panels
from offline.proof.fidelity import TEST, Compared

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_DRAWN = 400  # of a set: more hide each other
_MARGIN = 0.35  # of the real ones' extent, on each side


@dataclass(frozen=True)
class Projection:
    """The two principal components of a set.

    Attributes
    ----------
    mean : array, shape (features,)
        Of the set.
    axes : array, shape (2, features)
        Unit vectors; nought where a set has only one direction.
    shares : tuple of (float, float)
        Of the set's variance, that lie in each.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    shares: tuple[float, float]

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> Projection:
        """Find them, shape (examples, features)."""
        held = features.astype(np.float64)
        mean = held.mean(axis=0)
        _, spread, axes = np.linalg.svd(held - mean, full_matrices=False)
        # A side has no meaning: the largest weight is positive.
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        missing = max(2 - len(axes), 0)
        shares = np.pad(spread**2 / max((spread**2).sum(), 1e-12), (0, missing))
        padded = np.pad(axes * np.where(largest < 0, -1, 1), ((0, missing), (0, 0)))
        return cls(mean, padded[:2], (float(shares[0]), float(shares[1])))

    def __call__(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where others lie, shape (examples, 2)."""
        found: NDArray[np.float64] = (features.astype(np.float64) - self.mean) @ self.axes.T
        return found


def embedding_figure(compared: Compared, classes: Sequence[str]) -> Figure:
    """Draw features on the two principal components of the real ones: a panel a set."""
    from matplotlib.lines import Line2D

    project = Projection.of(compared.features[TEST])
    real = project(compared.features[TEST])
    low, high = real.min(axis=0), real.max(axis=0)
    low, high = low - _MARGIN * (high - low) - 1e-6, high + _MARGIN * (high - low) + 1e-6
    styles = class_styles(classes)
    figure, axes = panels(len(compared.made), 3.5)
    for panel, (name, made) in zip(axes, compared.made.items(), strict=True):
        other = np.clip(project(compared.features[name]), low, high)
        for label, style in enumerate(styles):
            x, y = _few(real[compared.test.labels == label]).T
            panel.scatter(x, y, s=14, color=style["color"], alpha=0.25, linewidths=0)
            x, y = _few(other[made.labels == label]).T
            panel.scatter(
                x, y, s=18, color=style["color"], marker="x", linewidths=0.9, clip_on=False
            )
        panel.set(
            title=name, xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[],
            xlabel=f"first component ({100 * project.shares[0]:.0f} %)",
            ylabel=f"second ({100 * project.shares[1]:.0f} %)",
        )  # fmt: skip
    marks = [
        Line2D([], [], linestyle="", marker="s", color=style["color"], label=name)
        for name, style in zip(classes, styles, strict=True)
    ]
    marks += [
        Line2D([], [], linestyle="", marker="o", color="black", alpha=0.3, label=TEST),
        Line2D([], [], linestyle="", marker="x", color="black", label="the panel's"),
    ]
    legend_above(figure, marks, [str(mark.get_label()) for mark in marks])
    return figure


def _few(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return some of many points, evenly."""
    if len(points) <= _MOST_DRAWN:
        return points
    kept: NDArray[np.float64] = points[np.linspace(0, len(points) - 1, _MOST_DRAWN).astype(int)]
    return kept
