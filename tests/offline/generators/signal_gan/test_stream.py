from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.generators.signal_gan.generator import SignalGAN
from offline.generators.signal_gan.stream import Noise
from rtbci.errors import GeneratorError
from tests.offline.generators.signal_gan.rhythms import SFREQ, band_power, tiny

ALPHA = (8.0, 12.0)


@pytest.fixture(scope="module")
def generator() -> SignalGAN:
    return tiny()


@settings(deadline=None, max_examples=10)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=6))
def test_samples_are_the_same_bit_for_bit_however_they_are_asked_for(generator, cuts):
    whole = generator.stream(5).next(sum(cuts) + 1, 1)
    pieces = generator.stream(5)
    parts = [pieces.next(count, 1) for count in [*cuts, 1]]
    assert [len(part) for part in parts] == [*cuts, 1]
    assert np.array_equal(np.concatenate(parts), whole)
    assert whole.dtype == np.float32


def test_pieces_are_what_one_long_pass_gives(generator):
    network, length = generator._network, 4 * generator._network.piece
    made = generator.stream(2).next(length, 0)
    style = generator.stream(2)._styles[:1]
    whole = network(torch.tensor([0]), style, (network.first, network.first + length), Noise(2))
    expected = whole[0].numpy().T * generator._scale
    assert np.abs(made - expected).max() < 1e-4 * expected.std()


def test_seams_have_the_derivatives_and_the_spectrum_of_the_inside(generator):
    piece = generator._network.piece
    made = generator.stream(1).next(40 * piece, 0).astype(np.float64)
    seams = np.arange(1, 40) * piece
    for order in (1, 2, 3):
        steps = np.abs(np.diff(made, order, axis=0))
        inside = np.delete(steps, np.concatenate([seams - k for k in range(1, order + 1)]), axis=0)
        assert steps[seams - 1].mean() == pytest.approx(inside.mean(), rel=0.2)
        assert steps[seams - 1].max() <= inside.max()
    high = scipy.signal.butter(4, 0.35 * SFREQ, "highpass", fs=SFREQ, output="sos")
    hiss = np.square(scipy.signal.sosfiltfilt(high, made, axis=0))
    near = np.concatenate([hiss[seam - 5 : seam + 5] for seam in seams])
    assert near.mean() == pytest.approx(hiss.mean(), rel=0.25)


def test_a_change_of_class_is_heard_within_a_second_and_changes_nothing_before(generator):
    change, length = 700, 6000
    stay, switch = generator.stream(3), generator.stream(3)
    stayed = stay.next(length, 0)
    switched = np.concatenate([switch.next(change, 0), switch.next(length - change, 1)])
    assert np.array_equal(stayed[:change], switched[:change])
    one = generator.stream(3).next(length, 1)
    settled = change + round(2.5 * SFREQ)
    assert np.abs(switched[settled:] - one[settled:]).max() < 1e-3 * one.std()
    assert np.abs(stayed[settled:] - one[settled:]).max() > 0.1 * one.std()
    assert band_power(switched[settled:].T, *ALPHA).sum() > band_power(stayed.T, *ALPHA).sum()
    slope = np.abs(np.diff(switched.astype(np.float64), axis=0))
    assert slope[change - 2 : change + 2].max() < slope.max()


def test_another_seed_is_another_wearer(generator):
    ours, same = generator.stream(1).next(300, 0), generator.stream(1).next(300, 0)
    others = generator.stream(2).next(300, 0)
    assert np.array_equal(ours, same)
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(ours.T, others.T, strict=True)]
    assert np.abs(correlation).max() < 0.5


def test_a_long_stream_neither_drifts_nor_dies(generator):
    made = generator.stream(4).next(30_000, 1).astype(np.float64)
    assert np.isfinite(made).all()
    assert np.abs(made.mean(axis=0)).max() < 0.05 * made.std()
    early, late = made[:10_000].std(axis=0), made[-10_000:].std(axis=0)
    assert np.allclose(early, late, rtol=0.3)


def test_noise_of_a_position_is_white_and_its_own():
    noise = Noise(7)
    whole = noise(3, (0, 5000), 4)[0].numpy()
    assert np.array_equal(noise(3, (130, 777), 4)[0].numpy(), whole[:, 130:777])
    assert not np.array_equal(noise(2, (0, 5000), 4)[0].numpy(), whole)
    assert whole.std() == pytest.approx(1, abs=0.03)
    rows = np.corrcoef(whole)
    assert np.abs(rows - np.eye(4)).max() < 0.06
    next_one = np.mean(whole[:, 1:] * whole[:, :-1])
    assert abs(next_one) < 0.03


def test_an_unknown_class_is_refused(generator):
    with pytest.raises(GeneratorError, match="no class 2; the generator knows calm, awake"):
        generator.stream().next(10, 2)
