from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from offline.datasets.config import LeftOut
from offline.evaluation.findings import Findings
from offline.evaluation.report import html
from offline.evaluation.report.document import write_report
from offline.evaluation.table import rows
from tests.offline.evaluation.report.examples import findings, pictures, summary

SECTIONS = [
    "Overview", "Confusion matrices", "Subjects", "Calibration", "Abstaining",
    "Accuracy over time", "Controls", "Topographic maps", "Electrodes", "Spectra", "Left out",
    "Provenance",
]  # fmt: skip
VOID = {"meta", "img", "input", "br", "hr", "link"}
ODD = "<b>&\"'$x$"


class Page(HTMLParser):
    """A page's text by element, refusing tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.contents: list[str] = []
        self.texts: list[str] = []
        self.alerts: list[str] = []
        self._place = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += held.items()
        self._place = held.get("role", "") or ("toc" if "nav-link" in held.get("class", "") else "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "body" and self.open[-1] == "div":
            self.open.pop()  # MNE's own template leaves its outermost one open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not data.strip() or {"script", "style"} & set(self.open):
            return
        self.texts.append(data.strip())
        if self._place == "alert":
            self.alerts.append(data)
        if self._place == "toc" and self.open[-1] == "a":
            self.contents.append(data.strip())
        self._place = ""


def written(found: Findings, path: Path) -> str:
    write_report(found, pictures(found.classes), path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Findings, str]:
    found = findings(
        names=("cnn", ODD),
        subjects=("1", ODD),
        classes=("calm", "a<i>"),
        dataset=ODD,
        leaky=True,
        simulated=True,
        causal=False,
        left_out=(LeftOut(ODD, f"why {ODD}"),),
        provenance={
            ODD: ODD,
            "empty": [],
            "list": [1, ODD],
            "none": None,
            "yes": True,
            "bands": [{"low": 1.5}],
        },
    )
    return found, written(found, tmp_path_factory.mktemp("report") / "report.html")


def test_the_page_is_whole_and_has_every_section(odd: tuple[Findings, str]) -> None:
    _, source = odd
    page = Page(source)
    assert source.lstrip().startswith("<!DOCTYPE html>")
    assert page.tags.count("html") == page.tags.count("body") == page.tags.count("title") == 1
    assert page.contents == SECTIONS
    assert page.tags.count("figure") == 9
    assert len(source) < 5e6


def test_nothing_is_fetched_when_the_page_is_opened(odd: tuple[Findings, str]) -> None:
    fetched = [value for name, value in Page(odd[1]).attributes if name == "src"]
    assert fetched
    assert all(value.startswith("data:") for value in fetched)
    assert "link" not in Page(odd[1]).tags


def test_reservations_are_in_banners_and_in_the_title(odd: tuple[Findings, str]) -> None:
    found, source = odd
    page = Page(source)
    assert page.alerts == list(found.warnings)
    title = f"LEAKY | simulated data | NON-CAUSAL features | {ODD}: leave one subject out"
    assert page.texts.count(title) == 2


def test_odd_names_are_text_and_nothing_else(odd: tuple[Findings, str]) -> None:
    _, source = odd
    page = Page(source)
    assert not {"b", "i"} & set(page.tags)
    for name in (ODD, f"why {ODD}", f"2: 1, {ODD}", f"1, {ODD}", "calm, a<i>"):
        assert name in page.texts


def test_the_table_holds_the_same_numbers_as_in_the_terminal(odd: tuple[Findings, str]) -> None:
    found, source = odd
    texts = Page(source).texts
    for row in rows(found):
        start = next(
            k
            for k in range(len(texts))
            if texts[k : k + 2] == [row.recogniser, f"{row.balanced_accuracy}\n{row.interval}"]
        )
        assert texts[start + 3 : start + 11] == [
            row.accuracy, row.macro_f1, row.trial_accuracy, row.calibration_error, row.brier,
            row.permutation_p, f"{row.control}\n{row.control_interval}", row.chance_inside,
        ]  # fmt: skip


def test_each_subjects_numbers_are_in_a_table() -> None:
    texts = Page(html.subjects_table(findings())).texts
    place = texts.index("2")
    assert texts[place + 1 : place + 4] == [
        f"{100 * each.per_subject['2']:.1f}" for each in findings().summaries
    ]


def test_honest_findings_have_no_banner() -> None:
    assert Page(html.overview(findings())).alerts == []
    assert "LEAKY" not in html.overview(findings())


def test_the_leaky_comparison_has_its_columns() -> None:
    leak = {"cnn": summary("cnn", 0.95)}
    found = findings(leak=leak, leak_controls={"cnn": (summary("cnn", 0.9),)})
    texts = Page(html.overview(found)).texts
    assert "LEAKY windows" in texts
    assert f"{100 * leak['cnn'].balanced_accuracy.mean:.1f}" in texts


def test_provenance_is_readable() -> None:
    texts = Page(html.provenance_table(findings())).texts
    for place, value in (
        ("seeds", "0, 1"),
        ("numpy", "2.3.1"),
        ("theta", "4.0"),
        ("notch_hz", "–"),
    ):
        assert texts[texts.index(place) + 1] == value


def test_nothing_left_out_is_said() -> None:
    assert "Nothing was left out." in html.left_out_table(findings(left_out=()))


def test_shipped_features_few_channels_and_a_quiet_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = findings(("cnn",), ("1",))
    few = pictures()
    drawn = pictures(
        channels=("CZ", "T7"),
        interpolated=(),
        class_maps=few.class_maps[..., :2],
        frequencies=few.frequencies[:0],
        spectra=few.spectra[:, :0],
    )
    write_report(found, drawn, tmp_path / "deep" / "report.html")
    texts = Page((tmp_path / "deep" / "report.html").read_text(encoding="utf-8")).texts
    assert "Fewer than 4 electrodes make no map." in texts
    assert "The data set ships features and no samples." in texts
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]
    assert capfd.readouterr().out == ""
