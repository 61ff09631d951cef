"""Lost samples: found where they are, counted once, and told to the windows that span them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtbci.stream.gaps import TOLERANCE_S, GapMeter

FEW = settings(max_examples=60, deadline=None, derandomize=True)
START = 51_234.5  # LSL time is a machine's uptime


@st.composite
def lossy_streams(draw):
    """Stamps of a stream that loses samples, and what it has lost: (index after, milliseconds)."""
    sfreq = draw(st.sampled_from([125.0, 250.0, 512.0, 2048.0]))
    lost = draw(
        st.dictionaries(
            st.integers(1, 299), st.floats(TOLERANCE_S + 0.001, 5).map(lambda s: round(s * sfreq))
        )
    )
    lost = {index: n for index, n in lost.items() if n / sfreq > TOLERANCE_S + 1e-6}
    steps = np.ones(300)
    for index, n in lost.items():
        steps[index] += n
    stamps = START + (np.cumsum(steps) - 1) / sfreq
    jitter = np.random.default_rng(draw(st.integers(0, 99))).uniform(-1, 1, 300) * 1e-4 / sfreq
    return sfreq, stamps + jitter, {k: 1e3 * n / sfreq for k, n in sorted(lost.items())}


@FEW
@given(
    stream=lossy_streams(), cuts=st.lists(st.integers(0, 80), min_size=1, max_size=8).filter(any)
)
def test_every_gap_is_found_where_it_is_however_the_stamps_come(stream, cuts):
    sfreq, stamps, lost = stream
    meter, found, at, turn = GapMeter(sfreq), [], 0, 0
    while at < len(stamps):
        part = stamps[at : at + cuts[turn % len(cuts)]]
        found += [(at + index, length) for index, length in meter.find(part)]
        at, turn = at + len(part), turn + 1
    assert [index for index, _ in found] == list(lost)
    np.testing.assert_allclose([length for _, length in found], list(lost.values()), atol=0.01)
    assert meter.total_ms == pytest.approx(sum(lost.values()), abs=0.1)


def test_the_stream_s_first_stamp_is_no_gap():
    assert GapMeter(200).find(np.array([1e9])) == []
    assert GapMeter(200).find(np.array([])) == []


@pytest.mark.parametrize("packet", [1, 4, 7])
def test_drivers_that_stamp_by_the_packet_lose_nothing(packet):
    # All samples of a packet have the packet's time.
    stamps = START + (np.arange(700) // packet * packet) / 250
    meter = GapMeter(250)
    assert meter.find(stamps) == []
    assert meter.total_ms == 0


def test_a_packet_that_is_late_loses_nothing_unless_it_is_very_late():
    stamps = START + np.arange(100) / 250
    late = stamps + np.where(np.arange(100) >= 50, TOLERANCE_S * 0.9, 0)
    assert GapMeter(250).find(late) == []
    very_late = stamps + np.where(np.arange(100) >= 50, TOLERANCE_S * 1.1, 0)
    assert [index for index, _ in GapMeter(250).find(very_late)] == [50]


def test_stamps_that_go_back_are_no_gap():
    stamps = START + np.arange(100) / 250
    stamps[60:] -= 3
    assert GapMeter(250).find(stamps) == []


@FEW
@given(
    gaps=st.dictionaries(st.integers(0, 400), st.floats(40, 5000), max_size=8),
    window=st.integers(1, 100),
    hop=st.integers(1, 50),
)
def test_a_window_is_told_of_the_gaps_inside_it(gaps, window, hop):
    meter, noted = GapMeter(250), []
    for last in range(window - 1, 500, hop):
        for sample in sorted(set(gaps) - set(noted)):
            if sample <= last:
                meter.remember(sample, gaps[sample])
                noted.append(sample)
        first = last - window + 1
        # A gap lies just before its sample, so one before the first sample is outside.
        inside = sum(length for sample, length in gaps.items() if first < sample <= last)
        assert meter.within(first, last) == pytest.approx(inside)


def test_after_a_restart_earlier_gaps_are_nobody_s():
    meter = GapMeter(250)
    meter.remember(10, 100.0)
    assert meter.within(0, 20) == 100
    meter.forget()
    assert meter.within(0, 20) == 0
