"""How liblsl is configured; it reads its configuration once, when it is first used."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# With LSL's own "machine" scope a query goes to 127.0.0.1, which the system hands to one listener
# only. A multicast address with a time to live of 0 reaches all of them and leaves the machine as
# little; the known peer is there for machines without multicast.
_CONFIGURATION = """\
[lab]
SessionID = {session}
KnownPeers = {{127.0.0.1}}
[multicast]
AddressesOverride = {{127.0.0.1, 224.0.0.183}}
TTLOverride = 0
[ports]
IPv6 = disable
[log]
level = -3
"""


_PERSONAL = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")


def quiet_lsl() -> None:
    """Keep liblsl's log off the terminal, unless a person has a configuration of their own."""
    if not any(Path(place).expanduser().is_file() for place in _PERSONAL):
        os.environ.setdefault("LSLAPICFG", str(Path(__file__).with_name("lsl_quiet.cfg")))


@contextmanager
def isolated_lsl() -> Iterator[str]:
    """Keep this process's LSL streams, and those of processes it starts, to themselves.

    For demonstrations and tests, before liblsl is first used.

    Yields
    ------
    str
        The session's identifier.
    """
    session = f"rtbci-{uuid.uuid4().hex}"
    path = Path(tempfile.gettempdir()) / f"{session}.cfg"
    path.write_text(_CONFIGURATION.format(session=session))
    before = os.environ.get("LSLAPICFG")
    os.environ["LSLAPICFG"] = str(path)
    try:
        yield session
    finally:
        path.unlink(missing_ok=True)
        if before is None:
            del os.environ["LSLAPICFG"]
        else:
            os.environ["LSLAPICFG"] = before
