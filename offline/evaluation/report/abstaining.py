"""The figure of what is gained where a recogniser says nothing of doubtful windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.evaluation.report.panels import (
    CHANCE_STYLE,
    MAIN_COLOUR,
    QUIET_COLOUR,
    legend_above,
    panels,
    percent_axis,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from offline.evaluation.findings import Findings

CAPTION = (
    "Balanced accuracy of those windows whose greatest probability reaches a threshold, by how "
    "many they are: all of them on the right, the surest ones on the left, until a class has none "
    "left. A line that does not rise to the left comes from probabilities that do not know where "
    "the errors are. All subjects' windows together, so that the right end may differ from the "
    "mean over subjects. AURC: area under the share of wrong answers over coverage."
)


def abstaining_figure(findings: Findings) -> Figure:
    """Draw balanced accuracy by coverage, one panel a recogniser with the others behind."""
    figure, axes = panels(len(findings.summaries), 3.0)
    for panel, summary in zip(axes, findings.summaries, strict=True):
        for other in findings.summaries:
            if other is not summary:
                curve = other.abstaining
                (others,) = panel.plot(
                    curve.coverage, curve.balanced_accuracy, color=QUIET_COLOUR, linewidth=1
                )
        curve = summary.abstaining
        (own,) = panel.plot(
            curve.coverage, curve.balanced_accuracy, ".-", color=MAIN_COLOUR, linewidth=2
        )
        chance = panel.axhline(findings.chance, **CHANCE_STYLE)
        percent_axis(panel, "x")
        percent_axis(panel)
        panel.set(
            title=f"{summary.recogniser}\nAURC {curve.risk_area:.3f}",
            xlabel="coverage [%]",
            ylabel="balanced accuracy [%]",
        )
    handles, labels = [own, chance], ["recogniser", "chance"]
    if len(findings.summaries) > 1:
        handles, labels = [own, others, chance], ["recogniser", "the others", "chance"]
    legend_above(figure, handles, labels)
    return figure
