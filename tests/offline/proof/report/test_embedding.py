from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

from offline.evaluation.report.panels import class_styles
from offline.proof.fidelity import REAL, TEST
from offline.proof.report.embedding import Projection, embedding_figure
from tests.offline.evaluation.report.examples import CLASSES
from tests.offline.proof.report.examples import HOW_FAR, compared


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), features=st.integers(2, 12))
def test_the_projection_is_scikit_learns(seed, features):
    rng = np.random.default_rng(seed)
    scales = np.linspace(3, 1, features)
    x, other = (scales * rng.normal(size=(n, features)) + 5 for n in (40, 7))
    project, reference = Projection.of(x), PCA(2, svd_solver="full").fit(x)
    np.testing.assert_allclose(
        np.abs(project(other)), np.abs(reference.transform(other)), atol=1e-9
    )
    np.testing.assert_allclose(project.shares, reference.explained_variance_ratio_, atol=1e-12)
    # The sides are fixed: in another order the picture is the same.
    np.testing.assert_allclose(Projection.of(x[::-1])(other), project(other), atol=1e-9)


def test_one_feature_has_no_second_component():
    x = np.arange(5.0)[:, None]
    project = Projection.of(x)
    np.testing.assert_allclose(project(x), np.stack([np.arange(5) - 2.0, np.zeros(5)], axis=1))
    assert project.shares == (1.0, 0.0)


def test_features_that_are_all_the_same_are_drawn():
    one = compared()
    alike = {name: np.ones_like(each) for name, each in one.features.items()}
    embedding_figure(replace(one, features=alike), CLASSES).draw_without_rendering()


def test_the_real_points_are_the_same_in_each_panel_and_rule_it():
    one = compared()
    figure = embedding_figure(one, CLASSES)
    panels = figure.get_axes()
    assert [each.get_title() for each in panels] == list(HOW_FAR)
    project = Projection.of(one.features[TEST])
    real = project(one.features[TEST])
    colours = [style["color"] for style in class_styles(CLASSES)]
    for panel in panels:
        dots, crosses = panel.collections[::2], panel.collections[1::2]
        for label, (dot, cross) in enumerate(zip(dots, crosses, strict=True)):
            np.testing.assert_allclose(dot.get_offsets(), real[one.test.labels == label])
            assert to_hex(dot.get_facecolor()[0]).upper() == colours[label]
            assert to_hex(cross.get_edgecolor()[0]).upper() == colours[label]
        assert panel.get_xlim() == panels[0].get_xlim()
    own = np.concatenate([each.get_offsets() for each in panels[0].collections[1::2]])
    np.testing.assert_allclose(own, project(one.features[REAL]))
    labels = [text.get_text() for text in figure.legends[0].texts]
    assert labels == [*CLASSES, TEST, "the panel's"]


def test_what_lies_far_outside_is_at_the_edge():
    one = compared()
    far = {**one.features, "poor": one.features["poor"] + 1e4}
    panel = embedding_figure(replace(one, features=far), CLASSES).get_axes()[-1]
    x = np.concatenate([each.get_offsets()[:, 0] for each in panel.collections[1::2]])
    assert set(np.round(x, 6)) <= set(np.round(panel.get_xlim(), 6))
    usual = embedding_figure(one, CLASSES).get_axes()[-1]
    assert panel.get_xlim() == pytest.approx(usual.get_xlim())


def test_of_many_points_some_are_drawn_evenly():
    one = compared()
    rows = np.tile(np.arange(len(one.test)), 60)
    many = replace(
        one, test=one.test[rows], features={**one.features, TEST: one.features[TEST][rows]}
    )
    dots = embedding_figure(many, CLASSES).get_axes()[0].collections[0]
    assert len(dots.get_offsets()) == 400
    assert len(np.unique(dots.get_offsets(), axis=0)) == 12
