"""The report: one HTML file that holds all it shows and opens without a network."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from offline.evaluation.report.panels import STYLE
from offline.evaluation.report.pictures import Pictures
from offline.evaluation.report.scores import confusion_figure, controls_figure, subjects_figure
from offline.evaluation.table import title
from rtbci.atomic import complete_or_absent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    import matplotlib
    import mne

    with matplotlib.rc_context(STYLE), mne.utils.use_log_level("error"):
        report = mne.Report(title=title(findings))
        report.add_custom_css(html.CSS)
        _add_scores(_Document(report, "scores"), findings)
        if findings.explained:
            _add_looked_at(_Document(report, "recognisers"), findings)
        _add_signals(_Document(report, "signals"), findings, pictures)
        _add_circumstances(_Document(report, "circumstances"), findings)
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "report.html")
            report.save(made, open_browser=False)
            content = made.read_bytes()
    with complete_or_absent(path) as file:
        file.write(content)


class _Document:
    """What the report is put together with; MNE has it escape titles and captions."""

    def __init__(self, report: Any, tag: str) -> None:
        self._report = report
        self._tags = (tag,)

    def text(self, name: str, content: str, section: str | None = None) -> None:
        self._report.add_html(content, name, tags=self._tags, section=section)

    def figure(self, name: str, figure: Figure, caption: str, section: str | None = None) -> None:
        self._report.add_figure(
            figure, name, caption=caption, image_format="webp", tags=self._tags, section=section
        )


def _add_scores(document: _Document, findings: Findings) -> None:
    document.text("Overview", html.overview(findings))
    document.figure(
        "Confusion matrices",
        confusion_figure(findings),
        "Share of each true class that was recognised as each class; below it the number of "
        "windows, summed over seeds.",
    )
    document.figure(
        "Balanced accuracy by subject",
        subjects_figure(findings),
        "Each subject's balanced accuracy per window, mean over seeds; line and shade: the mean "
        "over subjects and its 95 % bootstrap interval.",
        section="Subjects",
    )
    document.text(
        "Balanced accuracy by subject [%], table", html.subjects_table(findings), section="Subjects"
    )
    document.figure(
        "Calibration",
        calibration_figure(findings),
        "Share of windows recognised rightly among those with about the same greatest probability "
        "(the confidence). Below the dashed line a recogniser is surer than it may be. ECE: "
        "expected calibration error. Lower panels: how many windows were so sure.",
    )
    document.figure("Abstaining", abstaining_figure(findings), ABSTAINING)
    document.figure(
        "Accuracy over time",
        over_time_figure(findings),
        "Balanced accuracy of single windows, and of all windows since the trial began by the mean "
        "of their log-probabilities, until the trials of a class have all ended. Lower panels: "
        "trials that last so long; where few are left they say little.",
    )
    if findings.controls:
        document.figure(
            "Controls",
            controls_figure(findings),
            "The same data, protocol and recognisers with labels drawn at random for each trial, "
            "fitted anew: where no label reaches the test part, their accuracy is chance.",
        )
    else:
        document.text(
            "Controls",
            html.note("No labels were drawn at random: it is not seen whether labels leak."),
        )


def _add_looked_at(document: _Document, findings: Findings) -> None:
    section = "What recognisers look at"
    document.text("What these figures are", html.note(LOOKED_AT), section=section)
    document.figure(
        "Bands",
        bands_looked_at_figure(findings),
        "What the true class's log-probability loses where a band is taken away: mean over fits, "
        "and standard deviation over fits where there are several. Below zero the band misleads, "
        "or makes the recogniser too sure. Diamonds: mean over classes.",
        section=section,
    )
    document.text(
        "Bands, table",
        html.looked_at_table(findings),
        section=section,
    )
    segments = segments_looked_at_figure(findings)
    if segments is not None:
        document.figure(
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
            document.text(f"Electrodes, {name}", note, section=section)
        else:
            caption = f"{standing(findings, name)} {HEADS}"
            document.figure(f"Electrodes, {name}", drawn, caption, section=section)


def _add_signals(document: _Document, findings: Findings, pictures: Pictures) -> None:
    name = "Topographic maps"
    if len(pictures.channels) >= MIN_MAPPED:
        document.figure(
            name,
            maps_figure(findings.classes, pictures),
            "Mean feature of each class and band less the subject's mean over classes, mean over "
            "subjects; seen from above, nose up. One scale for each column. No recogniser sees "
            "these means.",
        )
    else:
        document.text(name, html.note(f"Fewer than {MIN_MAPPED} electrodes make no map."))
    filled = ", ".join(pictures.interpolated) or "none"
    document.figure(
        "Electrodes",
        electrodes_figure(pictures),
        f"{len(pictures.channels)} electrodes are used. Missing from at least one recording and "
        f"interpolated from their neighbours there: {filled}.",
    )
    if pictures.frequencies.size:
        document.figure(
            "Spectra",
            spectra_figure(findings.classes, pictures),
            "Power spectral density of the labelled stretches as recorded (Welch, 2-s segments): "
            "median over channels, mean over subjects.",
        )
    else:
        document.text("Spectra", html.note("The data set ships features and no samples."))


def _add_circumstances(document: _Document, findings: Findings) -> None:
    document.text("Left out", html.left_out_table(findings))
    document.text("Provenance", html.provenance_table(findings))
