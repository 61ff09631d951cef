from __future__ import annotations

import pytest

from rtbci.atomic import require_writable
from rtbci.errors import ConfigError


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    require_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="file.*cannot be written .*--output"):
        require_writable(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
