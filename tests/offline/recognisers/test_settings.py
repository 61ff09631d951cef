from __future__ import annotations

import pytest

from offline.experiment import Experiment
from offline.models.cnn import CnnSettings
from offline.models.graph import GraphSettings
from offline.recognisers.settings import LinearSettings, settings_with
from offline.training import TrainingSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError


def test_a_model_is_one_setting_of_all_recognisers():
    training = TrainingSettings(epochs=3)
    graph = settings_with(GraphSettings(width=4), training)
    assert (graph.graph.width, graph.cnn, graph.training) == (4, CnnSettings(), training)
    assert settings_with(LinearSettings(kind="regional"), training).training == training


def test_an_unknown_kind_is_answered_with_those_that_there_are():
    with pytest.raises(ConfigError, match="kind = 'svm': there are .*linear-svm, .*conformer"):
        validate(Experiment, {"dataset": "a", "output": "b", "model": {"kind": "svm"}}, "x.yaml")
