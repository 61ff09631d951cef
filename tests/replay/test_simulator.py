"""The simulated headset: its signal, its montages and rates, its emotions, its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.signal
from numpy.typing import NDArray

from replay.simulator.dataset import SEED_LABELS, write_seed_dataset
from replay.simulator.head import load_head
from replay.simulator.simulator import Simulator
from rtbci.cache import cache_folder
from rtbci.errors import ChannelError, ReplayError, RtbciError
from rtbci.montage.names import SEED_CHANNELS, canonical_name

NEGATIVE, NEUTRAL, POSITIVE = range(3)
EMOTIV = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")
# fmt: off
OLD_NAMES = (
    "EEG Fp1", "EEG Fp2", "EEG F3", "EEG F4", "EEG F7", "EEG F8", "EEG T3", "EEG T4", "EEG C3",
    "EEG C4", "EEG T5", "EEG T6", "EEG P3", "EEG P4", "EEG O1", "EEG O2", "EEG Fz", "EEG Cz",
    "EEG Pz",
)
# fmt: on


def density(
    samples: NDArray[np.float32], sfreq: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies from 1 Hz and the density there, averaged over channels."""
    centred = samples - np.median(samples, axis=0)
    frequencies, power = scipy.signal.welch(centred, sfreq, nperseg=int(2 * sfreq), axis=0)
    return frequencies[2:], power[2:].mean(axis=1)


def band_power(samples: NDArray[np.float32], sfreq: float, low: float, high: float) -> float:
    frequencies, power = density(samples, sfreq)
    return float(power[(frequencies >= low) & (frequencies < high)].mean())


def test_same_arguments_same_signal_however_it_is_cut() -> None:
    script = [(313, NEUTRAL), (450, POSITIVE), (1, NEGATIVE), (636, NEGATIVE)]
    whole = Simulator(200, EMOTIV, seed=7, subject=2, session=1)
    expected = np.concatenate([whole.next(n, label) for n, label in script])
    cut = Simulator(200, EMOTIV, seed=7, subject=2, session=1)
    sizes = iter([1, 7, 20, 3, 199, 200, 0, 201, 13] * 20)
    parts = []
    for n, label in script:
        left = n
        while left:
            size = min(left, next(sizes))
            parts.append(cut.next(size, label))
            left -= size
    actual = np.concatenate(parts)
    assert actual.dtype == np.float32
    assert actual.shape == (1400, 14)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("change", [{"seed": 8}, {"subject": 3}, {"session": 2}])
def test_other_seed_subject_or_session_is_another_signal(change: dict[str, int]) -> None:
    arguments: dict[str, Any] = {"seed": 7, "subject": 2, "session": 1}
    one = Simulator(200, ["OZ"], **arguments).next(1000, NEUTRAL)[:, 0]
    other = Simulator(200, ["OZ"], **{**arguments, **change}).next(1000, NEUTRAL)[:, 0]
    assert abs(np.corrcoef(np.diff(one), np.diff(other))[0, 1]) < 0.2


def test_spectrum_falls_and_has_an_alpha_peak_over_the_occiput() -> None:
    samples = Simulator(200, ["O1", "O2", "FP1"], seed=1).next(200 * 90, NEUTRAL)
    frequencies, power = density(samples[:, :2], 200)
    around = (frequencies >= 2) & (frequencies <= 45) & ((frequencies < 7) | (frequencies > 15))
    slope, level = np.polyfit(np.log(frequencies[around]), np.log(power[around]), 1)
    assert -2.2 < slope < -0.8
    above = np.log(power) - (level + slope * np.log(frequencies))
    search = (frequencies > 4) & (frequencies < 45)
    assert 8 <= frequencies[search][np.argmax(above[search])] <= 13
    assert above[search].max() > np.log(3)
    assert band_power(samples[:, :2], 200, 8, 13) > 2 * band_power(samples[:, 2:], 200, 8, 13)


def test_amplitudes_are_those_of_real_eeg() -> None:
    samples = Simulator(200, SEED_CHANNELS, seed=1).next(200 * 60, NEUTRAL)
    offsets = samples.mean(axis=0)
    assert 100 < np.abs(offsets).max() < 5000
    centred = scipy.signal.sosfiltfilt(
        scipy.signal.butter(2, 1, "highpass", fs=200, output="sos"), samples, axis=0
    )
    # The median is blind to blinks.
    spread = 1.4826 * np.median(np.abs(centred), axis=0)
    assert spread.min() > 6
    assert spread.max() < 30
    assert np.abs(centred).max() < 400


def test_blinks_are_frontal_and_come_every_few_seconds() -> None:
    samples = Simulator(200, ["FP1", "FP2", "OZ"], seed=3).next(200 * 120, NEUTRAL)
    slow = scipy.signal.sosfiltfilt(
        scipy.signal.butter(2, (0.5, 6), "bandpass", fs=200, output="sos"), samples, axis=0
    )
    frontal = slow[:, :2].mean(axis=1)
    blinks = scipy.signal.find_peaks(frontal, height=50, distance=100)[0]
    assert 15 <= len(blinks) <= 50
    assert 60 < np.median(frontal[blinks]) < 130
    assert np.median(slow[blinks, 2]) < 0.2 * np.median(frontal[blinks])


def test_emotions_change_the_bands_that_they_change_in_people() -> None:
    def mean_log_power(label: int, names: list[str], low: float, high: float) -> float:
        simulators = [Simulator(200, names, seed=5, subject=subject) for subject in range(5)]
        powers = [band_power(each.next(5000, label), 200, low, high) for each in simulators]
        return float(np.mean(np.log(powers)))

    temporal, occipital, prefrontal = ["T7", "T8"], ["O1", "OZ", "O2"], ["AF3", "AF4", "FP1", "FP2"]
    gamma = [mean_log_power(label, temporal, 31, 48) for label in range(3)]
    alpha = [mean_log_power(label, occipital, 8, 13) for label in range(3)]
    theta = [mean_log_power(label, prefrontal, 4, 8) for label in range(3)]
    assert gamma[POSITIVE] > gamma[NEUTRAL] + 0.2
    assert gamma[NEGATIVE] < gamma[POSITIVE] - 0.2
    assert alpha[NEUTRAL] > max(alpha[POSITIVE], alpha[NEGATIVE]) + 0.2
    assert theta[NEGATIVE] > max(theta[NEUTRAL], theta[POSITIVE]) + 0.02


def test_a_change_of_emotion_makes_no_step() -> None:
    sfreq, seam = 500, 1230
    steady, changed, other = (Simulator(sfreq, EMOTIV, seed=4) for _ in range(3))
    neutral = steady.next(5000, NEUTRAL).astype(float)
    positive = other.next(5000, POSITIVE).astype(float)
    mixed = np.concatenate([changed.next(seam, NEUTRAL), changed.next(5000 - seam, POSITIVE)])
    added = mixed - neutral
    wanted = positive - neutral
    np.testing.assert_array_equal(added[:seam], 0)
    jumps = np.abs(np.diff(added, axis=0)).max(axis=1)
    usual = np.abs(np.diff(wanted, axis=0)).max(axis=1)
    assert jumps[seam - 2 : seam + 20].max() < 0.2 * usual.max()
    assert jumps.max() <= usual.max()
    # After a second the new emotion is there in full, and at once where it was the first.
    later = slice(seam + int(1.5 * sfreq), None)
    assert np.abs(added[later] - wanted[later]).max() < 0.05 * np.abs(wanted[later]).max()


@pytest.mark.parametrize(
    ("sfreq", "channels"),
    [
        (500, OLD_NAMES),
        (128, EMOTIV),
        (100, EMOTIV),
        (250, ("TP9", "AF7", "AF8", "TP10")),
        (1000.5, ("cz",)),
    ],
)
def test_any_montage_and_rate(sfreq: float, channels: tuple[str, ...]) -> None:
    simulator = Simulator(sfreq, channels, seed=2)
    samples = simulator.next(int(20 * sfreq), NEUTRAL)
    assert simulator.channels == channels
    assert simulator.sfreq == sfreq
    assert samples.shape == (int(20 * sfreq), len(channels))
    # Microvolts per root hertz are the brain's, whatever the rate.
    reference = Simulator(200, [canonical_name(name) for name in channels], seed=2)
    expected = reference.next(20 * 200, NEUTRAL)
    ratios = [
        band_power(samples, sfreq, low, high) / band_power(expected, 200, low, high)
        for low, high in ((2, 7), (8, 13), (14, 30), (31, 45))
    ]
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(1, abs=0.4)
    assert max(np.abs(np.log(ratios))) < np.log(2.5)


def test_mains_hum_is_a_small_narrow_line() -> None:
    samples = Simulator(250, SEED_CHANNELS, seed=2).next(250 * 40, NEUTRAL)
    frequencies, power = scipy.signal.welch(samples, 250, nperseg=250 * 10, axis=0)
    mean = power.mean(axis=1)
    beside = mean[(frequencies >= 47) & (frequencies <= 48)].mean()
    line = mean[frequencies == 50].item()
    assert line > 2.5 * beside
    assert np.sqrt((line - beside) * 0.15) < 1  # microvolts; 0.15 Hz is the Hann window's width


def test_an_electrode_sees_the_same_brain_in_any_montage() -> None:
    alone = Simulator(200, ["O1"], seed=6).next(4000, NEUTRAL)[:, 0]
    among = Simulator(200, SEED_CHANNELS, seed=6).next(4000, NEUTRAL)[:, SEED_CHANNELS.index("O1")]
    assert np.corrcoef(alone, among)[0, 1] > 0.8
    assert alone.mean() == pytest.approx(among.mean(), abs=80)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: Simulator(200, ["CZ", "ECG"]), ChannelError, "ECG"),
        (lambda: Simulator(200, ["T7", "EEG T3"]), ChannelError, "T7"),
        (lambda: Simulator(200, []), ChannelError, "at least one"),
        (lambda: Simulator(64, ["CZ"]), ReplayError, "64 Hz"),
        (lambda: Simulator(float("nan"), ["CZ"]), ReplayError, "nan Hz"),
        (lambda: Simulator(200, ["CZ"], -1), ReplayError, "seed -1"),
        (lambda: Simulator(200, ["CZ"]).next(10, 3), ReplayError, "emotion 3"),
        (lambda: Simulator(200, ["CZ"]).next(10, -1), ReplayError, "emotion -1"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_one_line(
    make: Callable[[], object], kind: type[RtbciError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = load_head()
    names = [path.name for path in cache_folder().glob("head-*.npz")]
    monkeypatch.setenv("RTBCI_CACHE", str(tmp_path))
    for name in names:
        (tmp_path / name).write_bytes(b"PK\x03\x04 cut off")
    load_head.cache_clear()
    again = load_head()
    load_head.cache_clear()
    kept = load_head()
    np.testing.assert_allclose(again.lead_field, sound.lead_field)
    np.testing.assert_array_equal(kept.lead_field, again.lead_field)
    assert {path.name for path in tmp_path.iterdir()} == set(names)


SMALL: dict[str, Any] = {"subjects": 2, "sessions": 2, "trials": 17, "trial_s": 1.0, "seed": 3}


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_dataset_has_seeds_layout_and_is_written_once(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_seed_dataset(tmp_path, **SMALL, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (68, 68)
    assert seen == sorted(seen)
    folder = tmp_path / "Preprocessed_EEG"
    labels = scipy.io.loadmat(folder / "label.mat")["label"]
    assert labels.shape == (1, 17)
    np.testing.assert_array_equal(labels[0], [*SEED_LABELS, 1, 0])
    assert "SIMULATED" in (folder / "readme.txt").read_text()
    files = sorted(folder.glob("*_*.mat"))
    assert [path.name.split("_")[0] for path in files] == ["1", "1", "2", "2"]
    first = scipy.io.loadmat(files[0])
    trials = [first[f"sim_eeg{k}"] for k in range(1, 18)]
    assert {trial.shape for trial in trials} == {(62, 200)}
    assert {trial.dtype for trial in trials} == {np.dtype(np.float64)}
    # The files' subjects, sessions and labels are the simulator's, and the session runs on.
    simulator = Simulator(200, SEED_CHANNELS, 3, subject=1, session=1)
    emotions = {-1: NEGATIVE, 0: NEUTRAL, 1: POSITIVE}
    for trial, label in zip(trials, labels[0], strict=True):
        np.testing.assert_allclose(trial.T, simulator.next(200, emotions[int(label)]), rtol=1e-6)
    before = contents(tmp_path)
    write_seed_dataset(tmp_path, **SMALL)
    assert contents(tmp_path) == before


def test_interrupted_dataset_goes_on_to_the_same_end(tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done == 24:  # inside the second of two files
            raise KeyboardInterrupt

    plan = {**SMALL, "sessions": 1}
    write_seed_dataset(tmp_path / "whole", **plan)
    with pytest.raises(KeyboardInterrupt):
        write_seed_dataset(tmp_path / "cut", **plan, progress=interrupt)
    assert len(list((tmp_path / "cut" / "Preprocessed_EEG").glob("*_*.mat"))) == 1
    with pytest.raises(ReplayError, match="another simulated data set"):
        write_seed_dataset(tmp_path / "cut", **{**plan, "seed": 4})
    write_seed_dataset(tmp_path / "cut", **plan)
    whole, cut = contents(tmp_path / "whole"), contents(tmp_path / "cut")
    assert set(whole) == set(cut)
    name = next(name for name in whole if Path(name).name.startswith("2_"))
    one, other = (scipy.io.loadmat(tmp_path / side / name) for side in ("whole", "cut"))
    np.testing.assert_array_equal(one["sim_eeg17"], other["sim_eeg17"])


def test_dataset_never_mixes_with_other_recordings(tmp_path: Path) -> None:
    write_seed_dataset(tmp_path / "ours", **{**SMALL, "trials": 1})
    before = contents(tmp_path / "ours")
    with pytest.raises(ReplayError, match="another simulated data set"):
        write_seed_dataset(tmp_path / "ours", **{**SMALL, "trials": 2})
    assert contents(tmp_path / "ours") == before
    real = tmp_path / "real" / "Preprocessed_EEG" / "1_20131027.mat"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"someone's recording")
    with pytest.raises(RtbciError, match="not simulated here"):
        write_seed_dataset(tmp_path / "real", **SMALL)
    assert list(contents(tmp_path / "real")) == ["Preprocessed_EEG/1_20131027.mat"]
