from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from offline.proof.fidelity import REAL, TEST
from offline.proof.report.maps import band_figure, effects
from offline.proof.sets import ExampleSet
from tests.offline.evaluation.report.examples import CLASSES
from tests.offline.proof.report.examples import HOW_FAR, compared, effect, recipe


def test_effects_are_means_over_folds_of_what_tells_the_classes_apart():
    found = effects((compared("1"), compared("2", seed=10)), len(CLASSES))
    assert list(found) == [TEST, *HOW_FAR]
    for name, far in HOW_FAR.items():
        np.testing.assert_allclose(found[name], (1 - far) * effect(), atol=0.06)


def test_a_class_counts_alike_however_few_maps_it_has():
    one = compared()
    few = np.flatnonzero((one.test.labels != 0) | (np.arange(len(one.test)) < 3))
    found = effects((replace(one, test=one.test[few]),), len(CLASSES))
    np.testing.assert_allclose(found[TEST], effect(), atol=0.1)


def test_a_row_a_class_a_column_a_set_and_one_scale_of_the_real_ones():
    one = compared()
    loud = ExampleSet(20 * one.made["poor"].x, one.made["poor"].labels, one.made["poor"].groups)
    figure = band_figure((replace(one, made={**one.made, "poor": loud}),), recipe(), 2)
    heads = [each for each in figure.get_axes() if each.images]
    assert len(heads) == len(CLASSES) * (1 + len(HOW_FAR))
    limits = {each.images[0].get_clim() for each in heads}
    assert len(limits) == 1
    real = effects((one,), len(CLASSES))
    expected = max(np.abs(real[name][:, 2]).max() for name in (TEST, REAL))
    assert limits.pop() == pytest.approx((-expected, expected))
    titles = [each.get_title() for each in figure.get_axes() if each.get_title()]
    assert titles == [TEST, *HOW_FAR]
    texts = [text.get_text() for each in figure.get_axes() for text in each.texts]
    assert [text for text in texts if text in CLASSES] == list(CLASSES)
    assert {each.get_xlabel() for each in figure.get_axes()} == {"", "SD"}


def test_it_is_the_plane_that_was_asked_for():
    one = compared()
    spiky = one.test.x.copy()
    spiky[one.test.labels == 0, 3] += 100.0
    loud = replace(one, test=ExampleSet(spiky, one.test.labels, one.test.groups))
    images = [
        next(axes.images[0] for axes in band_figure((loud,), recipe(), plane).get_axes())
        for plane in (2, 3)
    ]
    for image, (least, most) in zip(images, ((0, 5), (50, 100)), strict=True):
        assert least < image.get_clim()[1] < most
        assert least < np.ma.max(np.ma.masked_invalid(image.get_array())) < most


def test_of_several_segments_the_newest_one_is_drawn():
    one = compared()
    spiky = one.test.x.copy()
    spiky[one.test.labels == 0, 3] += 100.0
    loud = replace(one, test=ExampleSet(spiky, one.test.labels, one.test.groups))
    both = replace(
        one,
        test=stacked(one.test, loud.test),
        made={name: stacked(each, each) for name, each in one.made.items()},
    )
    whole, newest = (
        next(axes.images[0] for axes in band_figure((each,), asked, 3).get_axes())
        for each, asked in ((loud, recipe()), (both, recipe(segments=2)))
    )
    np.testing.assert_array_equal(newest.get_array(), whole.get_array())


def stacked(older: ExampleSet, newer: ExampleSet) -> ExampleSet:
    x = np.concatenate([older.x, newer.x], axis=1)
    return ExampleSet(x, newer.labels, newer.groups)


def test_what_maps_are_compared_with_leads_each_row_of_heads():
    one = compared()
    many = {f"made {k}": one.made["poor"] for k in range(7)}
    figure = band_figure((replace(one, made={REAL: one.made[REAL], **many}),), recipe(), 2)
    titles = [each.get_title() for each in figure.get_axes() if each.get_title()]
    first, second = [k for k, title in enumerate(titles) if title == TEST]
    assert first == 0
    assert titles[1:second] + titles[second + 1 :] == [REAL, *many]
