from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from offline.evaluation.findings import pooled
from offline.evaluation.report.behaviour import calibration_figure, over_time_figure
from offline.evaluation.report.heads import electrodes_figure, maps_figure, spectra_figure
from offline.evaluation.report.panels import (
    class_styles,
    legend_above,
    line_styles,
    panels,
    shortened,
)
from offline.evaluation.report.scores import confusion_figure, controls_figure, subjects_figure
from rtbci.montage.names import SEED_CHANNELS
from tests.offline.evaluation.report.examples import CLASSES, findings, pictures, summary


def panel(figure: Figure, title: str) -> Axes:
    (found,) = [axes for axes in figure.get_axes() if axes.get_title().split("\n")[0] == title]
    return found


def test_confusion_matrices_show_shares_of_the_true_class_and_counts() -> None:
    confusion = np.array([[30, 10, 0], [5, 5, 10], [0, 0, 0]])
    axes = panel(confusion_figure(findings(summaries=(summary(confusion=confusion),))), "cnn")
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_allclose(shown[:2], [[0.75, 0.25, 0], [0.25, 0.25, 0.5]])
    assert np.isnan(shown[2]).all()
    texts = [text.get_text() for text in axes.texts]
    assert texts[0] == "75.0 %\n30"
    assert texts[5] == "50.0 %\n10"
    assert texts[8] == "– %\n0"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(CLASSES)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recognised", "true")


def test_subjects_are_bars_with_mean_interval_and_chance() -> None:
    one = summary("cnn", per_subject={"1": 0.5, "2": 0.7, "3": 0.6})
    found = findings(summaries=(one,), subjects=("1", "2", "3", "absent"))
    axes = panel(subjects_figure(found), "cnn")
    bars = axes.containers[0]
    np.testing.assert_array_equal([bar.get_height() for bar in bars], [0.5, 0.7, 0.6, np.nan])
    mean, chance = (line.get_ydata()[0] for line in axes.lines)
    assert mean == one.balanced_accuracy.mean
    assert chance == pytest.approx(1 / 3)
    span = next(patch for patch in axes.patches if patch not in bars)
    edges = span.get_bbox()
    assert (edges.y0, edges.y1) == (one.balanced_accuracy.low, one.balanced_accuracy.high)
    assert axes.get_ylabel() == "balanced accuracy [%]"


def test_controls_show_every_number_with_its_interval() -> None:
    found = findings(
        leak={"cnn": summary("cnn", 0.95)}, leak_controls={"cnn": (summary("cnn", 0.9, seed=4),)}
    )
    figure = controls_figure(found)
    (axes,) = figure.get_axes()
    points = [container.lines[0].get_xdata()[0] for container in axes.containers]
    expected = []
    for one in found.summaries:
        expected += [one.balanced_accuracy.mean, pooled(found.controls[one.recogniser]).mean]
        if one.recogniser == "cnn":
            expected += [found.leak["cnn"].balanced_accuracy.mean]
            expected += [pooled(found.leak_controls["cnn"]).mean]
    np.testing.assert_allclose(points, expected)
    control = pooled(found.controls["cnn"])
    (bar,) = axes.containers[1].lines[2]
    np.testing.assert_allclose(bar.get_segments()[0][:, 0], [control.low, control.high])
    assert axes.lines[-1].get_xdata() == pytest.approx([1 / 3, 1 / 3])
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert "random windows (LEAKY)" in labels
    assert labels[-1] == "chance"


def test_calibration_shows_bins_and_error() -> None:
    found = findings(("cnn",))
    (one,) = found.summaries
    upper, lower = calibration_figure(found).get_axes()
    ideal, curve = upper.lines
    np.testing.assert_array_equal(ideal.get_xydata(), [[0, 0], [1, 1]])
    bins = one.calibration.bins
    np.testing.assert_allclose(curve.get_xydata(), [(b.confidence, b.accuracy) for b in bins])
    assert [bar.get_height() for bar in lower.containers[0]] == [b.windows for b in bins]
    assert upper.get_title() == f"cnn\nECE {one.calibration.expected_error:.3f}"


def test_accuracy_over_time_shows_both_curves_chance_and_trials() -> None:
    found = findings(("cnn",))
    times = found.summaries[0].over_time
    upper, lower = over_time_figure(found).get_axes()
    window, so_far, chance = upper.lines
    np.testing.assert_array_equal(window.get_ydata(), times.window)
    np.testing.assert_array_equal(so_far.get_xdata(), times.seconds)
    np.testing.assert_array_equal(so_far.get_ydata(), times.so_far)
    assert chance.get_ydata()[0] == pytest.approx(1 / 3)
    assert lower.collections[0].get_paths()[0].vertices[:, 1].max() == times.trials.max()
    assert lower.get_xlabel() == "time since the trial began [s]"


def test_a_maps_peak_is_at_its_electrode() -> None:
    places = {
        "O1": lambda x, y: x < -0.01 and y < -0.05,
        "T8": lambda x, y: x > 0.05 and abs(y) < 0.03,
        "FP2": lambda x, y: x > 0.01 and y > 0.05,
        "CZ": lambda x, y: abs(x) < 0.02 and abs(y) < 0.03,
    }
    maps = np.zeros((2, 4, 62))
    for plane, electrode in enumerate(places):
        maps[plane % 2, plane, SEED_CHANNELS.index(electrode)] = 1.0
    figure = maps_figure(("rest", "task"), pictures(bands=tuple(places), class_maps=maps))
    drawn = [axes for axes in figure.get_axes() if axes.images]
    peaks = [axes for axes in drawn if np.ma.max(axes.images[0].get_array()) > 0.5]
    assert (len(drawn), len(peaks)) == (8, 4)
    for axes in peaks:
        cell = axes.get_subplotspec()
        plane = cell.colspan.start
        assert cell.rowspan.start == plane % 2
        assert list(places.values())[plane](*peak(axes.images[0])), (plane, peak(axes.images[0]))


def peak(image: AxesImage) -> tuple[float, float]:
    values = np.nan_to_num(np.ma.filled(image.get_array().astype(float), 0))
    row, column = np.unravel_index(values.argmax(), values.shape)
    left, right, bottom, top = image.get_extent()
    x = left + (right - left) * (column + 0.5) / values.shape[1]
    return x, bottom + (top - bottom) * (row + 0.5) / values.shape[0]


def test_a_class_without_windows_has_no_map() -> None:
    maps = np.zeros((2, 2, 8))
    maps[1, 0] = np.nan
    few = pictures(channels=SEED_CHANNELS[:8], bands=("alpha", "beta"), class_maps=maps)
    axes = maps_figure(("rest", "task"), few).get_axes()
    assert sum(bool(each.images) for each in axes) == 3
    assert [text.get_text() for each in axes for text in each.texts].count("no windows") == 1


def test_ten_planes_come_in_two_blocks() -> None:
    planes = tuple(f"plane {k}" for k in range(10))
    drawn = pictures(
        channels=SEED_CHANNELS[:8], bands=planes, class_maps=np.zeros((2, 10, 8)), interpolated=()
    )
    figure = maps_figure(("rest", "task"), drawn)
    assert [axes.get_title() for axes in figure.get_axes() if axes.get_title()] == list(planes)
    assert len(figure.subfigs) == 2


def test_interpolated_electrodes_are_hollow() -> None:
    axes = electrodes_figure(pictures(interpolated=("CB1",))).get_axes()[0]
    hollow = [tuple(face) == (1, 1, 1, 1) for face in axes.collections[0].get_facecolors()]
    assert [name for name, is_so in zip(SEED_CHANNELS, hollow, strict=True) if is_so] == ["CB1"]
    assert {text.get_text() for text in axes.texts if text.get_text()} == set(SEED_CHANNELS)


def test_spectra_are_drawn_by_class() -> None:
    drawn = pictures()
    (axes,) = spectra_figure(CLASSES, drawn).get_axes()
    for line, row in zip(axes.lines, drawn.spectra, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), row)
    assert axes.get_ylabel() == "power density [dB re 1 µV²/Hz]"


def test_classes_look_the_same_whatever_their_order_and_differ() -> None:
    assert class_styles(CLASSES)[0]["color"] == class_styles(CLASSES[::-1])[2]["color"]
    many = class_styles(tuple("abcdef"))
    assert len({style["color"] for style in many}) == 6


def test_a_dozen_lines_are_told_apart_by_colour_and_by_marker() -> None:
    styles = line_styles(12)
    assert len({style["color"] for style in styles[:8]}) == 8
    assert len({style["marker"] for style in styles[:10]}) == 10
    assert len({(style["color"], style["marker"]) for style in styles}) == 12


def test_a_map_that_is_flat_on_its_columns_scale_has_no_lines() -> None:
    maps = np.zeros((2, 1, 62))
    maps[0, 0] = np.linspace(-1, 1, 62)
    maps[1, 0] = 1e-3 * maps[0, 0]
    axes = maps_figure(("rest", "task"), pictures(bands=("alpha",), class_maps=maps)).get_axes()
    lines = [
        sum(len(path) for each in head.collections for path in each.get_paths())
        for head in axes
        if head.images
    ]
    assert lines[0] > lines[1] == 0


@pytest.mark.parametrize("count", [1, 3, 9, 30])
def test_a_legend_stays_within_its_figure(count: int) -> None:
    labels = [f"recogniser {k}" for k in range(count)]
    figure, (axes, *_) = panels(1, 3.0)
    legend_above(figure, [axes.plot([0, 1])[0] for _ in labels], labels)
    figure.draw_without_rendering()
    drawn = figure.legends[0].get_window_extent()
    assert drawn.x0 >= 0
    assert drawn.x1 <= figure.bbox.x1
    assert (figure.legends[0]._ncols == count) == (count <= 3)


def test_shortened_names_keep_their_ends() -> None:
    assert shortened(["a very long name 1", "a very long name 2"]) == [
        "a very… name 1",
        "a very… name 2",
    ]
    assert shortened(["12345678901234"]) == ["12345678901234"]


def test_labels_of_fifteen_subjects_and_nine_recognisers_do_not_overlap() -> None:
    subjects = tuple(f"S{k:02d}" for k in range(1, 16))
    names = tuple(f"recogniser {k}" for k in range(9))
    figure = subjects_figure(findings(names, subjects))
    figure.draw_without_rendering()
    for axes in figure.get_axes():
        boxes = [tick.get_window_extent() for tick in axes.get_xticklabels()]
        assert all(a.x1 <= b.x0 for a, b in pairwise(boxes))
        whole = axes.get_tightbbox()
        assert whole.x0 >= 0
        assert whole.x1 <= figure.bbox.x1


def test_figures_are_made_without_any_window_system() -> None:
    code = (
        "import matplotlib.pyplot as plt\n"
        "from tests.offline.evaluation.report.examples import *\n"
        "from offline.evaluation.report.heads import electrodes_figure\n"
        "electrodes_figure(pictures()).savefig('/dev/null', format='png')\n"
        "assert plt.get_fignums() == []\n"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
