from __future__ import annotations

import pytest

from offline.evaluation.recognisers import RecogniserSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError


def test_the_network_has_no_windows_of_its_own():
    given = {"training": {"epochs": 3}}
    assert validate(RecogniserSettings, given, "evaluation.yaml").training.epochs == 3
    given["training"]["window_stride_s"] = 0.5
    with pytest.raises(ConfigError, match="training = .*same for all recognisers"):
        validate(RecogniserSettings, given, "evaluation.yaml")


def test_covariances_are_always_shrunk():
    with pytest.raises(ConfigError, match="shrinkage = 0: .*greater than or equal to 0.001"):
        validate(RecogniserSettings, {"shrinkage": 0}, "evaluation.yaml")
