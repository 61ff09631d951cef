from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offline.datasets.recording import Trial, cut


@given(
    st.lists(st.integers(1, 1999), max_size=5, unique=True).map(sorted),
    st.lists(st.tuples(st.integers(0, 1999), st.integers(1, 2000)), min_size=1, max_size=6),
)
def test_trials_are_cut_alike_however_the_blocks_lie(edges, spans):
    samples = np.random.default_rng(0).standard_normal((2, 2000)).astype(np.float32)
    trials = [Trial(min(a, b - 1), max(a + 1, b), 0) for a, b in spans]
    pieces = dict(cut(np.split(samples, edges, axis=1), trials))
    assert sorted(pieces) == list(range(len(trials)))
    for index, trial in enumerate(trials):
        np.testing.assert_array_equal(pieces[index], samples[:, trial.start : trial.stop])


def test_a_trial_that_reaches_beyond_the_end_is_left_out():
    assert dict(cut([np.zeros((1, 50), np.float32)], [Trial(10, 51, 0), Trial(60, 70, 0)])) == {}
