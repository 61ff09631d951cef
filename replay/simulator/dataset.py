"""A simulated data set in the files of SEED, for everything that reads SEED.

What makes the folder one whole: a marker with the arguments is written before the first recording
and replaced by the manifest after the last. Either names what the recordings are, so that those of
other arguments never stand among them, and an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from replay.simulator.simulator import Simulator
from rtbci import __version__
from rtbci.atomic import complete_or_absent
from rtbci.errors import ReplayError
from rtbci.montage.names import SEED_CHANNELS

SEED_SFREQ = 200.0
"""Hertz, of SEED's preprocessed files."""

SEED_LABELS: tuple[int, ...] = (1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1)
"""SEED's own labels of its 15 clips: -1 negative, 0 neutral, 1 positive."""

MANIFEST = "simulated.json"
_MARKER = "simulated.unfinished.json"
_RECORDINGS = "Preprocessed_EEG"
_FIRST_DAY = datetime.date(2024, 1, 8)
_DAYS_BETWEEN_SESSIONS = 7

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Plan:
    """What determines every byte of the recordings."""

    subjects: int
    sessions: int
    trials: int
    trial_s: float
    seed: int
    version: str = __version__

    @property
    def labels(self) -> list[int]:
        return [SEED_LABELS[k % len(SEED_LABELS)] for k in range(self.trials)]

    @property
    def manifest(self) -> dict[str, Any]:
        return {"simulated": True, **asdict(self)}


def write_seed_dataset(
    folder: Path,
    *,
    subjects: int = 15,
    sessions: int = 3,
    trials: int = 15,
    trial_s: float = 60.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Write simulated recordings laid out as SEED's ``Preprocessed_EEG``.

    Each session is one file ``{subject}_{yyyymmdd}.mat`` with the trials ``sim_eeg1``, ... of shape
    (62, samples), microvolts at 200 Hz in the order of ``SEED_CHANNELS``. The session runs on from
    one trial into the next. Subject ``s`` and session ``k``, counted from 1, are those of
    :class:`~replay.simulator.simulator.Simulator`. A folder that already holds the data set of the
    same arguments is left as it is.

    Parameters
    ----------
    folder : Path
        Where to; made if it is not there.
    subjects, sessions, trials : int
        How many people, sessions of each, and trials in each session.
    trial_s : float
        Length of each trial, seconds.
    seed : int
        Seed of the simulated population.
    progress : callable, optional
        Called with the number of finished trials and of all trials.

    Raises
    ------
    ReplayError
        If an argument is out of range, or if the folder holds other recordings or cannot be
        written.
    """
    plan = _Plan(subjects, sessions, trials, float(trial_s), seed)
    _check(plan)
    try:
        _claim(folder, plan)
        _write(folder, plan, progress or (lambda done, total: None))
    except OSError as error:
        raise ReplayError(
            f"cannot write the simulated data set to {folder}: {error.strerror or error}"
        ) from None


def _check(plan: _Plan) -> None:
    for name in ("subjects", "sessions", "trials"):
        if getattr(plan, name) < 1:
            raise ReplayError(f"{name} is {getattr(plan, name)}; choose 1 or more")
    if not 1 <= plan.trial_s < float("inf"):
        raise ReplayError(
            f"a trial of {plan.trial_s:g} s is too short or endless; 1 s is the least"
        )


def _claim(folder: Path, plan: _Plan) -> None:
    """Make the folder this plan's, or find that it is."""
    for name in (MANIFEST, _MARKER):
        if (folder / name).is_file():
            if _read_manifest(folder / name) != plan.manifest:
                raise ReplayError(
                    f"{folder} holds another simulated data set (see {name});"
                    " delete it or choose another folder"
                )
            return
    if (folder / _RECORDINGS).exists():
        raise ReplayError(
            f"{folder / _RECORDINGS} holds recordings that were not simulated here;"
            " choose another folder"
        )
    _write_missing(folder / _MARKER, partial(_write_plan, plan))


def _write(folder: Path, plan: _Plan, progress: Progress) -> None:
    import scipy.io

    recordings = folder / _RECORDINGS
    _write_missing(recordings / "readme.txt", lambda file: file.write(_readme(plan).encode()))
    labels = {"label": np.array([plan.labels], np.float64)}
    _write_missing(recordings / "label.mat", lambda file: scipy.io.savemat(file, labels))
    total = plan.subjects * plan.sessions * plan.trials
    for k in range(plan.subjects * plan.sessions):
        subject, session = k // plan.sessions + 1, k % plan.sessions + 1
        report = partial(_report, progress, k * plan.trials, total)
        report(0)
        _write_missing(
            recordings / f"{subject}_{_date(subject, session)}.mat",
            partial(_write_session, plan, subject, session, report),
        )
    progress(total, total)
    _write_missing(folder / MANIFEST, partial(_write_plan, plan))
    (folder / _MARKER).unlink(missing_ok=True)


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _write_missing(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    if not path.is_file():
        with complete_or_absent(path) as file:
            write(file)


def _write_session(
    plan: _Plan, subject: int, session: int, report: Callable[[int], None], file: IO[bytes]
) -> None:
    import scipy.io

    simulator = Simulator(SEED_SFREQ, SEED_CHANNELS, plan.seed, subject=subject, session=session)
    n_samples = round(plan.trial_s * SEED_SFREQ)
    for k, label in enumerate(plan.labels):
        # The simulator's emotions are counted from 0, in the order of SEED's labels.
        samples = simulator.next(n_samples, label + 1)
        # One variable at a time, so that memory holds one trial and not the session.
        scipy.io.savemat(file, {f"sim_eeg{k + 1}": samples.T.astype(np.float64)})
        report(k + 1)


def _date(subject: int, session: int) -> str:
    first = _FIRST_DAY + datetime.timedelta(days=subject - 1)
    day = first + datetime.timedelta(days=_DAYS_BETWEEN_SESSIONS * (session - 1))
    return day.strftime("%Y%m%d")


def _readme(plan: _Plan) -> str:
    return (
        "SIMULATED DATA. No person was recorded: these are not SEED, only laid out like it.\n"
        f"Made by rtbci {plan.version}'s EEG simulator with the seed {plan.seed}:"
        f" {plan.subjects} subjects, {plan.sessions} sessions each,"
        f" {plan.trials} trials of {plan.trial_s:g} s.\n"
        "An accuracy on these data says how well a program finds what the simulator put in,"
        " nothing about people.\n"
        "Each trial: 62 electrodes x samples, microvolts, 200 Hz.\n"
        "label.mat: -1 negative, 0 neutral, 1 positive.\n"
        "Electrodes: " + " ".join(SEED_CHANNELS) + "\n"
    )


def _write_plan(plan: _Plan, file: IO[bytes]) -> None:
    file.write((json.dumps(plan.manifest, indent=2) + "\n").encode())


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
