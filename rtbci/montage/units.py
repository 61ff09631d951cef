"""Units of voltage: whatever a stream declares, the signal path works in microvolts."""

from __future__ import annotations

from rtbci.errors import UnitError

_MICROVOLTS_PER_UNIT = {
    **dict.fromkeys(("v", "volt", "volts", "0"), 1e6),
    **dict.fromkeys(("mv", "millivolt", "millivolts", "-3"), 1e3),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts", "-6"), 1.0),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts", "-9"), 1e-3),
}
# MNE writes FIFF's powers of ten (0, -3, -6, -9) where others write a word.


def microvolts_per(unit: str) -> float:
    """Return how many microvolts one ``unit`` is.

    Raises
    ------
    UnitError
        If ``unit`` is empty or not a voltage that is known.

    Examples
    --------
    >>> microvolts_per("volts"), microvolts_per("µV")
    (1000000.0, 1.0)
    """
    try:
        return _MICROVOLTS_PER_UNIT[unit.strip().lower()]
    except KeyError:
        said = f"unit {unit!r} is not a voltage" if unit.strip() else "no unit is declared"
        raise UnitError(f"{said}; say it with --unit (V, mV, uV or nV)") from None
