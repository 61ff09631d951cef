"""The report of an evaluation."""

from __future__ import annotations

from pathlib import Path

from offline.evaluation.findings import Findings
from offline.evaluation.report import html
from offline.evaluation.report.abstaining import CAPTION as ABSTAINING
from offline.evaluation.report.abstaining import abstaining_figure
from offline.evaluation.report.behaviour import calibration_figure, over_time_figure
from offline.evaluation.report.heads import (
    MIN_MAPPED,
    electrodes_figure,
    maps_figure,
    spectra_figure,
)
from offline.evaluation.report.looked_at import (
    HEADS,
    LOOKED_AT,
    bands_looked_at_figure,
    electrodes_looked_at_figure,
    segments_looked_at_figure,
    standing,
)
from offline.evaluation.report.page import Page, write_page
from offline.evaluation.report.pictures import Pictures
from offline.evaluation.report.scores import confusion_figure, controls_figure, subjects_figure
from offline.evaluation.table import title


def write_report(findings: Findings, pictures: Pictures, path: Path) -> None:
    """Write the report of an evaluation.

    Parameters
    ----------
    findings : Findings
        Scores, controls, provenance.
    pictures : Pictures
        What the signals look like.
    path : Path
        HTML file to be written; it is complete or absent.
    """

    def fill(page: Page) -> None:
        _add_scores(page.tagged("scores"), findings)
        if findings.explained:
            _add_looked_at(page.tagged("recognisers"), findings)
        _add_signals(page.tagged("signals"), findings, pictures)
        _add_circumstances(page.tagged("circumstances"), findings)

    write_page(title(findings), path, fill)


def _add_scores(page: Page, findings: Findings) -> None:
    page.text("Overview", html.overview(findings))
    page.figure(
        "Confusion matrices",
        confusion_figure(findings),
        "Share of each true class that was recognised as each class; below it the number of "
        "windows, summed over seeds.",
    )
    page.figure(
        "Balanced accuracy by subject",
        subjects_figure(findings),
        "Each subject's balanced accuracy per window, mean over seeds; line and shade: the mean "
        "over subjects and its 95 % bootstrap interval.",
        section="Subjects",
    )
    page.text(
        "Balanced accuracy by subject [%], table", html.subjects_table(findings), section="Subjects"
    )
    page.figure(
        "Calibration",
        calibration_figure(findings),
        "Share of windows recognised rightly among those with about the same greatest probability "
        "(the confidence). Below the dashed line a recogniser is surer than it may be. ECE: "
        "expected calibration error. Lower panels: how many windows were so sure.",
    )
    page.figure("Abstaining", abstaining_figure(findings), ABSTAINING)
    page.figure(
        "Accuracy over time",
        over_time_figure(findings),
        "Balanced accuracy of single windows, and of all windows since the trial began by the mean "
        "of their log-probabilities, until the trials of a class have all ended. Lower panels: "
        "trials that last so long; where few are left they say little.",
    )
    if findings.controls:
        page.figure(
            "Controls",
            controls_figure(findings),
            "The same data, protocol and recognisers with labels drawn at random for each trial, "
            "fitted anew: where no label reaches the test part, their accuracy is chance.",
        )
    else:
        page.text(
            "Controls",
            html.note("No labels were drawn at random: it is not seen whether labels leak."),
        )


def _add_looked_at(page: Page, findings: Findings) -> None:
    section = "What recognisers look at"
    page.text("What these figures are", html.note(LOOKED_AT), section=section)
    page.figure(
        "Bands",
        bands_looked_at_figure(findings),
        "What the true class's log-probability loses where a band is taken away: mean over fits, "
        "and standard deviation over fits where there are several. Below zero the band misleads, "
        "or makes the recogniser too sure. Diamonds: mean over classes.",
        section=section,
    )
    page.text(
        "Bands, table",
        html.looked_at_table(findings),
        section=section,
    )
    segments = segments_looked_at_figure(findings)
    if segments is not None:
        page.figure(
            "Segments",
            segments,
            "Evidence for the true class in each of the maps that a network sees at once, summed "
            "over bands and electrodes.",
            section=section,
        )
    for name in findings.explained:
        drawn = electrodes_looked_at_figure(findings, name)
        if drawn is None:
            note = html.note(f"Fewer than {MIN_MAPPED} electrodes make no map.")
            page.text(f"Electrodes, {name}", note, section=section)
        else:
            caption = f"{standing(findings, name)} {HEADS}"
            page.figure(f"Electrodes, {name}", drawn, caption, section=section)


def _add_signals(page: Page, findings: Findings, pictures: Pictures) -> None:
    name = "Topographic maps"
    if len(pictures.channels) >= MIN_MAPPED:
        page.figure(
            name,
            maps_figure(findings.classes, pictures),
            "Mean feature of each class and band less the subject's mean over classes, mean over "
            "subjects; seen from above, nose up. One scale for each column. No recogniser sees "
            "these means.",
        )
    else:
        page.text(name, html.note(f"Fewer than {MIN_MAPPED} electrodes make no map."))
    filled = ", ".join(pictures.interpolated) or "none"
    page.figure(
        "Electrodes",
        electrodes_figure(pictures),
        f"{len(pictures.channels)} electrodes are used. Missing from at least one recording and "
        f"interpolated from their neighbours there: {filled}.",
    )
    if pictures.frequencies.size:
        page.figure(
            "Spectra",
            spectra_figure(findings.classes, pictures),
            "Power spectral density of the labelled stretches as recorded (Welch, 2-s segments): "
            "median over channels, mean over subjects.",
        )
    else:
        page.text("Spectra", html.note("The data set ships features and no samples."))


def _add_circumstances(page: Page, findings: Findings) -> None:
    page.text("Left out", html.left_out_table(findings))
    page.text("Provenance", html.provenance_table(findings))
