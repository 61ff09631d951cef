"""The same work by others: SciPy and NumPy, and TorchEEG where it is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offline.features.bench_data import dataset_file
from rtbci.recipe import Recipe
from rtbci.signal.path import SignalPath

_HOPS = (0.1, 1.0)
_TORCHEEG_WINDOWS = 100

Trials = list[NDArray[np.float32]]


def compare(folder: Path) -> Iterator[str]:
    """Yield lines on how long one file's features take by several programs, on one core."""
    from offline.datasets.registry import load_dataset_settings, open_dataset

    settings = load_dataset_settings(dataset_file(simulated=True))
    recording = open_dataset(settings, folder).recordings[0]
    trials = list(recording.blocks())
    yield (
        f"one file, {recording.duration_s:.0f} s of {len(recording.channels)} channels, its samples"
        " in memory, on one core"
    )
    for hop_s in _HOPS:
        path = SignalPath(Recipe(hop_s=hop_s), recording.sfreq, recording.channels)
        path.warm_up()
        ours = _seconds(_by_rtbci, path, trials)
        yield f"{f'  rtbci, a map each {hop_s:g} s':<36} {ours:8.2f} s"
        scipy_s = _seconds(_by_scipy, path, trials)
        name = f"  SciPy, a map each {hop_s:g} s"
        yield f"{name:<36} {scipy_s:8.2f} s  ratio {scipy_s / ours:.1f}"
        yield _by_torcheeg(path, trials, ours, hop_s)


def _seconds(work: Callable[[SignalPath, Trials], None], path: SignalPath, trials: Trials) -> float:
    begun = time.perf_counter()
    work(path, trials)
    return time.perf_counter() - begun


def _by_rtbci(path: SignalPath, trials: Trials) -> None:
    length = round(4 * path.sfreq)
    for trial in trials:
        for start in range(0, trial.shape[1], length):
            path.push(trial[:, start : start + length].T)


def _by_scipy(path: SignalPath, trials: Trials) -> None:
    from rtbci.cli.bench import by_scipy

    for trial in trials:
        by_scipy(path.recipe, path, trial.astype(np.float64))


def _by_torcheeg(path: SignalPath, trials: Trials, ours: float, hop_s: float) -> str:
    name = f"  TorchEEG, a map each {hop_s:g} s"
    if find_spec("torcheeg") is None:
        return f"{name:<36} not installed"
    try:
        transforms = import_module("torcheeg.transforms")
    except Exception as error:  # its own dependencies may be missing in any way
        return f"{name:<36} cannot be imported ({' '.join(str(error).split())})"
    bands = {band.name: [band.low, band.high] for band in path.recipe.bands}
    transform = transforms.BandDifferentialEntropy(
        sampling_rate=round(path.sfreq), order=path.recipe.filter_order, band_dict=bands
    )
    windows = [
        trials[0][:, start : start + path.window].astype(np.float64)
        for start in range(0, _TORCHEEG_WINDOWS * path.hop, path.hop)
    ]
    begun = time.perf_counter()
    for window in windows:
        transform(eeg=window)
    each = (time.perf_counter() - begun) / len(windows)
    count = sum((trial.shape[1] - path.window) // path.hop + 1 for trial in trials)
    taken = each * count
    return (
        f"{name:<36} {taken:8.2f} s  ratio {taken / ours:.1f}, scaled from {len(windows)} windows; "
        "it filters each window anew"
    )
