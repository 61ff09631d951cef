"""One HTML file that holds all it shows and opens without a network, as MNE's reports are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offline.evaluation.report import html
from offline.evaluation.report.panels import STYLE
from rtbci.atomic import complete_or_absent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Page:
    """What a report is put together with; MNE has it escape titles and captions.

    Parameters
    ----------
    report : mne.Report
        The report.
    tag : str
        Mark of what is added here, by which a reader can show and hide it.
    """

    def __init__(self, report: Any, tag: str) -> None:
        self._report = report
        self._tags = (tag,)

    def tagged(self, tag: str) -> Page:
        """Return the same page for what has another mark."""
        return Page(self._report, tag)

    def text(self, name: str, content: str, section: str | None = None) -> None:
        """Add HTML under a title."""
        self._report.add_html(content, name, tags=self._tags, section=section)

    def figure(self, name: str, figure: Figure, caption: str, section: str | None = None) -> None:
        """Add a figure with a caption under a title."""
        self._report.add_figure(
            figure, name, caption=caption, image_format="webp", tags=self._tags, section=section
        )


def write_page(title: str, path: Path, fill: Callable[[Page], None]) -> None:
    """Write a report.

    Parameters
    ----------
    title : str
        Its title.
    path : Path
        HTML file to be written; it is complete or absent.
    fill : callable
        Adds to the page.
    """
    import matplotlib
    import mne

    with matplotlib.rc_context(STYLE), mne.utils.use_log_level("error"):
        report = mne.Report(title=title)
        report.add_custom_css(html.CSS)
        fill(Page(report, "overview"))
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "report.html")
            report.save(made, open_browser=False)
            content = made.read_bytes()
    with complete_or_absent(path) as file:
        file.write(content)
