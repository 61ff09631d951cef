"""A person's own prototypes: offline as live has them."""

from __future__ import annotations

import numpy as np

from offline.calibrating import block_windows, measured, persons_of
from offline.evaluation.fitting import as_live
from offline.features.extract import extract
from offline.recognisers import fit_chosen, inputs_of, log_probabilities
from offline.recognisers.as_network import as_network
from offline.recognisers.places import placed, with_outputs
from rtbci.model.file import Output, PrototypeValues, load_model, save_model
from rtbci.model.prototypes import Prototypes, class_means
from rtbci.model.recogniser import Recogniser
from rtbci.recipe import Calibration
from tests.offline.evaluation.people import CHANNELS, RECIPE, SETTINGS, SFREQ, person

NAME = "logistic-regression"
BLOCK = Calibration(classes=("low", "high"), seconds=6, prototypes=True)
ASKED = RECIPE.model_copy(update={"calibration": BLOCK, "smoothing": None})


def test_offline_and_live_put_a_wearers_classes_in_the_same_place(tmp_path):
    recordings = [person(1), person(2), person(3, skill=0.4)]
    features = [extract(each, ASKED) for each in recordings]
    blocks = block_windows(recordings, features, ASKED, BLOCK)
    train, checked = (np.flatnonzero(features[r].label >= 0) for r in (0, 1))
    persons = persons_of(recordings, features, ASKED, blocks)
    measures = measured(features, {0: train}, ASKED, persons)
    inputs = [
        inputs_of(features[r], rows, measures.of(r), ASKED, "maps")
        for r, rows in ((0, train), (1, checked))
    ]
    labels = [features[0].label[train], features[1].label[checked]]
    fitted = fit_chosen(NAME, inputs[0], labels[0], inputs[1], labels[1], ASKED, 0, SETTINGS)
    common = Prototypes.fit(log_probabilities(fitted, inputs[1], 2), labels[1])
    own = with_outputs(fitted, recordings, features, blocks, measures, ASKED, {2})
    assert set(own) == {2}
    plain = as_live(fitted, features[2], measures.of(2), ASKED)
    expected = class_means(plain[blocks.inside[2].rows], blocks.inside[2].labels)
    np.testing.assert_allclose(own[2].outputs, expected, atol=1e-9)

    learned = as_network(fitted)
    output = Output(temperature=learned.temperature, prototypes=PrototypeValues.of(common))
    path = tmp_path / "m.pt"
    save_model(path, learned.network, ASKED, measures.training, {}, sees="maps", output=output)
    live = Recogniser(load_model(path), SFREQ, CHANNELS, person=own[2])
    online = live.push(recordings[2].read().T).probabilities
    np.testing.assert_allclose(
        np.exp(placed(common, plain, own[2], ASKED)), online, rtol=0, atol=1e-6
    )
    assert not np.allclose(np.exp(plain), online, atol=1e-3)
