from __future__ import annotations

import numpy as np
import pytest

from offline.evaluation.recognisers.network import CnnClassifier
from rtbci.model.file import load_model, save_model
from rtbci.montage.grids import Grid
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_says_what_the_model_file_says_live(recipe: Recipe, settings, part, tmp_path):
    (train, labels), (held_out, checked) = part(200, 1), part(60, 2)
    classifier = CnnClassifier(recipe, settings.cnn, settings.training, seed=0)
    X, new = train.array("maps"), held_out.array("maps")
    classifier.fit(X, labels, validation=(new, checked))
    flat = Statistics(np.zeros(recipe.map_shape), np.ones(recipe.map_shape))
    save_model(tmp_path / "m.pt", classifier.fitted_.network, recipe, flat, {})
    pictures = Grid.of(recipe.grid, recipe.channels).to_grid(held_out.maps)
    live = load_model(tmp_path / "m.pt").log_probabilities(pictures)
    assert np.array_equal(classifier.predict_log_proba(new), live)
    assert np.array_equal(classifier.predict(new), live.argmax(axis=1))


def test_stops_on_the_validation_part(recipe, settings, part):
    (train, labels), (held_out, checked) = part(200, 1), part(60, 2)
    classifier = CnnClassifier(recipe, settings.cnn, settings.training, seed=0)
    contrary = (held_out.array("maps"), (checked + 1) % 3)
    classifier.fit(train.array("maps"), labels, validation=contrary)
    validation = [loss for _, loss in classifier.fitted_.losses]
    assert classifier.fitted_.best_epoch == 1 + int(np.argmin(validation))
    assert len(validation) == classifier.fitted_.best_epoch + settings.training.patience
