from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from offline.evaluation.report import html
from offline.evaluation.report.document import write_report
from offline.evaluation.report.looked_at import (
    bands_looked_at_figure,
    electrodes_looked_at_figure,
    segments_looked_at_figure,
    standing,
)
from offline.evaluation.report.metrics_file import findings_to_dict, write_metrics
from offline.evaluation.summary import Spread
from offline.explain.explanation import Explained, Explanation
from tests.offline.evaluation.report.examples import BANDS, CLASSES, findings, pictures, summary
from tests.offline.evaluation.report.test_document import Page

CHANNELS = ("FP1", "FP2", "FZ", "T7", "CZ", "T8", "PZ", "OZ")
NAMES = tuple(name.removesuffix(" DE") for name in BANDS)


def explained(
    seed: int = 0,
    channels: tuple[str, ...] = CHANNELS,
    planes: tuple[str, ...] = BANDS,
    segment_s: tuple[float, ...] = (0.0,),
    classes: int = 3,
) -> Explained:
    """Return what nobody looked at."""

    def explanation(seed: int) -> Explanation:
        rng = np.random.default_rng(seed)
        return Explanation(
            attributions=rng.normal(size=(classes, len(planes), len(channels))),
            over_segments=rng.normal(size=(classes, len(segment_s) if planes else 0)),
            electrode_nats=rng.normal(size=(classes, len(channels))),
            band_nats=rng.normal(size=(classes, 5)),
            electrode_accuracy=rng.normal(size=len(channels)),
            band_accuracy=rng.normal(size=5),
        )

    return Explained(
        mean=explanation(seed),
        sd=Explanation(**{name: np.abs(held) for name, held in vars(explanation(99)).items()}),
        fits=3,
        channels=channels,
        bands=NAMES,
        planes=planes,
        segment_s=segment_s if planes else (),
    )


def with_images(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.get_axes() if axes.images]


def test_heads_show_evidence_by_plane_and_what_an_electrode_costs() -> None:
    one = explained()
    one.mean.attributions[:] = 0
    one.mean.electrode_nats[:] = 0
    one.mean.attributions[0, 2, CHANNELS.index("CZ")] = 3.0
    one.mean.attributions[1, 4, CHANNELS.index("OZ")] = -1.5
    one.mean.electrode_nats[2, CHANNELS.index("T7")] = 0.2
    drawn = with_images(electrodes_looked_at_figure(findings(explained={"cnn": one}), "cnn"))
    assert len(drawn) == 4 * 6  # three classes and their mean; five bands and leaving out
    titles = [axes.get_title() for axes in drawn if axes.get_title()]
    assert titles == [*BANDS, "left out"]
    for axes in drawn:
        cell, (image,) = axes.get_subplotspec(), axes.images
        row, column = cell.rowspan.start, cell.colspan.start
        # One scale for all planes, so that they can be compared; another one for leaving out.
        limit = 0.2 if column == 5 else 3.0
        assert image.get_clim() == pytest.approx((-limit, limit))
        greatest = np.ma.max(np.ma.abs(np.ma.masked_invalid(image.get_array())))
        marked = {
            (0, 2): 3.0, (1, 4): 1.5, (2, 5): 0.2, (3, 2): 1.0, (3, 4): 0.5, (3, 5): 0.2 / 3
        }.get((row, column), 0.0)  # fmt: skip
        assert greatest == pytest.approx(marked, rel=0.35)


def test_who_has_no_attributions_has_the_last_column_alone() -> None:
    found = findings(explained={"k-nn": explained(planes=())})
    drawn = with_images(electrodes_looked_at_figure(found, "k-nn"))
    assert [axes.get_title() for axes in drawn if axes.get_title()] == ["left out"]


def test_a_class_that_was_never_tested_is_left_out_of_the_mean() -> None:
    one = explained()
    for values in (one.mean.attributions, one.mean.electrode_nats, one.mean.band_nats):
        values[1] = np.nan
    found = findings(explained={"cnn": one})
    figure = electrodes_looked_at_figure(found, "cnn")
    assert len(with_images(figure)) == 3 * 6
    marks = bands_looked_at_figure(found).get_axes()[0].lines[-2]
    np.testing.assert_allclose(marks.get_ydata(), one.mean.band_nats[[0, 2]].mean(axis=0))


def test_bars_are_bands_by_class_with_their_spread_and_mean() -> None:
    one, other = explained(1), explained(2)
    figure = bands_looked_at_figure(findings(explained={"cnn": one, "svm": other}))
    for axes, name, each in zip(figure.get_axes(), ("cnn", "svm"), (one, other), strict=True):
        assert axes.get_title() == name
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list(NAMES)
        bars = [container for container in axes.containers if hasattr(container, "patches")]
        heights = [[bar.get_height() for bar in container.patches] for container in bars]
        np.testing.assert_allclose(heights, each.mean.band_nats)
        for container, spread in zip(bars, each.sd.band_nats, strict=True):
            ends = [line[:, 1] for line in container.errorbar.lines[2][0].get_segments()]
            np.testing.assert_allclose(np.ptp(ends, axis=1), 2 * np.abs(spread))
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == [*CLASSES, "all classes"]


def test_segments_are_drawn_by_their_time() -> None:
    several = explained(segment_s=(1.0, 0.5, 0.0))
    found = findings(explained={"cnn": several, "svm": explained()})
    (axes,) = segments_looked_at_figure(found).get_axes()
    assert axes.get_title() == "cnn"
    for line, row in zip(axes.lines, several.mean.over_segments, strict=False):
        np.testing.assert_allclose(line.get_xdata(), [-1.0, -0.5, 0.0])
        np.testing.assert_allclose(line.get_ydata(), row)
    assert segments_looked_at_figure(findings(explained={"svm": explained()})) is None


def test_it_is_said_how_good_the_explained_recogniser_is() -> None:
    good = summary("cnn", balanced_accuracy=Spread(0.7, 0.1, 0.6, 0.8, 0.0))
    poor = summary("svm", balanced_accuracy=Spread(0.36, 0.1, 0.3, 0.4, 0.0))
    found = findings(summaries=(good, poor))
    assert standing(found, "cnn") == "Balanced accuracy 70.0 % [60.0, 80.0], chance 33.3 %."
    assert "no better than chance" in standing(found, "svm")


def test_the_page_shows_it_where_it_was_asked_for(tmp_path: Path) -> None:
    found = findings(
        explained={
            "cnn": explained(segment_s=(0.5, 0.0)),
            "svm": explained(planes=()),
            "k-nn": explained(planes=(), channels=("CZ", "T7")),
        }
    )
    found = replace(found, summaries=(*found.summaries, summary("k-nn")))
    write_report(found, pictures(), tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.contents.index("What recognisers look at") == page.contents.index("Controls") + 1
    for title in ("Bands", "Segments", "Electrodes, cnn", "Electrodes, svm"):
        assert title in page.texts
    said = [text for text in page.texts if text.startswith("Balanced accuracy ")]
    assert len([text for text in said if "chance 33.3 %." in text]) == 2
    assert "Fewer than 4 electrodes make no map." in page.texts


def test_the_table_holds_points_of_balanced_accuracy() -> None:
    one = explained()
    texts = Page(html.looked_at_table(findings(explained={"cnn": one}))).texts
    place = texts.index("cnn")
    assert texts[place - 5 : place] == [f"without {band}" for band in NAMES]
    assert texts[place + 1 : place + 6] == [f"{100 * lost:.1f}" for lost in one.mean.band_accuracy]


def test_each_number_stands_under_its_names_in_the_metrics_file(tmp_path: Path) -> None:
    one = explained(segment_s=(0.5, 0.0))
    one.mean.attributions[1] = np.nan
    found = findings(explained={"cnn": one})
    write_metrics(found, tmp_path / "metrics.json")
    recognisers = findings_to_dict(found)["recognisers"]
    assert "looks_at" not in recognisers["svm"]
    held = recognisers["cnn"]["looks_at"]
    assert held["fits"] == 3
    oz = CHANNELS.index("OZ")
    assert held["attributions"]["positive"]["beta DE"]["OZ"] == one.mean.attributions[2, 3, oz]
    assert held["attributions"]["neutral"]["beta DE"]["OZ"] is None
    assert held["over_segments"]["negative"]["0.5 s before"] == one.mean.over_segments[0, 0]
    electrode, band = held["without_electrode"], held["without_band"]
    assert electrode["balanced_accuracy_lost"]["OZ"] == one.mean.electrode_accuracy[oz]
    assert electrode["log_probability_lost"]["positive"]["OZ"] == one.mean.electrode_nats[2, oz]
    assert electrode["log_probability_lost_sd"]["positive"]["OZ"] == one.sd.electrode_nats[2, oz]
    assert band["balanced_accuracy_lost_sd"]["gamma"] == one.sd.band_accuracy[4]
    assert band["log_probability_lost"]["negative"]["delta"] == one.mean.band_nats[0, 0]
