from __future__ import annotations

import pytest

from offline.recognisers import RecogniserSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError


def test_covariances_are_always_shrunk():
    with pytest.raises(ConfigError, match="shrinkage = 0: .*greater than or equal to 0.001"):
        validate(RecogniserSettings, {"tangent_space": {"shrinkage": 0}}, "evaluation.yaml")
