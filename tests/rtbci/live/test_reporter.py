"""When it is better not to act on a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from rtbci.live.recognition import Recognition
from rtbci.live.reporter import Reporter
from rtbci.model.file import Output
from rtbci.publish.publisher import Publisher
from rtbci.publish.wire import Quality
from tests.system import make_model


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return [
        make_model(folder / f"{name}.pt", Output(abstain_below=threshold), channels=("FP1", "OZ"))
        for name, threshold in (("bold", 0.0), ("careful", 0.6))
    ]


def says(models, *greatest: float, abstain_below: float | None = None):
    """Return what is published where the models' greatest probabilities are these."""
    found = [
        Recognition(np.array([(1 - p) / 2, (1 - p) / 2, p]), 1.0, "ok", Quality()) for p in greatest
    ]
    with Publisher("tcp://127.0.0.1:*") as publisher:
        return Reporter(publisher, models, "eeg", abstain_below).predict(found, 1.0)


def test_a_model_abstains_below_its_own_threshold_and_still_says_the_likeliest(models):
    bold, careful = models
    uncertain = says([careful], 0.59)
    assert uncertain.abstained
    assert uncertain.label == "positive"
    assert not says([careful], 0.6).abstained
    assert not says([bold], 0.35).abstained


def test_of_several_models_the_most_careful_one_s_threshold_holds_for_the_average(models):
    assert says(models, 0.7, 0.48).abstained  # the average is 0.59
    assert not says(models, 0.7, 0.52).abstained
    assert says(models, 0.7, 0.52).model == "bold+careful"


def test_what_a_person_says_comes_before_the_models_thresholds(models):
    bold, careful = models
    assert says([bold], 0.79, abstain_below=0.8).abstained
    assert not says([careful], 0.4, abstain_below=0.0).abstained
    assert not says(models, 0.4, 0.4, abstain_below=0.3).abstained
