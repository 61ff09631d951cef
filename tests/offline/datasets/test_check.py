from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mne
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from offline.datasets.check import check, odd_samples, odd_trials, silent_trials
from offline.datasets.folder import FolderSettings
from offline.datasets.recording import Trial, recording_of
from offline.datasets.registry import load_dataset_settings
from offline.datasets.scan import scan
from offline.datasets.seed import SeedSettings
from rtbci.errors import RecordingError
from rtbci.montage.names import SEED_CHANNELS

CONFIG = Path(__file__).parents[3] / "configs" / "datasets" / "eegmat.yaml"
SFREQ = 200.0
NAMES = ("FZ", "CZ", "PZ", "OZ", "T3", "T8")


def noise(seconds: float = 30.0, seed: int = 0, channels: int = len(NAMES)) -> np.ndarray:
    shape = (channels, round(seconds * SFREQ))
    return 20 * np.random.default_rng(seed).standard_normal(shape)


def found(samples: np.ndarray, sfreq: float = SFREQ) -> list[str]:
    recording = recording_of(samples, sfreq, NAMES[: len(samples)])
    return odd_samples(scan(recording, range(len(samples))))


def test_nothing_is_odd_about_noise_with_an_amplifiers_offset():
    assert found(noise() + 30_000) == []


@pytest.mark.parametrize(
    ("start", "seconds", "odd"),
    [(0, 5, True), (333, 5, True), (801, 5.5, True), (333, 4.9, False), (5000, 5, True)],
)
def test_a_channel_that_stands_still_is_named(start, seconds, odd):
    samples = noise()
    samples[2, start : start + round(seconds * SFREQ)] = 7
    assert found(samples) == ([f"the same value for up to {seconds:g} s in PZ"] if odd else [])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_told_once_and_spoil_nothing_else(value):
    samples = noise()
    samples[1, 4321] = value
    samples[4, 10:20] = value
    assert found(samples) == ["NaN or infinite samples in CZ, T3"]
    samples[:] = value
    assert found(samples)[0] == "NaN or infinite samples in all channels"


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_a_wrong_unit_is_suspected(factor):
    (line,) = found(noise() * factor)
    assert line.startswith(f"amplitude {20 * factor:.1g}"[:11])
    assert line.endswith("is the unit right?")


def test_a_loose_electrode_is_told_from_a_wrong_unit():
    samples = noise()
    samples[3] *= 1000
    (line,) = found(samples)
    assert line.startswith("amplitude of OZ (2e+04 uV), the median channel's is 20")


def silences(samples: np.ndarray, *trials: Trial) -> list[str]:
    recording = recording_of(samples, SFREQ, NAMES, trials=trials)
    return silent_trials(recording, scan(recording, range(len(samples))))


@pytest.mark.parametrize(
    ("seconds", "ripple", "odd"),
    [(2.0, False, True), (2.0, True, True), (0.8, False, False), (0.0, False, False)],
)
@pytest.mark.parametrize("end", ["first", "last"])
def test_padding_at_an_end_is_told_where_a_trial_holds_it(end, seconds, ripple, odd):
    samples = noise()
    part = samples if end == "first" else samples[:, ::-1]
    silent = round(seconds * SFREQ)
    part[:, :silent] *= 0.01
    if ripple:
        part[:, silent // 2 : silent // 2 + 30] += 50 * np.random.default_rng(0).normal(size=30)
    said = f"the {end} 2.0 s of its trials are all but silent: no EEG, leave them out"
    assert silences(samples, Trial(0, 3000, 0), Trial(3000, 6000, 1)) == ([said] if odd else [])
    assert silences(samples, Trial(400, 3000, 0), Trial(3000, 5600, 1)) == []
    assert silences(samples) == []


def test_a_quiet_stretch_within_is_not_told():
    samples = noise()
    samples[:, 1000:2000] *= 0.01
    assert silences(samples, Trial(0, 6000, 0)) == []


def test_one_artefact_makes_no_amplitude_odd():
    samples = noise()
    samples[:, 1000:1600] *= 1e5
    assert found(samples) == []


@pytest.mark.parametrize("sign", [1, -1])
def test_a_clipped_channel_is_named(sign):
    samples = noise()
    samples[0] = sign * np.minimum(samples[0], 40)
    assert found(samples) == ["clipped, often at the greatest or least value, in FZ"]


def test_coarse_steps_are_no_clipping():
    assert found(np.round(noise(300) / 5) * 5) == []


def test_a_copy_of_a_channel_is_named_and_dead_channels_are_no_copies():
    samples = noise()
    samples[5] = samples[0]
    samples[[2, 3]] = 0
    assert found(samples) == [
        "the same value for up to 30 s in PZ, OZ",
        "the same signal in FZ, T8",
    ]


@pytest.mark.parametrize("line", [50, 60])
@pytest.mark.parametrize("sfreq", [200, 128.0, 500])
def test_mains_are_named_where_they_outweigh_the_gamma_band(line, sfreq):
    seconds = np.arange(round(30 * SFREQ)) / sfreq
    # White noise of 20 uV has 20^2 * 19 / (sfreq / 2) square microvolts in 19 Hz.
    gamma = 20 * np.sqrt(19 / (sfreq / 2))
    wave = np.sqrt(2) * gamma * np.sin(2 * np.pi * (line + 0.07) * seconds)
    (told,) = found(noise() + 1.5 * wave, sfreq)
    assert told.startswith(f"strong {line} Hz mains in 6 of 6 channels")
    assert f"notch_hz: {line}" in told
    assert found(noise() + 0.6 * wave, sfreq) == []


def test_mains_on_one_channel_are_its_contacts_matter():
    samples = noise()
    samples[0] += 60 * np.sin(2 * np.pi * 50 * np.arange(samples.shape[1]) / SFREQ)
    assert found(samples) == []


@st.composite
def cuts(draw, n_samples=4000):
    edges = draw(st.lists(st.integers(1, n_samples - 1), max_size=6, unique=True))
    return [0, *sorted(edges), n_samples]


@settings(max_examples=60, deadline=None)
@given(cuts(), st.integers(0, 2500), st.integers(1000, 1500))
def test_the_way_a_file_comes_in_blocks_makes_no_difference(edges, start, length):
    samples = noise(20)
    samples[1, start : start + length] = 3
    samples[2] = np.maximum(samples[2], -45)
    samples[3, start] = np.nan
    whole = recording_of(samples, SFREQ, NAMES)
    held = samples.astype(np.float32)
    blocks = [held[:, a:b] for a, b in pairwise(edges)]
    parts = replace(whole, blocks=lambda: iter(blocks))
    ours, theirs = (scan(each, range(6)) for each in (parts, whole))
    assert ours.digests == theirs.digests
    np.testing.assert_array_equal(ours.non_finite, theirs.non_finite)
    np.testing.assert_array_equal(ours.clipped, theirs.clipped)
    assert ours.flat_s[1] == theirs.flat_s[1] == length / SFREQ
    assert ours.clipped[2] == np.mean(held[2] == -45)
    np.testing.assert_allclose(np.delete(ours.amplitude, 1), 20, rtol=0.1)


def test_features_that_were_shipped_are_looked_at_too():
    maps = np.random.default_rng(0).standard_normal((30, 5, 4))
    maps[3, 2, 1] = np.nan
    maps[:, :, 2] = maps[:, :, 0]
    empty = recording_of(np.empty((4, 30)), 1.0, NAMES[:4])
    recording = replace(empty, shipped=lambda: maps, blocks=lambda: iter(()))
    assert odd_samples(scan(recording, [0, 1, 2])) == [
        "NaN or infinite samples in CZ",
        "the same signal in FZ, PZ",
    ]
    with pytest.raises(RecordingError, match="cut off, it holds 30 of 31 windows"):
        scan(replace(recording, n_samples=31), [0])


def test_trials_that_cannot_be_are_listed_by_kind():
    trials = [(0, 2000), (1999, 3000), (3000, 3999), (4000, 6001), (5000, 5000), (-1, 2000)]
    recording = recording_of(noise(30), SFREQ, NAMES, trials=[Trial(a, b, 0) for a, b in trials])
    assert odd_trials(recording) == [
        "trial 2, 5, 6: beginning before the one before has ended",
        "trial 3: shorter than 5 s",
        "trial 4, 5, 6: outside its 30.0 s",
    ]
    assert odd_trials(replace(recording, trials=())) == ["has no trials"]


def write_folder(root: Path, files: dict[str, tuple[np.ndarray, float, tuple[str, ...]]]) -> Path:
    rows = ["file,subject,label"]
    for name, (samples, sfreq, names) in files.items():
        info = mne.create_info(list(names), sfreq, "eeg")
        mne.io.RawArray(1e-6 * samples, info, verbose="error").save(root / name, verbose="error")
        rows.append(f"{name},{len(rows)},a")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def report_on(root: Path, classes=("a", "b"), channels=NAMES):
    made = FolderSettings(layout="folder", name="made", classes=classes, channels=channels)
    return check(made, root)


def test_recordings_are_compared_with_one_another(tmp_path):
    first, names = noise(60), NAMES
    files = {f"{k}_raw.fif": (noise(60, seed=k), SFREQ, names) for k in range(1, 4)}
    files["same_raw.fif"] = (files["2_raw.fif"][0], SFREQ, names)
    files["short_raw.fif"] = (first[:, :9000], SFREQ, names)
    files["rate_raw.fif"] = (noise(75, seed=9), 250.0, names)
    files["few_raw.fif"] = (first[:4] + 1, SFREQ, ("Fz", "EEG Cz", "PZ", "OZ"))
    report = report_on(write_folder(tmp_path, files))
    assert report.unusable == ()
    assert report.odd == (
        "few_raw.fif: has 4 of 6 electrodes; training refuses it unless the recipe's interpolate "
        "is at least 0.34",
        "short_raw.fif: lasts 45 s, those with the same trials 60 s",
        "rate_raw.fif: sampled at 250 Hz, others at 200 Hz",
        "same_raw.fif: the same samples as 2_raw.fif",
        "made: no trial of class b",
    )


def test_clips_that_differ_in_length_by_design_are_not_odd(tmp_path):
    lengths = {"1": 60, "2": 60, "3": 45, "4": 45, "5": 60, "cut": 30}
    files = {
        f"{name}_raw.fif": (noise(length, seed=k), SFREQ, NAMES)
        for k, (name, length) in enumerate(lengths.items())
    }
    assert [line for line in report_on(write_folder(tmp_path, files)).odd if "lasts" in line] == [
        "cut_raw.fif: lasts 30 s, those with the same trials 52 s"
    ]


def test_a_rate_too_low_for_the_usual_bands_is_told(tmp_path):
    files = {"slow_raw.fif": (noise(), 60.0, NAMES), "just_raw.fif": (noise(30, 1), 101.0, NAMES)}
    odd = report_on(write_folder(tmp_path, files)).odd
    assert [line for line in odd if "slowly" in line] == [
        "slow_raw.fif: sampled at 60 Hz, too slowly for the band beta (14-31 Hz), gamma "
        "(31-50 Hz); training refuses it with the recipe's usual bands"
    ]


def test_an_electrode_that_nobody_knows_is_told(tmp_path):
    write_folder(tmp_path, {"a_raw.fif": (noise(), SFREQ, NAMES)})
    odd = report_on(tmp_path, channels=(*NAMES, "Pzz", "C3")).odd
    (line,) = [line for line in odd if "known" in line]
    assert line.startswith("made: no recording has Pzz, and no electrode of that name is known")


def test_what_cannot_be_used_is_told_and_the_rest_looked_at(tmp_path):
    files = {
        "good_raw.fif": (noise(), SFREQ, NAMES),
        "cut_raw.fif": (noise(), SFREQ, NAMES),
        "twins_raw.fif": (noise(), SFREQ, ("FZ", "CZ", "PZ", "OZ", "T3", "T7")),
        "others_raw.fif": (noise(), SFREQ, tuple("uvwxyz")),
        "dead_raw.fif": (0 * noise(), SFREQ, NAMES),
    }
    write_folder(tmp_path, files)
    with (tmp_path / "labels.csv").open("a") as table:
        table.write("lost.edf,9,b\n")
    content = (tmp_path / "cut_raw.fif").read_bytes()
    (tmp_path / "cut_raw.fif").write_bytes(content[: len(content) // 20])
    report = report_on(tmp_path)
    told = {left_out.name: left_out.why for left_out in report.unusable}
    assert set(told) == {"cut_raw.fif", "twins_raw.fif", "others_raw.fif", "lost.edf"}
    assert "both mean electrode T7" in told["twins_raw.fif"]
    assert (
        "has 0 of the 6 electrodes, not FZ, CZ, PZ, OZ, T3, T8; its channels are u"
        in told["others_raw.fif"]
    )
    assert "dead_raw.fif: the same value for up to 30 s in all channels" in report.odd
    assert not any(line.startswith("good") for line in report.odd)


def test_a_file_that_fails_only_when_it_is_read_cannot_be_used(tmp_path):
    for number in (1, 2):
        trials = {f"x_eeg{k}": noise(6, seed=10 * number + k, channels=62) for k in (1, 2, 3)}
        scipy.io.savemat(tmp_path / f"{number}_20240101.mat", trials, do_compression=True)
    scipy.io.savemat(tmp_path / "label.mat", {"label": np.array([[1, 0, -1]])})
    damaged = bytearray((tmp_path / "2_20240101.mat").read_bytes())
    damaged[-2000:-1000] = bytes(1000)
    (tmp_path / "2_20240101.mat").write_bytes(damaged)
    settings = SeedSettings(
        layout="seed",
        name="made",
        classes=("negative", "neutral", "positive"),
        channels=SEED_CHANNELS,
        files="{subject}_{date}.mat",
        labels={-1: "negative", 0: "neutral", 1: "positive"},
    )
    report = check(settings, tmp_path)
    assert [left_out.name for left_out in report.unusable] == ["2_20240101.mat"]
    assert report.odd == ()


def test_files_of_one_name_have_titles_that_tell_them_apart(tmp_path):
    for folder in ("1", "2"):
        (tmp_path / folder).mkdir()
        write_folder(tmp_path / folder, {"a_raw.fif": (noise(), SFREQ, NAMES)})
    table = "file,subject,label\n1/a_raw.fif,1,a\n2/a_raw.fif,2,b\n"
    (tmp_path / "labels.csv").write_text(table)
    assert report_on(tmp_path).odd == (
        "a_raw.fif (subject 2, session 1): the same samples as a_raw.fif (subject 1, session 1)",
    )


def test_what_the_reader_warns_of_stands_in_the_report(tmp_path, shared_data, caplog):
    shutil.copy(shared_data("eegmat_200hz") / "Subject00_2.edf", tmp_path / "a.edf")
    content = bytearray((tmp_path / "a.edf").read_bytes())
    signals = int(content[252:256])
    unit = 256 + 96 * signals
    content[unit : unit + 8] = b"degC    "
    (tmp_path / "a.edf").write_bytes(content)
    (tmp_path / "labels.csv").write_text("file,subject,label\na.edf,1,a\n")
    report = report_on(tmp_path, channels=("F3", "F4", "FZ", "O1", "O2"))
    assert report.odd[0].startswith("a.edf: channel EEG Fp1 is left out")
    assert not caplog.records


def test_real_recordings_are_odd_in_their_padding_only(shared_data):
    folder = shared_data("eegmat_200hz")
    eegmat = load_dataset_settings(CONFIG)
    assert check(eegmat, folder).odd == ()
    with_padding = check(eegmat.model_copy(update={"skip_end_s": 0}), folder).odd
    assert len(with_padding) == 28
    assert all("of its trials are all but silent" in line for line in with_padding)
