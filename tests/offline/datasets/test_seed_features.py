from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from offline.datasets.recording import Trial
from offline.datasets.registry import load_dataset_settings, open_dataset
from offline.datasets.seed_features import SeedFeaturesSettings
from rtbci.configuration import validate
from rtbci.errors import ConfigError, RecordingError
from rtbci.montage.names import SEED_CHANNELS
from tests.offline.datasets.mat_writer import VERSIONS, write_mat

CONFIGS = Path(__file__).parents[3] / "configs" / "datasets"
PLAIN = {
    "layout": "seed-features",
    "name": "made",
    "classes": ["negative", "neutral", "positive"],
    "labels": {-1: "negative", 0: "neutral", 1: "positive"},
    "sessions": {"all": {"clips": [1, 0, -1], "seconds": [7, 5, 3]}},
}


def maps_of(kind: str = "de_LDS", windows=(7, 5, 3), shape=(62, 5)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(len(kind))
    return {
        f"{kind}{k}": rng.normal(size=(shape[0], n, shape[1]))
        for k, n in enumerate(windows, start=1)
    }


def write(root: Path, content: dict[str, np.ndarray], version: str = "v5") -> Path:
    folder = root / "ExtractedFeatures"
    folder.mkdir(exist_ok=True)
    write_mat(folder / "3_20131027.mat", content, version)
    return root


def opened(root: Path, **changes):
    settings = validate(SeedFeaturesSettings, PLAIN | changes, source="made.yaml")
    return open_dataset(settings, root).recordings


def refused(root: Path, said: str, **changes) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        [recording.shipped() for recording in opened(root, **changes)]
    assert "3_20131027.mat" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["de_LDS", "psd_movingAve"])
def test_maps_are_windows_by_bands_by_channels(tmp_path, version, kind):
    content = {
        **maps_of("de_LDS"),
        **maps_of("psd_movingAve"),
        **maps_of("dasm_LDS", shape=(27, 5)),
    }
    write(tmp_path, content, version)
    (recording,) = opened(tmp_path, features=kind)
    assert (recording.subject, recording.session, recording.sfreq) == ("3", "1", 1)
    assert recording.channels == SEED_CHANNELS
    assert recording.trials == (Trial(0, 7, 2), Trial(7, 12, 1), Trial(12, 15, 0))
    shipped = recording.shipped()
    assert (shipped.shape, shipped.dtype, recording.n_samples) == ((15, 5, 62), np.float64, 15)
    for k, trial in enumerate(recording.trials, start=1):
        for channel, band in ((0, 0), (61, 4), (30, 2)):
            stored = content[f"{kind}{k}"][channel, :, band]
            np.testing.assert_array_equal(shipped[trial.start : trial.stop, band, channel], stored)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(recording)).shipped(), shipped)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_trial_of_one_window_keeps_its_place(tmp_path, version):
    content = maps_of(windows=(7, 1, 3))
    write(tmp_path, content, version)
    session = {"clips": [1, 0, -1], "seconds": [7, 1, 3]}
    (recording,) = opened(tmp_path, sessions={"all": session})
    stored = content["de_LDS2"][:, 0, :].T
    np.testing.assert_array_equal(recording.shipped()[7], stored)


def test_windows_of_four_seconds_in_folders_of_sessions(tmp_path):
    folder = tmp_path / "eeg_feature_smooth" / "2"
    folder.mkdir(parents=True)
    write_mat(folder / "1_20151124.mat", maps_of())
    (recording,) = opened(
        tmp_path,
        files="eeg_feature_smooth/{session}/{subject}_{date}.mat",
        window_s=4,
        labels={0: "neutral", 1: "negative", 3: "positive"},
        sessions={2: {"clips": [3, 2, 0], "seconds": [28, 20, 12]}},
    )
    assert (recording.session, recording.sfreq, recording.duration_s) == ("2", 0.25, 60)
    assert recording.trials == (Trial(0, 7, 2), Trial(7, 12, -1), Trial(12, 15, 1))


def test_there_are_no_samples(tmp_path):
    (recording,) = opened(write(tmp_path, maps_of()))
    for read in (recording.read, recording.blocks):
        with pytest.raises(RecordingError, match=r"3_20131027.mat: holds features and no samples"):
            read()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("content", "changes", "said"),
    [
        (maps_of(), {"features": "psd_LDS"}, "has no variable psd_LDS1"),
        ({**maps_of(windows=(7,)), "de_LDS3": np.ones((62, 3, 5))}, {}, "lacks trial 2 of 3"),
        (maps_of(windows=(7, 5, 3, 2)), {}, "holds de_LDS4, but 3 trials"),
        (maps_of(windows=(7, 9, 3)), {}, "trial 2 lasts 9.0 s, 5 s are expected"),
        (maps_of(shape=(61, 5)), {}, "de_LDS1 is 61 x 7 x 5; .*62 x windows x 5"),
        (maps_of(shape=(62, 4)), {}, "de_LDS1 is 62 x 7 x 4"),
        ({"de_LDS1": np.ones((62, 35))}, {}, "de_LDS1 is 62 x 35"),
        ({"de_LDS1": np.ones((5, 7, 62))}, {}, "de_LDS1 is 5 x 7 x 62"),
        (
            {**maps_of(), "de_LDS2": np.full((62, 5, 5), np.nan)},
            {},
            "de_LDS2 holds 1550 values that are no finite numbers",
        ),
    ],
)
def test_other_content_is_refused(tmp_path, version, content, changes, said):
    refused(write(tmp_path, content, version), said, **changes)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_that_is_cut_off_is_refused(tmp_path, version):
    write(tmp_path, maps_of(), version)
    (recording,) = opened(tmp_path)
    path = tmp_path / "ExtractedFeatures" / "3_20131027.mat"
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(RecordingError, match="3_20131027.mat: cannot be read") as caught:
        recording.shipped()
    assert "\n" not in str(caught.value)


def test_the_label_file_has_to_agree(tmp_path):
    write(tmp_path, maps_of())
    beside = tmp_path / "ExtractedFeatures" / "label.mat"
    scipy.io.savemat(beside, {"label": [[1, 0, 1]]})
    with pytest.raises(RecordingError, match="label.mat: says 1 for trial 3, the settings say -1"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ("dasm_LDS", "compares pairs of electrodes.*allowed are de_LDS, de_movingAve, psd_LDS"),
        ("rasm_movingAve", "compares pairs"),
        ("asm_LDS", "compares pairs"),
        ("dcau_LDS", "compares pairs"),
        ("de", "allowed are de_LDS"),
    ],
)
def test_features_without_electrodes_are_refused(features, said):
    with pytest.raises(ConfigError, match=said) as caught:
        validate(SeedFeaturesSettings, PLAIN | {"features": features}, source="made.yaml")
    assert "\n" not in str(caught.value)


def test_the_file_says_that_they_are_not_causal():
    settings = load_dataset_settings(CONFIGS / "seed-features.yaml")
    assert not settings.causal
    assert load_dataset_settings(CONFIGS / "seed.yaml").causal
    assert settings.sessions == load_dataset_settings(CONFIGS / "seed.yaml").sessions
