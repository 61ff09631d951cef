"""What files hold, as a number to tell them apart by."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from rtbci.atomic import complete_or_absent
from rtbci.errors import RecordingError


class Digests:
    """SHA-256 of files, remembered in a folder so that a file is read for it only once.

    A file is taken to be unchanged while its path, size, inode and its times of modification and
    of status change stay what they were, to the nanosecond. Who sets the clock back and writes as
    many other bytes within it deceives this; putting the time of modification back does not.

    Parameters
    ----------
    folder : Path
        Where they are remembered; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, path: Path) -> str:
        """Return a file's digest.

        Raises
        ------
        RecordingError
            If it cannot be read.
        """
        known = self.remembered(path)
        if known is not None:
            return known
        try:
            before = self._memo(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            unchanged = self._memo(path) == before
        except OSError as error:
            raise _unreadable(path, error) from None
        if unchanged:
            self._remember(before, digest)
        return digest

    def remembered(self, path: Path) -> str | None:
        """Return a file's digest if it is known without reading the file.

        Raises
        ------
        RecordingError
            If there is no such file.
        """
        try:
            memo = self._memo(path)
        except OSError as error:
            raise _unreadable(path, error) from None
        try:
            said = memo.read_text("ascii")
        except (OSError, ValueError):  # not there, or damaged: the file is read
            return None
        return said if re.fullmatch(r"[0-9a-f]{64}", said) else None

    def _memo(self, path: Path) -> Path:
        status = path.stat()
        stamp = (
            str(path.resolve()),
            status.st_size,
            status.st_ino,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
        return self._folder / hashlib.sha256(repr(stamp).encode()).hexdigest()[:40]

    def _remember(self, memo: Path, digest: str) -> None:
        # Without room for it the file is read again next time; the cache itself says what is wrong.
        with suppress(OSError), complete_or_absent(memo) as file:
            file.write(digest.encode())


def _unreadable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path}: {error.strerror or error}")
