from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offline.datasets.trial_files import safe_names


@given(st.lists(st.text(max_size=12), unique=True, max_size=12))
def test_safe_names_are_safe_and_distinct(names):
    safe = safe_names(names)
    assert list(safe) == names
    assert len({name.lower() for name in safe.values()}) == len(names)
    for name in safe.values():
        assert name.isascii()
        assert name
        assert not set(name) & set('_/\\:*?"<>| ')
        assert name[0] not in ".-"
