"""Small files in SEED's layout, opened as a data set is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io

from offline.datasets.recording import Recording
from offline.datasets.registry import load_dataset_settings, open_dataset
from rtbci.montage.names import SEED_CHANNELS
from rtbci.recipe import Recipe

DATASET = Path(__file__).parents[3] / "configs" / "datasets" / "simulated.yaml"
LABELS = (1, 0, -1)
RECIPE = Recipe(channels=("F3", "FZ", "F4", "PZ"))


def write_session(root: Path, name: str = "1_20240101.mat", seed: int = 0, seconds: float = 4):
    folder = root / "Preprocessed_EEG"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    shape = (len(SEED_CHANNELS), round(200 * seconds))
    trials = {f"ab_eeg{k}": 20 * rng.standard_normal(shape) + 400 * k for k in (1, 2, 3)}
    scipy.io.savemat(folder / name, trials)
    scipy.io.savemat(folder / "label.mat", {"label": np.array([LABELS])})
    return folder / name


def opened(root: Path) -> tuple[Recording, ...]:
    return open_dataset(load_dataset_settings(DATASET), root).recordings


def session(root: Path, **options) -> Recording:
    write_session(root, **options)
    (recording,) = opened(root)
    return recording
