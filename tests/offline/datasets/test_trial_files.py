from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offline.datasets.recording import Trial, recording_of
from offline.datasets.trial_files import cut, safe_names


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


@given(
    st.lists(st.integers(1, 1999), max_size=5, unique=True).map(sorted),
    st.lists(st.tuples(st.integers(0, 1999), st.integers(1, 2000)), min_size=1, max_size=6),
)
def test_trials_are_cut_alike_however_the_blocks_lie(edges, spans):
    samples = np.random.default_rng(0).standard_normal((4, 2000))
    whole = recording_of(samples, 200.0, ("Fp1", "Fp2", "C3", "C4"))
    trials = [Trial(min(a, b - 1), max(a + 1, b), 0) for a, b in spans]
    held = whole.read()
    blocks = np.split(held, edges, axis=1)
    pieces = dict(cut(replace(whole, blocks=lambda: iter(blocks)), [2, 0], trials))
    assert sorted(pieces) == list(range(len(trials)))
    for index, trial in enumerate(trials):
        np.testing.assert_array_equal(pieces[index], held[[2, 0], trial.start : trial.stop])
