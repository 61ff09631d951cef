from __future__ import annotations

import numpy as np
from matplotlib.image import imread

from offline.generators import build_generator
from offline.generators.dcgan import DcganSettings
from offline.generators.gaussian import GaussianSettings
from offline.generators.generator import Real
from offline.proof.report.losses import losses_figure, write_losses
from tests.offline.proof.report.examples import LOSSES, maps, recipe


def test_each_loss_is_a_line_by_epoch_in_its_generators_panel():
    figure = losses_figure({"one": LOSSES, "other": {"class": (1.0,)}})
    one, other = figure.get_axes()
    assert (one.get_title(), other.get_title()) == ("one", "other")
    *lines, _ = one.lines
    for line, (name, values) in zip(lines, LOSSES.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xydata(), list(enumerate(values, 1)))
    assert [text.get_text() for text in one.get_legend().texts] == list(LOSSES)
    # One epoch alone is a point, which a line without marks would not show.
    assert other.lines[0].get_marker() == "."


def test_no_line_is_hidden_by_the_legend():
    figure = losses_figure({"one": {f"loss number {k}": (1.0, 2.0) for k in range(7)}})
    figure.draw_without_rendering()
    (axes,) = figure.get_axes()
    legend, labelled = axes.get_legend().get_window_extent(), axes.xaxis.label.get_window_extent()
    assert legend.y1 <= labelled.y0
    assert legend.y0 >= 0


def test_a_trained_generators_losses_lie_beside_its_file(tmp_path):
    examples = maps()
    real = Real(examples.x, examples.labels, examples.groups)
    trained = build_generator(recipe(), DcganSettings(epochs=2, width=4)).fit(real)
    picture = write_losses(trained, tmp_path / "folder" / "made.pt")
    assert picture == tmp_path / "folder" / "made.losses.png"
    assert imread(picture).ndim == 3
    plain = build_generator(recipe(), GaussianSettings()).fit(real)
    assert write_losses(plain, tmp_path / "plain.pt") is None
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
