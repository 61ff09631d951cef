from __future__ import annotations

import pytest

from offline.datasets.readers import open_recording
from rtbci.errors import RecordingError


@pytest.mark.parametrize("name", ["a.edf", "a.bdf"])
def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(RecordingError, match=rf"{name}: Is a directory$"):
        open_recording(tmp_path / name)
