"""Files that are complete or absent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rtbci.errors import ConfigError


@contextmanager
def complete_or_absent(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to be written that takes its name only once it is whole.

    Two writers of one file at the same time do no harm: the last one's file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def require_writable(folder: Path) -> None:
    """Make the folder for what is found, and see that files can be written there.

    Raises
    ------
    ConfigError
        If they cannot: better now than after the first fit.
    """
    probe = folder / ".writable"
    try:
        with complete_or_absent(probe):
            pass
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"output {folder}: cannot be written ({error.strerror or error}); name another folder "
            "(--output, or output in the file)"
        ) from None
