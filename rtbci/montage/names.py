"""Electrode names: one spelling for each electrode, however a driver writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rtbci.errors import ChannelError

# fmt: off
SEED_CHANNELS: tuple[str, ...] = (
    "FP1", "FPZ", "FP2",
    "AF3", "AF4",
    "F7", "F5", "F3", "F1", "FZ", "F2", "F4", "F6", "F8",
    "FT7", "FC5", "FC3", "FC1", "FCZ", "FC2", "FC4", "FC6", "FT8",
    "T7", "C5", "C3", "C1", "CZ", "C2", "C4", "C6", "T8",
    "TP7", "CP5", "CP3", "CP1", "CPZ", "CP2", "CP4", "CP6", "TP8",
    "P7", "P5", "P3", "P1", "PZ", "P2", "P4", "P6", "P8",
    "PO7", "PO5", "PO3", "POZ", "PO4", "PO6", "PO8",
    "CB1", "O1", "OZ", "O2", "CB2",
)
# fmt: on
"""The 62 electrodes of the ESI NeuroScan cap, in the order of every SEED-family file."""

_RENAMED = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}  # 10-20 names before 1991
_PREFIX = re.compile(r"^(EEG|CH|SENSOR)[\s_:.-]+", re.IGNORECASE)
_REFERENCE = re.compile(r"[\s_:-]+(REF|LE|AVG|AVE|CAR|A1A2|M1M2)$", re.IGNORECASE)


def canonical_name(name: str) -> str:
    """Return the one spelling of an electrode's name.

    Case, a leading ``EEG``, trailing dots, a trailing reference (``-REF``, ``-LE``, ...) and the
    old 10-20 names (T3 = T7, T4 = T8, T5 = P7, T6 = P8) make no difference.

    Examples
    --------
    >>> [canonical_name(n) for n in ("EEG Fp1", "Fc5.", "t3", "EEG F3-REF")]
    ['FP1', 'FC5', 'T7', 'F3']
    """
    bare = _REFERENCE.sub("", _PREFIX.sub("", name.strip())).strip(" .").upper()
    return _RENAMED.get(bare, bare)


def match_channels(
    wanted: Sequence[str], available: Sequence[str], bad: Sequence[str] = ()
) -> tuple[int | None, ...]:
    """Find each wanted electrode among a stream's channels.

    Parameters
    ----------
    wanted : sequence of str
        Electrodes in the order in which they are needed.
    available : sequence of str
        The stream's channel names, in the stream's order.
    bad : sequence of str
        Channels to be treated as if the stream did not have them.

    Returns
    -------
    tuple of int or None
        For each wanted electrode its index in ``available``, or None where it is missing or bad.

    Raises
    ------
    ChannelError
        If two channels of the stream carry the name of one wanted electrode, or if a name in
        ``bad`` is not one of the stream's channels.
    """
    places: dict[str, list[int]] = {}
    for index, name in enumerate(available):
        places.setdefault(canonical_name(name), []).append(index)
    excluded = {canonical_name(name) for name in bad}
    for name in bad:
        if canonical_name(name) not in places:
            raise ChannelError(
                f"bad channel {name!r} is not in the stream; it has {', '.join(available)}"
            )
    matched: list[int | None] = []
    for name in wanted:
        key = canonical_name(name)
        found = [] if key in excluded else places.get(key, [])
        if len(found) > 1:
            twins = " and ".join(repr(available[index]) for index in found)
            raise ChannelError(f"channels {twins} of the stream both mean electrode {key}")
        matched.append(found[0] if found else None)
    return tuple(matched)
