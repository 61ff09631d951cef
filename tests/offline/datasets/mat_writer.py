"""Write MATLAB files of both versions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import scipy.io

VERSIONS = ["v5", "v7.3"]


def write_mat(path: Path, variables: Mapping[str, np.ndarray], version: str = "v5") -> None:
    """Write variables as MATLAB does: compressed, and in v7.3 with the dimensions reversed."""
    if version == "v5":
        scipy.io.savemat(path, dict(variables), do_compression=True)
        return
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            held = file.create_dataset(name, data=np.asarray(values).T, compression="gzip")
            held.attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
