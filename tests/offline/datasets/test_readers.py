from __future__ import annotations

import pickle
import shutil
import warnings
from pathlib import Path

import mne
import numpy as np
import pytest
import pyxdf
import scipy.io

from offline.datasets.readers import open_recording
from offline.datasets.recording import Event, Recording, Trial
from rtbci.errors import RecordingError
from rtbci.montage.names import SEED_CHANNELS
from tests.offline.datasets.xdf_writer import eeg_stream, write_xdf


def edf_samples(path: Path) -> np.ndarray:
    """Decode an EDF's numbers without MNE: shape (signals, samples), microvolts."""
    content = path.read_bytes()
    n_signals, header, n_records = int(content[252:256]), int(content[184:192]), content[236:244]

    def column(offset: int, width: int) -> np.ndarray:
        first = 256 + offset * n_signals
        cells = [content[first + k * width : first + (k + 1) * width] for k in range(n_signals)]
        return np.array([float(cell) for cell in cells])

    low, high = column(104, 8), column(112, 8)
    digital_low, digital_high = column(120, 8), column(128, 8)
    units = content[256 + 96 * n_signals : 256 + 104 * n_signals]
    microvolts = [{b"mV": 1e3}.get(units[8 * k : 8 * k + 8].strip(), 1) for k in range(n_signals)]
    counts = column(216, 8).astype(int)
    records = np.frombuffer(content[header:], "<i2").reshape(int(n_records), counts.sum())
    same = counts == counts[0]  # the annotations' channel may have another length
    edges = np.concatenate([[0], np.cumsum(counts)])
    return np.stack(
        [
            microvolts[k]
            * (
                (records[:, edges[k] : edges[k + 1]].ravel() - digital_low[k])
                * (high[k] - low[k])
                / (digital_high[k] - digital_low[k])
                + low[k]
            )
            for k in np.flatnonzero(same)
        ]
    )


def read(path: Path, **options: str) -> tuple[Recording, np.ndarray]:
    recording = open_recording(path, **options)
    samples = recording.read()
    assert samples.dtype == np.float32
    assert samples.shape[0] == len(recording.channels)
    return recording, samples


def test_edf_is_read_in_microvolts_with_its_annotations(shared_data) -> None:
    path = shared_data("eegmmidb_S001") / "S001R04.edf"
    recording, samples = read(path)
    assert recording.sfreq == 160
    assert recording.channels[:3] == ("Fc5.", "Fc3.", "Fc1.")
    np.testing.assert_allclose(samples, edf_samples(path)[:64], rtol=1e-6, atol=1e-4)
    assert recording.events[:3] == (Event(0, "T0"), Event(672, "T2"), Event(1328, "T0"))
    assert recording.trials == ()


def test_edf_channels_that_are_no_electrodes_stay_if_they_are_voltages(shared_data) -> None:
    path = shared_data("eegmat_200hz") / "Subject00_1.edf"
    recording, samples = read(path)
    assert recording.channels[-2:] == ("EEG A2-A1", "ECG ECG")
    np.testing.assert_allclose(samples, edf_samples(path)[:21], rtol=1e-6, atol=1e-4)


def test_brainvision_holds_what_the_edf_held(shared_data) -> None:
    recording, samples = read(shared_data("brainvision_derived") / "S001R02_30s.vhdr")
    _, source = read(shared_data("eegmmidb_S001") / "S001R02.edf")
    np.testing.assert_allclose(samples, source[:, : samples.shape[1]], atol=0.06)
    assert recording.events == (Event(0, "Comment/T0"),)


def test_fif_starts_at_its_first_sample(shared_data) -> None:
    path = shared_data("yasa_resting_200hz") / "data_resting_EO_200Hz_raw.fif"
    recording, samples = read(path)
    assert recording.channels == ("F4-A1", "CZ-A2")
    assert samples.shape == (2, 72_000)
    np.testing.assert_allclose(samples[:, 0], [-12, -8], atol=1e-3)


def write_fif(path: Path, kinds: list[str], first_sample: int = 0) -> np.ndarray:
    info = mne.create_info([f"{kind}{k}" for k, kind in enumerate(kinds)], 100.0, kinds)
    volts = np.random.default_rng(0).normal(0, 1e-5, (len(kinds), 500))
    raw = mne.io.RawArray(volts, info, first_samp=first_sample, verbose="ERROR")
    raw.set_annotations(mne.Annotations([1.0, 4.99], [0, 0], ["one", "last"]))
    raw.save(path, verbose="ERROR")
    return volts


@pytest.mark.parametrize("first_sample", [0, 250])
def test_fif_keeps_voltages_only_and_events_count_from_its_first_sample(
    tmp_path: Path, first_sample: int
) -> None:
    path = tmp_path / "some_raw.fif"
    volts = write_fif(path, ["eeg", "stim", "mag", "eog", "misc", "ecg"], first_sample)
    recording, samples = read(path)
    assert recording.channels == ("eeg0", "eog3", "ecg5")
    np.testing.assert_allclose(samples, 1e6 * volts[[0, 3, 5]], rtol=1e-5)
    assert recording.events == (Event(100, "one"), Event(499, "last"))


def test_a_recording_without_voltages_is_refused(tmp_path: Path) -> None:
    write_fif(tmp_path / "meg_raw.fif", ["mag", "stim"])
    with pytest.raises(RecordingError, match="no channel that is a voltage"):
        open_recording(tmp_path / "meg_raw.fif")


def test_an_edf_without_units_asks_for_one(tmp_path: Path, shared_data) -> None:
    source = shared_data("eegmmidb_S001") / "S001R02.edf"
    content = bytearray(source.read_bytes())
    n_signals = int(content[252:256])
    units = slice(256 + 96 * n_signals, 256 + 104 * n_signals)
    content[units] = b" " * (8 * n_signals)
    path = tmp_path / "unitless.edf"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"unitless\.edf.*--unit"):
        open_recording(path)
    _, wanted = read(source)
    _, samples = read(path, unit="uV")
    np.testing.assert_allclose(samples, wanted, rtol=1e-6)
    _, samples = read(path, unit="mV")
    np.testing.assert_allclose(samples, 1e3 * wanted, rtol=1e-6)


@pytest.mark.parametrize("file", ["sx_v5.mat", "sx_v73.mat"])
def test_seed_layout_in_both_versions(shared_data, file: str) -> None:
    folder = shared_data("seedlike_derived")
    recording, samples = read(folder / file)
    assert recording.sfreq == 200
    assert recording.channels == SEED_CHANNELS
    assert recording.trials == (Trial(0, 3000, 2), Trial(3000, 6000, 1), Trial(6000, 9000, 0))
    content = scipy.io.loadmat(folder / "sx_v5.mat")
    wanted = np.concatenate([content[f"sx_eeg{k}"] for k in (1, 2, 3)], axis=1)
    np.testing.assert_array_equal(samples, wanted.astype(np.float32))


def write_seed(path: Path, lengths: dict[str, int], rows: int = 62) -> None:
    scipy.io.savemat(path, {name: np.full((rows, n), float(n)) for name, n in lengths.items()})


def test_seed_trials_follow_their_numbers_not_their_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "7_20131027.mat"
    write_seed(path, {"djc_eeg10": 5, "djc_eeg9": 3, "djc_eeg1": 2, "other": 9})
    scipy.io.savemat(tmp_path / "label.mat", {"label": [[1, 0, 0, 0, 0, 0, 0, 0, -1, 0]]})
    # label.mat goes before any other file that ends in label.mat
    scipy.io.savemat(tmp_path / "old_label.mat", {"label": [[0] * 10]})
    recording, samples = read(path)
    assert recording.trials == (Trial(0, 2, 2), Trial(2, 5, 0), Trial(5, 10, 1))
    np.testing.assert_array_equal(samples[0], [2, 2, 3, 3, 3, 5, 5, 5, 5, 5])
    assert (recording.subject, recording.session) == ("7", "20131027")


def test_seed_layout_without_labels_has_trials_of_unknown_label(tmp_path: Path) -> None:
    write_seed(tmp_path / "a.mat", {"a_eeg1": 4, "a_eeg2": 6})
    assert open_recording(tmp_path / "a.mat").trials == (Trial(0, 4, -1), Trial(4, 10, -1))


@pytest.mark.parametrize(
    ("label", "said"),
    [([[1, 0]], "has 2 labels.*trial 3"), ([[1, 0, 4]], "other than -1, 0 and 1")],
)
def test_wrong_seed_labels_are_refused(tmp_path: Path, label: list, said: str) -> None:
    write_seed(tmp_path / "a.mat", {f"a_eeg{k}": 4 for k in (1, 2, 3)})
    scipy.io.savemat(tmp_path / "label.mat", {"label": label})
    with pytest.raises(RecordingError, match=rf"label\.mat.*{said}"):
        open_recording(tmp_path / "a.mat")


def test_a_mat_of_another_layout_is_refused(tmp_path: Path) -> None:
    write_seed(tmp_path / "other.mat", {"de_LDS1": 4})
    write_seed(tmp_path / "rows.mat", {"a_eeg1": 4}, rows=32)
    with pytest.raises(RecordingError, match=r"other\.mat.*SEED's layout"):
        open_recording(tmp_path / "other.mat")
    with pytest.raises(RecordingError, match=r"rows\.mat.*32 x 4"):
        open_recording(tmp_path / "rows.mat")


def test_xdf_of_a_headset(shared_data) -> None:
    path = shared_data("muse_lsl_xdf") / "sub-P001_muse.xdf"
    recording, samples = read(path)
    assert recording.sfreq == 256
    assert recording.channels == ("TP9", "AF7", "AF8", "TP10", "AUX_RIGHT")
    (eeg,) = pyxdf.load_xdf(path, select_streams=[{"type": "EEG"}])[0]
    np.testing.assert_array_equal(samples, eeg["time_series"].T)
    assert recording.trials == recording.events == ()


def test_xdf_units_become_microvolts_and_other_quantities_are_left_out(tmp_path: Path) -> None:
    write_xdf(tmp_path / "a.xdf", eeg_stream(["volts", "celsius", "mV", "microvolts"]))
    recording, samples = read(tmp_path / "a.xdf")
    assert recording.channels == ("E0", "E2", "E3")
    np.testing.assert_array_equal(samples[:, 1], np.float32([1e6, 2001e3, 3001]))


def test_xdf_without_units_asks_for_one(tmp_path: Path) -> None:
    write_xdf(tmp_path / "a.xdf", eeg_stream([None]))
    with pytest.raises(RecordingError, match=r"a\.xdf.*--unit"):
        open_recording(tmp_path / "a.xdf")
    assert read(tmp_path / "a.xdf", unit="mV")[1][0, 1] == 1000


def test_xdf_trial_markers_become_trials_and_others_events(tmp_path: Path) -> None:
    markers = [
        (49.0, "before"),
        (50.101, "trial 1 positive"),
        (50.303, "look here"),
        (50.4, "trial 1 end"),
        (50.4, "trial 2 0"),
        (50.6, "trial 3 unknown"),
        (50.7, "trial 3 end"),
        (50.8, "trial 4 surprised"),
        (50.9, "trial 5 neutral"),
        (99.0, "after"),
    ]
    stream = {
        "type": "Markers",
        "units": [None],
        "stamps": [time for time, _ in markers],
        "samples": [text for _, text in markers],
    }
    write_xdf(tmp_path / "a.xdf", stream, eeg_stream(["uV"]))
    recording = open_recording(tmp_path / "a.xdf")
    assert recording.trials == (
        Trial(10, 40, 2),
        Trial(40, 60, 0),
        Trial(60, 70, -1),
        Trial(90, 100, 1),
    )
    assert recording.events == (Event(30, "look here"), Event(80, "trial 4 surprised"))


def test_xdf_needs_exactly_one_eeg_stream_with_samples(tmp_path: Path) -> None:
    left = eeg_stream(["uV"], name="left")
    write_xdf(tmp_path / "two.xdf", left, eeg_stream(["uV"], name="right"))
    with pytest.raises(RecordingError, match=r"two\.xdf.*'left', 'right'"):
        open_recording(tmp_path / "two.xdf")
    write_xdf(tmp_path / "none.xdf", eeg_stream(["uV"], type="ACC", name="arm"))
    with pytest.raises(RecordingError, match=r"none\.xdf: has no stream of type EEG.*'arm'"):
        open_recording(tmp_path / "none.xdf")
    write_xdf(tmp_path / "dry.xdf", eeg_stream(["uV"], n_samples=0))
    with pytest.raises(RecordingError, match=r"dry\.xdf.*no samples"):
        open_recording(tmp_path / "dry.xdf")
    write_xdf(tmp_path / "one.xdf", left, eeg_stream(["uV"], n_samples=0, name="right"))
    assert open_recording(tmp_path / "one.xdf").channels == ("E0",)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("eegmmidb_S001/S001R04.edf", 0.97),
        ("eegmmidb_S001/S001R04.edf", 0.001),
        ("yasa_resting_200hz/data_resting_EO_200Hz_raw.fif", 0.5),
        ("seedlike_derived/sx_v5.mat", 0.5),
        ("seedlike_derived/sx_v73.mat", 0.5),
        ("muse_lsl_xdf/sub-P001_muse.xdf", 0.001),
    ],
)
def test_a_recording_that_is_cut_off_is_refused_in_one_line(
    shared_data, tmp_path: Path, name: str, share: float
) -> None:
    source = shared_data(name)
    content = source.read_bytes()
    path = tmp_path / source.name
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RecordingError) as caught:
        open_recording(path).read()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "suffix", [".edf", ".bdf", ".fif", ".vhdr", ".cnt", ".set", ".mat", ".xdf"]
)
def test_a_file_that_is_something_else_is_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"notes{suffix}"
    path.write_text("milk, eggs\n" * 500)
    with pytest.raises(RecordingError) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "notes.xyz").write_text("milk")
    with pytest.raises(RecordingError, match=r"notes\.xyz.*EDF.*BrainVision.*XDF.*SEED"):
        open_recording(tmp_path / "notes.xyz")
    with pytest.raises(RecordingError, match=r"absent\.edf: no such file"):
        open_recording(tmp_path / "absent.edf")


def test_an_edf_with_odd_fields_is_read_without_noise(
    tmp_path: Path, shared_data, capfd: pytest.CaptureFixture[str]
) -> None:
    source = shared_data("eegmmidb_S001") / "S001R02.edf"
    content = bytearray(source.read_bytes())
    content[168:176] = b"99.99.99"  # no such day
    content[256 : 256 + 16] = content[272 : 272 + 16]  # two channels of one name
    path = tmp_path / "odd.edf"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, samples = read(path)
    np.testing.assert_array_equal(samples, read(source)[1])
    assert capfd.readouterr() == ("", "")


def test_a_recording_can_be_sent_to_another_process(tmp_path: Path, shared_data) -> None:
    shutil.copytree(shared_data("seedlike_derived"), tmp_path / "seed")
    for path in (
        tmp_path / "seed" / "sx_v5.mat",
        shared_data("eegmmidb_S001") / "S001R02.edf",
        shared_data("muse_lsl_xdf") / "sub-P001_muse.xdf",
    ):
        recording = open_recording(path)
        copy = pickle.loads(pickle.dumps(recording))
        np.testing.assert_array_equal(copy.read(), recording.read())
