from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

from offline.augmentation import drop_channels, mixed, shift_bands, unmixed

MAPS, SIGNAL = (64, 3, 5, 8), (64, 8, 128)
kinds = pytest.mark.parametrize(
    ("shape", "same"), [(MAPS, (1, 2)), (SIGNAL, (2,))], ids=["maps", "signal"]
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


@kinds
def test_a_silent_electrode_is_silent_throughout_its_window_and_the_others_are_untouched(
    shape, same
):
    inputs = noise(*shape)
    dropped = drop_channels(inputs, 0.25)
    kept = dropped == inputs
    assert torch.equal(kept.all(dim=same), kept.any(dim=same))
    assert (dropped[~kept] == 0).all()
    silent = (~kept).all(dim=same).float()  # windows, channels
    assert silent.mean().item() == pytest.approx(0.25, abs=0.06)
    assert (silent.mean(dim=0) > 0).all()  # any electrode may be lost
    assert len(silent.unique(dim=0)) > 32  # each window's own


def test_a_band_of_maps_is_shifted_alike_everywhere_and_otherwise_in_each_window():
    inputs = noise(500, 3, 5, 8)
    shifts = shift_bands(inputs, 0.3) - inputs
    shift = shifts[:, :1, :, :1]
    assert torch.allclose(shifts, shift.expand_as(shifts), atol=1e-6)
    assert shift.std().item() == pytest.approx(0.3, rel=0.05)
    between = np.corrcoef(shift.squeeze().T.numpy())  # planes are shifted independently
    assert np.abs(between - np.eye(5)).max() < 0.2


@pytest.mark.parametrize("points", [128, 199, 256])
def test_an_octave_of_the_signal_gains_what_is_drawn_and_all_electrodes_the_same(points):
    one = noise(1, 1, points).expand(4000, 2, points).clone()
    one[:, 1] *= 3
    shifted = shift_bands(one, 0.3)
    assert shifted.shape == one.shape
    assert torch.allclose(shifted[:, 1], 3 * shifted[:, 0], atol=1e-4)
    before, after = (np.abs(scipy.fft.rfft(x[:, 0].numpy())) for x in (one, shifted))
    nats = np.log(after[:, 1:-1] / before[:, 1:-1])
    frequencies = np.arange(1, points // 2) / (points / 2)  # of the Nyquist frequency
    for octave in (1, 2, 3):  # where the level was drawn itself
        nearest = np.abs(np.log2(frequencies) + octave).argmin()
        assert nats[:, nearest].mean() == pytest.approx(0, abs=0.03)
        assert nats[:, nearest].std() == pytest.approx(0.3, rel=0.1)
    far = np.corrcoef(nats[:, np.abs(frequencies - 0.5).argmin()], nats[:, 1])[0, 1]
    assert abs(far) < 0.1  # another octave, another gain
    steps = np.abs(np.diff(nats[:, points // 4 :], axis=1))
    assert steps.max() < 0.1  # and no jumps between them


def test_the_differential_entropy_of_a_band_of_the_signal_shifts_by_as_many_nats():
    inputs = noise(400, 1, 512)
    shifted = shift_bands(inputs, 0.2)
    band = scipy.signal.butter(4, (0.45, 0.55), "bandpass", output="sos")

    def entropy(x: torch.Tensor) -> np.ndarray:
        filtered = scipy.signal.sosfiltfilt(band, x[:, 0].numpy())[:, 50:-50]
        return 0.5 * np.log(2 * np.pi * np.e * filtered.var(axis=1))

    assert (entropy(shifted) - entropy(inputs)).std() == pytest.approx(0.2, rel=0.15)


@kinds
def test_no_strength_changes_nothing(shape, same):
    inputs = noise(*shape)
    assert torch.equal(drop_channels(inputs, 0), inputs)
    assert torch.allclose(shift_bands(inputs, 0), inputs, atol=1e-5)


@given(alpha=st.floats(0.01, 10), seed=st.integers(0, 2**31), weighted=st.booleans())
def test_mixtures_and_their_loss_are_those_of_soft_labels(alpha, seed, weighted):
    torch.manual_seed(seed)
    inputs, labels = torch.eye(9).unflatten(1, (1, 3, 3)), torch.randint(3, (9,))
    batch = mixed(inputs, labels, alpha)
    assert 0 <= batch.share <= 1
    # Windows are unit vectors, so a mixture says what it is made of.
    shares = batch.inputs.flatten(1)
    assert torch.allclose(shares.sum(0), torch.ones(9), atol=1e-5)  # each is a partner once
    assert (shares.diagonal() >= batch.share - 1e-5).all()
    assert torch.equal(batch.first, labels)
    soft = shares @ torch.eye(3)[labels]
    said = batch.share * torch.eye(3)[batch.first] + (1 - batch.share) * torch.eye(3)[batch.second]
    assert torch.allclose(soft, said, atol=1e-5)
    weights = torch.tensor([0.2, 1.0, 3.0]) if weighted else torch.ones(3)
    logits = torch.randn(9, 3)
    each = -(soft * weights * logits.log_softmax(1)).sum(1)
    by_hand = each.sum() / (soft * weights).sum()
    criterion = torch.nn.CrossEntropyLoss(weights if weighted else None)
    assert torch.allclose(batch.loss(criterion, logits), by_hand, rtol=1e-4)


def test_the_share_of_a_mixture_follows_the_beta_distribution():
    shares = [mixed(torch.zeros(2, 1), torch.zeros(2, dtype=int), 0.4).share for _ in range(3000)]
    assert scipy.stats.kstest(shares, scipy.stats.beta(0.4, 0.4).cdf).pvalue > 0.01


def test_an_unmixed_batch_has_its_own_loss():
    labels, logits = torch.tensor([0, 1, 1]), noise(3, 2)
    criterion = torch.nn.CrossEntropyLoss()
    batch = unmixed(noise(3, 4), labels)
    assert torch.equal(batch.loss(criterion, logits), criterion(logits, labels))
