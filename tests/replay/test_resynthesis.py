from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from offline.datasets.readers import open_recording
from offline.datasets.recording import Recording
from replay.resynthesis import LIMIT, resynthesis, resynthesised
from replay.simulator.simulator import Simulator
from rtbci.errors import ChannelError, ReplayError
from rtbci.montage.names import SEED_CHANNELS, canonical_name
from rtbci.recipe import Recipe
from rtbci.signal.path import SignalPath

SFREQ = 200.0
CHANNELS = ("FP1", "F7", "FZ", "C3", "T8", "PZ", "O1", "O2")
RECIPE = Recipe(channels=CHANNELS)


def simulated(seconds: float = 40, channels: Sequence[str] = CHANNELS) -> NDArray[np.float32]:
    return Simulator(SFREQ, channels, seed=4).next(round(seconds * SFREQ), 1).T


def measured(
    samples: NDArray[np.floating],
    recipe: Recipe = RECIPE,
    sfreq: float = SFREQ,
    channels: Sequence[str] = CHANNELS,
) -> NDArray[np.float64]:
    return SignalPath(recipe, sfreq, channels).push(samples.T.astype(np.float32)).values


def edited(
    maps: NDArray[np.float64], hop_s: float = 0.1, nats: float = 0.5, noise: float = 0.0
) -> NDArray[np.float64]:
    """Other levels of each band and channel every 20 s, at once, and noise from hop to hop."""
    rng = np.random.default_rng(1)
    turn = (np.arange(len(maps)) * hop_s // 20).astype(int)
    levels = rng.uniform(-nats, nats, (turn[-1] + 1, *maps.shape[1:]))
    return maps + levels[turn] + noise * rng.normal(size=maps.shape)


def coherence(x: NDArray[np.float32], y: NDArray[np.float32], sfreq: float) -> list[float]:
    """Mean length of each band's mean phase difference, 1 where the phase is the same."""
    found = []
    for band in RECIPE.bands:
        sos = signal.butter(3, (band.low, band.high), "bandpass", fs=sfreq, output="sos")
        one, other = (signal.hilbert(signal.sosfiltfilt(sos, each)) for each in (x, y))
        turn = np.angle(one * other.conj())
        found.append(float(np.abs(np.exp(1j * turn).mean(axis=1)).mean()))
    return found


@pytest.mark.parametrize("reference", ["none", "average"])
def test_what_measures_as_wanted_is_returned_as_it_is(reference: str) -> None:
    recipe = Recipe(channels=CHANNELS, reference=reference, notch_hz=50)
    x = simulated(20)
    np.testing.assert_array_equal(resynthesised(x, SFREQ, CHANNELS, measured(x, recipe), recipe), x)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hop_s": 1.0},
        {"reference": "average", "notch_hz": 50},
        {"window_s": 2.0, "hop_s": 0.5, "filter_order": 2},
        {"window_s": 1.005},  # a window ends with the first sample of a block
    ],
)
def test_the_signal_path_measures_what_is_wanted(changes: dict[str, object]) -> None:
    recipe = Recipe(channels=CHANNELS, **changes)
    x = simulated()
    wanted = edited(measured(x, recipe), recipe.hop_s)
    y = resynthesised(x, SFREQ, CHANNELS, wanted, recipe)
    assert y.shape == x.shape
    assert y.dtype == np.float32
    error = np.abs(measured(y, recipe) - wanted)
    assert error.mean() < 0.05
    assert np.abs(measured(x, recipe) - wanted).mean() > 0.2


def test_noise_from_hop_to_hop_is_followed_as_far_as_windows_can() -> None:
    x = simulated()
    wanted = edited(measured(x), nats=0.4, noise=0.1)
    error = np.abs(measured(resynthesised(x, SFREQ, CHANNELS, wanted, RECIPE)) - wanted)
    assert error.mean() < 0.1


def test_what_goes_up_and_down_can_be_made_to_stay() -> None:
    x = simulated()
    level = measured(x).mean(axis=0)
    y = resynthesised(x, SFREQ, CHANNELS, np.broadcast_to(level, measured(x).shape), RECIPE)
    assert np.abs(measured(y) - level)[20:].mean() < 0.06
    assert np.abs(measured(x) - level)[20:].mean() > 0.15


def shared_electrodes(recording: Recording) -> Recipe:
    there = {canonical_name(name) for name in recording.channels}
    return Recipe(channels=tuple(name for name in SEED_CHANNELS if name in there))


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("eegmmidb_S001", "S001R01.edf"),
        ("eegmmidb_S001", "S001R04.edf"),
        ("eegmat_200hz", "Subject00_2.edf"),
    ],
)
def test_real_recordings_measure_what_is_wanted(shared_data, folder: str, file: str) -> None:
    path: Path = shared_data(folder) / file
    recording = open_recording(path)
    recipe, sfreq, names = shared_electrodes(recording), recording.sfreq, recording.channels
    x = recording.read()[:, : round(45 * sfreq)]
    wanted = edited(measured(x, recipe, sfreq, names))
    y = resynthesised(x, sfreq, names, wanted, recipe)
    assert np.abs(measured(y, recipe, sfreq, names) - wanted).mean() < 0.03
    assert min(coherence(x, y, sfreq)) > 0.88
    steepest, before = (np.abs(np.diff(each)).max(axis=1) for each in (y, x))
    assert (steepest < 2 * before).all()


def test_interpolated_channels_follow_and_the_others_are_met(shared_data) -> None:
    recording = open_recording(shared_data("eegmmidb_S001") / "S001R04.edf")
    sfreq, names, recipe = recording.sfreq, recording.channels, Recipe()
    absent = SignalPath(recipe, sfreq, names).interpolated
    assert absent == ("PO5", "PO6", "CB1", "CB2")
    rows = [k for k, name in enumerate(SEED_CHANNELS) if name not in absent]
    x = recording.read()[:, : round(25 * sfreq)]
    wanted = edited(measured(x, recipe, sfreq, names))
    y = resynthesised(x, sfreq, names, wanted, recipe)
    error = np.abs(measured(y, recipe, sfreq, names) - wanted)[:, :, rows]
    assert error.mean() < 0.03


def test_phase_and_what_lies_outside_the_bands_are_kept() -> None:
    x = simulated()
    y = resynthesised(x, SFREQ, CHANNELS, edited(measured(x)), RECIPE)
    assert min(coherence(x, y, SFREQ)) > 0.88
    frequencies, change = signal.welch(y - x, SFREQ, nperseg=1000)
    _, whole = signal.welch(x, SFREQ, nperseg=1000)
    for outside in (frequencies < 0.3, frequencies > 75):
        assert change[:, outside].mean() < 0.02 * whole[:, outside].mean()


def test_a_step_makes_no_click() -> None:
    """A sine that gets louder and softer is nowhere else than around its frequency."""
    t = np.arange(30 * 200) / SFREQ
    phases = np.arange(len(CHANNELS))[:, None]
    x = (20 * np.sin(2 * np.pi * 11 * t + phases)).astype(np.float32)
    wanted = measured(x)
    hop = np.arange(len(wanted)) // 50
    wanted[:, 2] += np.where(hop % 2 == 0, 0.7, -0.7)[:, None]
    # Only what is there can be edited.
    y = resynthesised(x, SFREQ, CHANNELS, wanted, RECIPE)
    assert np.abs(measured(y) - wanted)[:, 2].mean() < 0.08
    far = signal.butter(6, 35, "highpass", fs=SFREQ, output="sos")
    assert np.abs(signal.sosfiltfilt(far, y)[:, 200:-200]).max() < 0.02


def in_pieces(x: NDArray[np.float32], size: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, x.shape[1], size):
        yield x[:, start : start + size].T


@pytest.mark.parametrize("size", [150, 1999, 100_000])
def test_pieces_of_any_size_make_the_same(size: int) -> None:
    x = simulated(24)
    wanted = edited(measured(x))
    first = RECIPE.window_s * SFREQ - 1

    def asked(maps: NDArray[np.float64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        hops = ((last - first) / 20).astype(int)
        np.testing.assert_array_equal(maps, measured(x)[hops])
        return wanted[hops]

    made = list(resynthesis(in_pieces(x, size), SFREQ, CHANNELS, asked, RECIPE))
    assert len(made) > 2
    expected = resynthesised(x, SFREQ, CHANNELS, wanted, RECIPE)
    np.testing.assert_array_equal(np.concatenate(made), expected.T)


def test_an_endless_reference_is_read_as_it_is_needed() -> None:
    read = 0

    def endless() -> Iterator[NDArray[np.float32]]:
        nonlocal read
        simulator = Simulator(SFREQ, CHANNELS)
        while True:
            read += 100
            yield simulator.next(100, 0)

    made = 0
    for block in resynthesis(endless(), SFREQ, CHANNELS, lambda maps, _: maps + 0.3, RECIPE):
        made += len(block)
        assert 0 < read - made < 15 * SFREQ
        if made > 60 * SFREQ:
            break


@pytest.mark.parametrize("n_samples", [0, 1, 150, 200, 219, 2000])
def test_a_short_recording_stays_as_long_as_it_is(n_samples: int) -> None:
    x = simulated(10)[:, :n_samples]
    wanted = measured(x) + 0.5
    y = resynthesised(x, SFREQ, CHANNELS, wanted, RECIPE)
    assert y.shape == x.shape
    assert np.isfinite(y).all()
    if len(wanted):
        assert np.abs(measured(y) - wanted).mean() < 0.1


def test_a_constant_offset_is_kept_and_does_not_matter() -> None:
    x = simulated(20)
    x -= x.mean(axis=1, keepdims=True)
    wanted = edited(measured(x))
    y = resynthesised(x, SFREQ, CHANNELS, wanted, RECIPE)
    raised = resynthesised(x + np.float32(20_000), SFREQ, CHANNELS, wanted, RECIPE)
    np.testing.assert_allclose(raised - 20_000, y, atol=0.02)


def test_what_is_no_number_stays_so_and_spreads_nowhere() -> None:
    x = simulated(20)
    whole = resynthesised(x, SFREQ, CHANNELS, measured(x) + 0.5, RECIPE)
    x[2, 2000:2010] = np.nan
    x[3, :5] = np.inf
    y = resynthesised(x, SFREQ, CHANNELS, measured(x) + 0.5, RECIPE)
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(x))
    np.testing.assert_allclose(y[4:], whole[4:], atol=1e-3)
    assert np.abs(measured(y)[130:] - measured(x)[130:] - 0.5).mean() < 0.05


def test_windows_that_are_not_to_be_believed_decide_nothing() -> None:
    x = simulated(16)
    x[2, 1000:1400] = np.nan
    path = SignalPath(RECIPE, SFREQ, CHANNELS)
    maps = path.push(x.T)
    wild = maps.values + 0.5
    wild[maps.bad[:, None, :].repeat(5, axis=1)] = 30.0
    y = resynthesised(x, SFREQ, CHANNELS, maps.values + 0.5, RECIPE)
    np.testing.assert_array_equal(resynthesised(x, SFREQ, CHANNELS, wild, RECIPE), y)


def test_what_all_channels_have_in_common_is_not_turned_into_differences() -> None:
    """With an average reference nothing measures it, and no gain may act on it."""
    recipe = Recipe(channels=CHANNELS, reference="average")
    x = simulated(20)
    x += 300 * np.sin(2 * np.pi * 10 * np.arange(x.shape[1]) / SFREQ).astype(np.float32)
    wanted = edited(measured(x, recipe))
    y = resynthesised(x, SFREQ, CHANNELS, wanted, recipe)
    assert np.abs(measured(y, recipe) - wanted).mean() < 0.05
    assert np.abs(y - x).max() < 200


def test_blocks_are_as_good_at_their_ends_as_elsewhere() -> None:
    x = simulated()
    wanted = edited(measured(x), nats=0.4)
    y = resynthesised(x, SFREQ, CHANNELS, wanted, RECIPE)
    error = np.abs(measured(y) - wanted).mean(axis=(1, 2))
    phase = (np.arange(len(error)) * 20 + 199) % 1600  # of each window's end in a block of 8 s
    assert error[phase < 200].mean() < 1.2 * error.mean()


def test_channels_that_the_recipe_does_not_know_stay_as_they_are() -> None:
    names = ("O1", "ECG", "EEG Pz", "FZ")
    recipe = Recipe(channels=("FZ", "PZ", "O1"))
    x = simulated(20)[:4]
    wanted = edited(measured(x, recipe, channels=names))
    y = resynthesised(x, SFREQ, names, wanted, recipe)
    np.testing.assert_array_equal(y[1], x[1])
    assert np.abs(measured(y, recipe, channels=names) - wanted).mean() < 0.03


def test_gains_are_limited() -> None:
    x = simulated(10)
    y = resynthesised(x, SFREQ, CHANNELS, measured(x) + 50, RECIPE)
    assert np.abs(measured(y) - measured(x))[20:].max() < LIMIT + 0.2
    silent = np.zeros_like(x)
    np.testing.assert_array_equal(
        resynthesised(silent, SFREQ, CHANNELS, measured(x), RECIPE), silent
    )


def test_power_densities_beside_de_are_passed_over() -> None:
    both = Recipe(channels=CHANNELS, features=("psd", "de"), covariance=True)
    x = simulated(20)
    seen = []

    def wanted(maps: NDArray[np.float64], _: NDArray[np.int64]) -> NDArray[np.float64]:
        seen.append(maps.shape[1])
        return maps[:, 5:] + 0.4

    (made,) = [resynthesised(x, SFREQ, CHANNELS, wanted, both)]
    assert set(seen) == {10}
    assert np.abs(measured(made) - measured(x) - 0.4).mean() < 0.02


def test_what_cannot_be_followed_is_refused() -> None:
    x = simulated(10)
    recipe = Recipe(channels=CHANNELS, features=("psd",), window_s=2.0)
    with pytest.raises(ReplayError, match="no differential entropy"):
        resynthesised(x, SFREQ, CHANNELS, np.zeros((91, 5, 8)), recipe)
    with pytest.raises(ReplayError, match="wanted maps of 90 x 5 x 8 do not fit .* 91 x 5 x 8"):
        resynthesised(x, SFREQ, CHANNELS, np.zeros((90, 5, 8)), RECIPE)
    with pytest.raises(ChannelError, match="missing"):
        resynthesised(x[:3], SFREQ, CHANNELS[:3], measured(x), RECIPE)
