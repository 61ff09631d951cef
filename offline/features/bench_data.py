"""Files to measure on, in SEED's layout and of its size."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offline.datasets.registry import load_dataset_settings
from offline.datasets.script import ALL, Session
from offline.datasets.seed import SeedSettings
from rtbci.configuration import packaged_config
from rtbci.errors import RtbciError

SFREQ = 200.0
_CHANNELS = 62
_SESSIONS = 3
_FOLDER = "Preprocessed_EEG"
_HEADER_TEXT = 116  # bytes at the start of a MATLAB file that say nothing to a program
_FILE_BYTES, _ENTRY_BYTES = 340e6, 90e6  # at most


@contextmanager
def workspace(parent: Path, files: int, *, copied: bool) -> Iterator[Path]:
    """Make a folder with room for files, if they are to be copied, and for their features.

    Raises
    ------
    RtbciError
        If there is not enough room.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(parent).free
        each = _ENTRY_BYTES + (_FILE_BYTES if copied else 0)
        if free < files * each:
            raise RtbciError(
                f"{parent}: {files * each / 1e9:.0f} GB are needed, {free / 1e9:.0f} GB are free, "
                f"enough for --files {int(free / each)}; RTBCI_CACHE names another folder"
            )
        with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise RtbciError(f"{parent}: cannot be used ({error.strerror or error})") from None


def make_files(folder: Path, files: int) -> Iterator[Path]:
    """Write a simulated session and copies of it with other headers, yielding each when done."""
    import scipy.io

    data = folder / _FOLDER
    data.mkdir()
    session = _session()
    scipy.io.savemat(data / "label.mat", {"label": np.array([session.clips], float)})
    first = data / _name(0)
    with first.open("wb") as file:
        for number, seconds in enumerate(session.durations or (), start=1):
            trial = {f"sim_eeg{number}": simulated_eeg(seconds, seed=number)}
            scipy.io.savemat(file, trial, do_compression=True)
    yield first
    for number in range(1, files):
        copy = data / _name(number)
        shutil.copyfile(first, copy)
        with copy.open("r+b") as file:
            text = f"MATLAB 5.0 MAT-file, simulated, copy {number}"
            file.write(text.encode().ljust(_HEADER_TEXT))
        yield copy


def link_files(root: Path, folder: Path, files: int) -> int:
    """Link to the first files of a real data set and return how many there are.

    Raises
    ------
    RtbciError
        If there are none.
    """
    data, source = folder / _FOLDER, root / _FOLDER
    data.mkdir()
    found = sorted(source.glob("*_*.mat"))[:files]
    if not found:
        raise RtbciError(f"{source}: holds no files such as 1_20131027.mat")
    for path in (*found, source / "label.mat"):
        (data / path.name).symlink_to(path.resolve())
    return len(found)


def dataset_file(*, simulated: bool) -> Path:
    """Return the YAML file of the data set."""
    return packaged_config(f"datasets/{'simulated' if simulated else 'seed'}.yaml")


def simulated_eeg(seconds: float, seed: int) -> NDArray[np.float64]:
    """Return noise whose power falls with frequency, and a rhythm of 10 Hz that comes and goes.

    Returns
    -------
    array, shape (62, samples)
        Microvolts at 200 Hz, with as little to be compressed as in real EEG.
    """
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * SFREQ)) / SFREQ
    noise = lfilter([4.0], [1.0, -0.97], rng.standard_normal((_CHANNELS, len(time))), axis=1)
    strength = 8 * (1 + np.sin(2 * np.pi * 0.1 * time))
    rhythm = strength * np.sin(2 * np.pi * 10 * time)
    return np.asarray(noise + rng.uniform(0.2, 1, (_CHANNELS, 1)) * rhythm)


def _session() -> Session:
    """Return what SEED's sessions show: their clips and how long each is."""
    settings = load_dataset_settings(dataset_file(simulated=False))
    assert isinstance(settings, SeedSettings)
    return settings.sessions[ALL]


def _name(number: int) -> str:
    return f"{number // _SESSIONS + 1}_2024{number % _SESSIONS + 1:02d}01.mat"
