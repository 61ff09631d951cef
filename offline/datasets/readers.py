"""Open one recording, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from offline.datasets.recording import Recording
from rtbci.errors import RecordingError

if TYPE_CHECKING:
    from offline.datasets.cnt import DataFormat

FORMATS = (
    "EDF (.edf), BDF (.bdf), BrainVision (.vhdr), FIF (.fif), EEGLAB (.set), Neuroscan (.cnt) and "
    "what else MNE reads; XDF (.xdf); SEED's layout (.mat)"
)


def open_recording(
    path: Path, unit: str | None = None, *, data_format: DataFormat | None = None
) -> Recording:
    """Open a recording; its samples are read when its blocks are asked for.

    Parameters
    ----------
    path : Path
        Anything that MNE reads, an XDF, or a MATLAB file in SEED's layout (v5 or v7.3).
    unit : str, optional
        The unit of channels for which the file declares none.
    data_format : {'auto', 'int16', 'int32'}, optional
        Type of the samples of a Neuroscan .cnt; given for any other file it is an error.

    Returns
    -------
    Recording
        Channels that are voltages, in microvolts. ``trials`` is filled from SEED's layout (label -1
        where no label file lies beside it) and from an XDF's trial markers; all other annotations
        are ``events``.

    Raises
    ------
    RecordingError
        If there is no such file, or it is cut off, unreadable or of no known format.
    """
    if not path.exists():
        raise RecordingError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if data_format is not None and suffix != ".cnt":
        raise RecordingError(f"{path}: is no Neuroscan .cnt, data_format is for those only")
    if suffix == ".mat":
        from offline.datasets.seed_mat import open_seed_mat

        return open_seed_mat(path)
    if suffix in {".xdf", ".xdfz"}:
        from offline.datasets.xdf import open_xdf

        return open_xdf(path, unit)
    from offline.datasets.mne_raw import open_mne, understands

    if not understands(path):
        raise RecordingError(f"{path}: not a known format; understood are {FORMATS}")
    return open_mne(path, unit, data_format)
