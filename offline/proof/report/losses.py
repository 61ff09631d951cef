"""How generators' training went, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offline.evaluation.report.panels import STYLE, class_styles, panels
from offline.generators import Generator
from rtbci.atomic import complete_or_absent
from rtbci.errors import GeneratorError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def losses_figure(learned: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw losses epoch by epoch: a panel a generator.

    Parameters
    ----------
    learned : mapping of str to mapping of str to sequence of float
        By generator and loss, epoch by epoch.
    """
    figure, axes = panels(len(learned), 4.2)
    for panel, (name, losses) in zip(axes, learned.items(), strict=True):
        _draw(panel, losses)
        panel.set_title(name)
    return figure


def write_losses(generator: Generator[Any], path: Path) -> Path | None:
    """Draw how a generator's training went, beside its file.

    Parameters
    ----------
    generator : Generator
        Trained.
    path : Path
        Its file.

    Returns
    -------
    Path or None
        The PNG, complete or absent; None where nothing was trained step by step.

    Raises
    ------
    GeneratorError
        If it cannot be written there; one line.
    """
    import matplotlib

    if not generator.course.losses:
        return None
    picture = path.with_suffix(".losses.png")
    figures = {generator.kind: generator.course.losses}
    try:
        with matplotlib.rc_context(STYLE), complete_or_absent(picture) as file:
            losses_figure(figures).savefig(file, format="png")
    except OSError as error:
        raise GeneratorError(f"{picture}: cannot be written: {error.strerror or error}") from None
    return picture


def _draw(panel: Axes, losses: Mapping[str, Sequence[float]]) -> None:
    from matplotlib.ticker import MaxNLocator

    for (name, values), style in zip(losses.items(), class_styles(list(losses)), strict=True):
        epochs = range(1, len(values) + 1)
        # A single epoch has no line.
        panel.plot(epochs, values, label=name, marker="." if len(values) < 20 else "", **style)
    panel.axhline(0, color="black", linewidth=0.6)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set(xlabel="epoch", ylabel="loss")
    panel.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
